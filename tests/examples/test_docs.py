"""The pages that show code show code that runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["modules.md"])
def test_every_block_of_a_page_runs_in_order(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    script = ModuleType("script")
    monkeypatch.setitem(sys.modules, "script", script)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), vars(script))
    assert "flowchart TD" in capsys.readouterr().out
