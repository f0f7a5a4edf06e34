"""Components whose attributes no file on record shows: plain ones of other names are told, and cost no policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
from equivalence import trace
from migrate import checkpoint
from migrate.eras import Era
from modules import load_agent
from tests.migrate import _eras as eras

Change = Callable[[dict[str, Any]], Any]


def from_rotated_tokens(era: Era) -> dict[str, Any]:
    return {
        "_obs_": eras.layer("obs_enc.ObsTokenRoPE", era=era, atr_embed_dim=8, rope_base=50.0),
        "encoded": eras.layer("obs_enc.ObsCrossAttn", "_obs_", era=era, out_dim=9),
    }


def from_concatenated_tokens(era: Era) -> dict[str, Any]:
    return {
        "_obs_": eras.layer("obs_enc.ObsTokenCat", era=era, atr_embed_dim=3, coord_embed_dim=2),
        "encoded": eras.layer("obs_enc.ObsCrossAttn", "_obs_", era=era, out_dim=6),
    }


def without(*names: str) -> Change:
    return lambda attributes: [attributes.pop(name) for name in names]


def renamed(old: str, new: str) -> Change:
    return lambda attributes: attributes.update({new: attributes.pop(old)})


def also(**values: Any) -> Change:
    return lambda attributes: attributes.update(values)


CASES: dict[str, tuple[str, Any, str, Change]] = {
    "more is kept": ("2025-06-10", from_rotated_tokens, "_obs_", also(_dim_half=4, _sizes=[4, 4])),
    "less is kept": ("2025-06-10", from_rotated_tokens, "_obs_", without("_value_dim", "_feat_dim", "_max_embeds")),
    "another underscore": ("2025-06-10", from_rotated_tokens, "_obs_", renamed("_rope_base", "rope_base")),
    "another value of what follows": ("2025-06-10", from_concatenated_tokens, "_obs_", also(_max_embeds=255)),
    "the first cross attention": ("2025-06-02", eras.from_early_tokens, "encoded", without("_M", "_feat_dim")),
    "the size of its query": ("2025-06-02", eras.from_early_tokens, "encoded", renamed("_hidden_size", "hidden_size")),
    "the first tokens": ("2025-06-02", eras.from_early_tokens, "_obs_", also(_max_embeds=256, _scale=0.5)),
}


def written(date: str, encoder: Any, component: str, change: Change, folder: Path) -> Path:
    policy = eras.trained(date, encoder)
    change(vars(policy.agent.components[component]))
    return policy.write(folder)[0]


@pytest.mark.parametrize("name", CASES)
def test_a_policy_is_migrated_whatever_plain_values_its_class_kept(name: str, tmp_path: Path) -> None:
    old = written(*CASES[name], tmp_path)
    assert checkpoint.main([str(old)]) == 0
    sides = migrate.load_policy(old, "legacy"), load_agent(old.with_suffix(".safetensors"))
    obs = torch.randint(0, 3, (2, 3, *sides[1].environment.obs_shape), dtype=torch.uint8)
    there, here = (trace(side.eval(), obs, action=torch.zeros(2, 3, 2, dtype=torch.long)).outputs for side in sides)
    assert all(torch.equal(there[key], here[key]) for key in there)


BOOKS: dict[str, Callable[[Any], Any]] = {
    "the agent keeps its actions": lambda agent: setattr(agent, "active_actions", [("move", 1)]),
    "the agent repeats the clip limit": lambda agent: vars(agent).update(clip_range=agent.policy.clip_range),
    "no window": lambda agent: (vars(agent).pop("obs_width"), vars(agent).pop("obs_height")),
    "the policy counts the window": lambda agent: vars(agent.policy).update(obs_width=5, obs_height=4),
    "no space": lambda agent: vars(agent).pop("action_space"),
}


@pytest.mark.parametrize("name", BOOKS)
def test_what_an_agent_kept_for_itself_costs_no_policy_of_e9(name: str, tmp_path: Path) -> None:
    policy = eras.trained("2025-08-14", eras.from_token_box)
    BOOKS[name](policy.agent)
    old = policy.write(tmp_path)[0]
    assert checkpoint.main([str(old)]) == 0
    back = tmp_path / "back.pt"
    assert checkpoint.main([str(old.with_suffix(".safetensors")), "--to", "legacy", "-o", str(back)]) == 0
    assert back.read_bytes() == old.read_bytes()


def test_two_limits_of_clipping_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = eras.trained("2025-08-14", eras.from_token_box)
    vars(policy.agent)["clip_range"] = 7.0
    assert checkpoint.main([str(policy.write(tmp_path)[0])]) == 2
    assert "clip_range of the agent is 7.0" in capsys.readouterr().err


@pytest.mark.parametrize("name", CASES)
def test_such_a_policy_goes_back_byte_for_byte(name: str, tmp_path: Path) -> None:
    old = written(*CASES[name], tmp_path)
    assert checkpoint.main([str(old)]) == 0
    back = tmp_path / "back.pt"
    assert checkpoint.main([str(old.with_suffix(".safetensors")), "--to", "legacy", "-o", str(back)]) == 0
    assert back.read_bytes() == old.read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            also(_dim_half=4),
            "component '_obs_': no file on record shows what its class kept: _dim_half = 4 is left out",
        ),
        (without("_rope_base"), "rope_base is not there; its default, or what the agent tells, is taken"),
    ],
)
def test_what_is_left_out_or_taken_for_granted_is_told(
    change: Change, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checkpoint.main([str(written("2025-06-10", from_rotated_tokens, "_obs_", change, tmp_path))]) == 0
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_tensor_of_an_unknown_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = written("2025-06-10", from_rotated_tokens, "_obs_", also(_table=torch.ones(3)), tmp_path)
    assert checkpoint.main([str(old)]) == 2
    assert "has attribute(s) that its rule does not know: _table" in capsys.readouterr().err


def test_a_value_that_passes_read_is_refused_where_it_is_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = written("2025-06-02", eras.from_early_tokens, "self_attn", also(_scale=0.25), tmp_path)
    assert checkpoint.main([str(old)]) == 2
    assert "_scale of components.self_attn is 0.25, and its config builds 0.447" in capsys.readouterr().err
