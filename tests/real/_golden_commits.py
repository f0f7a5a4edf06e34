"""The dates of the commits that goldens were recorded at; a letter orders those of one day, as in `migrate.eras`."""

from __future__ import annotations

from migrate.eras import Era

_DATES = """
2025-02-20 bd8ef7faa8
2025-02-27 ac779bb232
2025-02-27b e190659b3e
2025-03-06 4d0e9d06f3
2025-03-13 5fe53fb15d
2025-03-20 4b9ecc2374
2025-04-02 b6e68fb310
2025-04-15 5a6ca728f9 eca6974d7c
2025-04-22 24e1785d88
2025-04-24 cf8db64623
2025-04-30 aa1803ee3b
2025-05-01 f82ee3c0e2
2025-05-09 c795c9844a
2025-05-10 3db88d2b8c
2025-05-13 a7cabe0aab
2025-05-19 501f545841
2025-05-20 61a244c219
2025-05-22 67ef4961d1 262111993a
2025-05-23 16bd104c04
2025-05-27 45e6f8675a
2025-05-30 af05d6ff5a
2025-06-02 5d94ff90bc
2025-06-03 b88b523007 b7c69952ec
2025-06-04 e3f0bdf436
2025-06-04b 4222eb0f47
2025-06-05 9ca0d94915
2025-06-06 636dd9b87a 67b1158708 7942f5e5c5
2025-06-09 f03551d9cc dc9b53a481
2025-06-13 a5df163c21
2025-06-16 60dfbfccba
2025-06-17 2506befd41
2025-06-17z 27b290690e
2025-06-18 6cf3a607f4
2025-06-20 75af4fc249
2025-06-24 b8014fa1f4
2025-06-26 802f6d6d1a
2025-06-27 ca4b293c02
2025-06-28 7f37878f7a
2025-07-01 1656dce585 87d8a3b8e6
2025-07-01z 8ceb8571c2
2025-07-02 51cc87aeab
2025-07-05 5d8147eae7
2025-07-09 ac30d142f2
2025-07-29 5dcfebc090 88f52ac4f4
2025-08-03 af23a9ee5e
2025-08-04 2b8de832cb
2025-08-06 a0b88f5b4d
2025-08-07b ba04bb724c
2025-08-08 21534b13d5 35eb131666
2025-08-13 eb134de2a6
2025-08-14 cef2d0434a
2025-08-15 3bc20c8423 04185f82e9
2025-08-19 2492a920f0
2025-08-20 028e96e2fc 23f78dd675
2025-08-26 6ca3d1c934
2025-08-27 75fb9a9a3e 5ed446daf4
2025-09-02 5eb9839a3a
2025-09-03 6f57c846ec
2025-09-05 8b9741093b
2025-09-17 96d3745e1f
"""
"""Lines of a date and its commits.

8ceb8571c2 came on the day on which E7 began, and before it. 35eb131666 has no date on record, but its goldens have the
entries that 21534b13d5 brought.
"""

DATES = {commit: line.split()[0] for line in _DATES.strip().splitlines() for commit in line.split()[1:]}


def era_of(commit: str) -> Era | None:
    """The point in time of a commit; None for one that is not known."""
    return Era(DATES[commit]) if commit in DATES else None
