"""`EQUIVALENT`: mistakes of any component that change nothing in some, and why."""

EQUIVALENT: dict[tuple[str, str], str] = {}
"""Stem and name of a generic mistake -> why nothing that can be observed changes."""
