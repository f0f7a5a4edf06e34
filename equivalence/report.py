"""Writes what a proof found: `result.json` for programs, `junit.xml` for CI servers, `report.html` for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from equivalence.report_html import render_html, render_index
from equivalence.report_json import render_json, render_summary_json
from equivalence.report_junit import render_junit
from equivalence.result import ProofResult
from modules.policy_file import write_atomically


def write_reports(result: ProofResult, folder: Path) -> list[Path]:
    """Writes the reports of one proof, each whole or not at all; the same result gives the same bytes.

    Args:
        result: what was found.
        folder: where to; made if it is not there.

    Returns:
        What was written: `result.json`, `junit.xml`, `report.html`.
    """
    files = {
        "result.json": render_json(result),
        "junit.xml": render_junit([result]),
        "report.html": render_html(result),
    }
    return _write(files, folder)


def write_summary(results: Sequence[ProofResult], folder: Path) -> list[Path]:
    """Writes the reports of many proofs: each in a folder of its own, and what they amount to above them.

    Args:
        results: in the order in which they shall appear.
        folder: where to; made if it is not there.

    Returns:
        What was written: `summary.json`, `junit.xml`, `index.html`, then the reports of each proof.
    """
    folders = [report_folder(index, result) for index, result in enumerate(results)]
    single = [
        path for name, result in zip(folders, results, strict=True) for path in write_reports(result, folder / name)
    ]
    files = {
        "summary.json": render_summary_json(results, folders),
        "junit.xml": render_junit(results),
        "index.html": render_index(results, folders),
    }
    return _write(files, folder) + single


def report_folder(index: int, result: ProofResult) -> str:
    """The name of the folder where `write_summary` puts the reports of its `index`th proof, such as `001-simple`."""
    stem = re.sub(r"[^a-z0-9]+", "-", PurePath(result.old).stem.lower()).strip("-")[:40]
    return f"{index + 1:03d}-{stem or 'proof'}"


def _write(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    contents = {folder / name: data for name, data in files.items()}
    write_atomically(contents)
    return list(contents)
