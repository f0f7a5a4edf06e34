"""`result.json` and `summary.json`: everything that was found, for programs; `result.schema.json` describes it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from equivalence.report_words import compared, sentence
from equivalence.result import DIFFERENT, EQUAL, INCONCLUSIVE, ProofResult

SUMMARY_SCHEMA = "metta-equivalence-summary/1"
"""Name and version of the format of `summary.json`."""


def render_json(result: ProofResult) -> bytes:
    """`result.json`: one object, the name of its schema first."""
    return _dump(result.to_dict())


def render_summary_json(results: Sequence[ProofResult], folders: Sequence[str]) -> bytes:
    """`summary.json`: a row per proof, each with the folder of its own reports."""
    verdicts = Counter(result.verdict for result in results)
    rows = [
        {
            "old": result.old,
            "new": result.new,
            "verdict": result.verdict,
            "sentence": sentence(result),
            "compared": compared(result),
            "seconds": result.seconds,
            "folder": folder,
        }
        for result, folder in zip(results, folders, strict=True)
    ]
    counts = {verdict: verdicts[verdict] for verdict in (EQUAL, DIFFERENT, INCONCLUSIVE)}
    return _dump({"schema": SUMMARY_SCHEMA, "verdicts": counts, "proofs": rows})


def plain(value: object) -> Any:
    """A value as JSON has it: NaN and infinities, which JSON lacks, and what is no JSON value become their text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted((plain(item) for item in value), key=str)
        case list() | tuple():
            return [plain(item) for item in value]
    return str(value)


def _dump(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(plain(value), indent=2, allow_nan=False) + "\n").encode("ascii")
