"""Checkpoints of E1 with merges, whose sources may leave out their `dim` (trap 15)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from equivalence.pairs import pair_of_files
from equivalence.proof import prove
from migrate.checkpoint import main
from migrate.eras import Era
from tests.migrate import _eras


@pytest.mark.parametrize("kind", ["ConcatMergeLayer", "AddMergeLayer"])
def test_a_merge_of_e1_without_dim_is_migrated_and_goes_back(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def merged(era: Era) -> dict[str, dict[str, Any]]:
        components = _eras.from_box(era)
        components |= {name: _eras.linear("flat", 3, era) for name in ("left", "right")}
        sources = [{"source_name": "left"}, {"source_name": "right"}]
        return {**components, "encoded": {"_target_": f"{era.root}merge_layer.{kind}", "sources": sources}}

    monkeypatch.setattr(_eras, "environment_of", lambda *_: _eras.BOX)
    path, _ = _eras.trained("2025-02-20", merged).write(tmp_path)
    new, back = tmp_path / "new.safetensors", tmp_path / "back.pt"
    assert main([str(path), "-o", str(new)]) == 0
    assert main([str(new), "--to", "legacy", "-o", str(back)]) == 0
    assert back.read_bytes() == path.read_bytes()
    assert all(result.equal for result in prove(pair_of_files(path, new), levels=["weights", "forward"], examples=5))
