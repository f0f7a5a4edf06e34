"""Traps of observations as tokens: numbers of features, divisors, masks, padding, boxes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import migrate
import modules
from equivalence.case import Setup
from migrate.archive import read_checkpoint
from migrate.eras import Era
from migrate.plan import make_plan
from modules import Environment
from modules.features import FeatureMap
from tests.migrate._eras import FEATURES, from_early_tokens, from_late_tokens, from_token_box
from tests.traps import _late as late
from tests.traps._late import PADDING, Sides, same, token_rows

NUMBERS = {name: number for number, name in enumerate(FEATURES)}
MOVED: dict[str, Any] = {name: {**each, "id": (NUMBERS[name] + 1) % 5} for name, each in FEATURES.items()}
"""The same features under other numbers."""
X = token_rows([(0, 1, 9), (17, 2, 200), (33, 3, 7), (2, 4, 90)], [(1, 0, 3), (16, 3, 255)])
X_MOVED = token_rows([(0, 2, 9), (17, 3, 200), (33, 4, 7), (2, 0, 90)], [(1, 1, 3), (16, 4, 255)])
"""The same observations in an environment with `MOVED`."""
E5_SHAPERS: dict[str, dict[str, Any]] = {
    "obs_token_shaper": {},
    "obs_token_cat": {"coord_embed_dim": 3},
    "obs_token_cat_fourier": {},
    "obs_token_rope": {},
}


@pytest.fixture(autouse=True)
def _own_generator() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


def e5_shaper(stem: str, **more: Any) -> Sides:
    config = {"atr_embed_dim": 4, **E5_SHAPERS[stem]}
    return Sides(stem, Setup(config, obs_shape=(6, 3), features=(0, 1, 2), era="2025-06-13", **more))


def test_trap_32_whether_features_are_mapped_is_not_in_the_state_dict(tmp_path: Path) -> None:
    policy = late.made("2025-07-02", from_late_tokens)
    late.meet(policy.agent, MOVED)
    old, new = late.both(policy, tmp_path)
    naive = late.by_state_dict(new)
    assert torch.equal(naive.components["_obs_"].feature_remap, new.components["_obs_"].feature_remap)
    assert not late.alike(naive, old, X)
    assert late.alike(new, old, X)


def test_trap_33_features_have_other_numbers_in_another_environment(tmp_path: Path) -> None:
    _, new = late.both(late.made("2025-07-02", from_late_tokens), tmp_path)
    trained = late.passed(new, X)
    assert not same(trained, late.passed(new, X_MOVED))
    del new.config["divisors_when_remapped"]  # else the right divisors came in with the first difference (trap 31)
    late.meet(new, MOVED)
    moved = late.passed(new, X_MOVED)
    assert same(trained, moved)

    nameless = late.file_of(late.made("2025-06-20", from_late_tokens), tmp_path)
    assert "features have numbers and no names here" in " ".join(make_plan(read_checkpoint(nameless)).notes)
    early = migrate.load_policy(nameless, "modules")
    early.features = FeatureMap(dict(NUMBERS))
    with pytest.raises(modules.MettaError, match="does not remap features"):
        late.meet(early, MOVED)


def test_the_table_of_another_environment_stayed_in_force_back_in_the_first_one(tmp_path: Path) -> None:
    old, new = late.both(late.made("2025-07-02", from_late_tokens), tmp_path)
    del new.config["divisors_when_remapped"]
    corrected, trained = copy.deepcopy(new), late.passed(new, X)
    del corrected.config["remap_when_equal"]  # the new stack's own default
    for agent in (old, new, corrected):
        for features in (MOVED, FEATURES):
            late.meet(agent, features)
    assert torch.equal(old.components["_obs_"].feature_id_remap, new.components["_obs_"].feature_remap)
    assert not same(trained, late.passed(new, X))
    assert same(trained, late.passed(corrected, X))


def test_only_the_component_named_obs_is_told_the_other_numbers(tmp_path: Path) -> None:
    def renamed(era: Era) -> dict[str, Any]:
        first, reader, *rest = from_late_tokens(era).items()
        return {"tokens": first[1], reader[0]: {**reader[1], "sources": [{"name": "tokens"}]}, **dict(rest)}

    old, new = late.both(late.made("2025-07-10", renamed), tmp_path)
    for agent in (old, new):
        late.meet(agent, MOVED)
    assert not new.components["tokens"].remapping
    assert late.alike(old, new, X_MOVED)

    corrected = late.fresh(new)  # the new stack's own default
    corrected.load_state_dict(new.state_dict())
    del corrected.config["remapped"]
    corrected.features = FeatureMap(dict(NUMBERS))
    late.meet(corrected, MOVED)
    assert corrected.components["tokens"].remapping


def test_components_to_be_told_other_numbers_must_exist(tmp_path: Path) -> None:
    _, new = late.both(late.made("2025-07-10", from_late_tokens), tmp_path)
    new.config["remapped"] = ["_obs"]
    with pytest.raises(modules.MettaError, match="remapped names '_obs', which is no component; they are: _obs_, "):
        late.fresh(new)


def test_trap_34_divisors_were_those_of_box_layers(tmp_path: Path) -> None:
    # agent, type_id, agent:group and hp, in the order of box layers; tokens had no `agent`.
    by_layer, by_token = (1.0, 10.0, 10.0, 30.0), (1.0, 10.0, 30.0, 1.0)
    environment = Environment((12, 3), by_layer, action_nvec=(2, 3), obs_width=5, obs_height=4)
    old, new = late.both(late.made("2025-06-13", from_early_tokens, environment), tmp_path)
    assert late.alike(old, new, X)
    assert new.components["_obs_"].divisors[:4].tolist() == list(by_layer)
    new.components["_obs_"].divisors[:4] = torch.tensor(by_token)
    assert not late.alike(old, new, X)


@pytest.mark.parametrize("stem", E5_SHAPERS)
def test_trap_35_the_mask_stayed_that_of_feature_0_when_padding_became_255(stem: str) -> None:
    sides = e5_shaper(stem)
    x = token_rows([(17, 0, 5), (18, 1, 7)], [(19, 2, 1)], length=6)
    old, new = sides.run(x=x)
    assert old["obs_mask"].tolist() == [[True, *[False] * 5], [False] * 6]
    assert same(old, new)
    sides.new.mask = "padding"
    assert not torch.equal(sides.run_new(x=x)["obs_mask"], old["obs_mask"])


@pytest.mark.parametrize("stem", [*E5_SHAPERS, "obs_attr_coord_embed", "obs_attr_embed_fourier"])
def test_trap_36_rows_of_padding_are_not_zero(stem: str) -> None:
    x = token_rows([(17, 1, 5)], [PADDING], length=6)
    inputs = {"x": x}
    if stem in E5_SHAPERS:
        sides = e5_shaper(stem)
        table = sides.new.attribute_weight
    else:
        config = {"attr_embed_dim": 4}
        sides = Sides(stem, Setup(config, late.tokens_from("tokens", 6), obs_shape=(6, 3), era="E7b"))
        inputs, table = {"x": x, "tokens": x}, sides.new.feature_embedding
    old, new = sides.run(**inputs)
    assert same(old, new)
    with torch.no_grad():
        table[255] = 0
    assert not same(old, sides.run_new(**inputs))


def box_sides(era: str, window: tuple[int, int] = (3, 4)) -> Sides:
    return Sides("obs_token_to_box_shaper", Setup({}, obs_shape=(5, 3), features=(0, 1), window=window, era=era))


def test_trap_37_padding_erases_a_cell_and_columns_overflow() -> None:
    x = token_rows([(0x00, 0, 7), (0x15, 1, 9)], length=5)  # feature 0 in cell (0, 0), and column 5 of 4
    sides = box_sides("2025-08-08")
    old, new = sides.run(x=x)
    assert same(old, new)
    assert old["output"].nonzero().tolist() == [[0, 1, 2, 1]]
    sides.new.flat_scatter = False
    with pytest.raises(IndexError):
        sides.run_new(x=x)

    unknown = token_rows([(0x00, 0, 7), (0x11, 2, 9)], length=5)  # feature 2 of 2
    for side in (box_sides("2025-06-20"), box_sides("2025-07-29")):
        fails = side.setup.era == "2025-06-20"
        assert side.new.unknown_features == ("error" if fails else "drop")
        if not fails:
            old, new = side.run(x=unknown)
            assert same(old, new)
            assert old["output"].nonzero().tolist() == [[0, 0, 0, 0]]
            continue
        for run in (side.run, side.run_new):
            with pytest.raises(IndexError):
                run(x=unknown)


def test_trap_38_the_high_nibble_is_the_row_though_it_was_called_x() -> None:
    box = torch.zeros(1, 4, 4, 2, dtype=torch.uint8)
    box[0, 1, 2, 1], box[0, 3, 0, 0] = 9, 5
    tokens = token_rows([(0x12, 1, 9), (0x30, 0, 5)], length=5)
    shaped = Sides("obs_shaper", Setup({}, obs_shape=(4, 4, 2), era="E5d")).run(x=box)
    from_tokens = box_sides("E5d", (4, 4)).run(x=tokens)
    assert all(torch.equal(each["output"], shaped[0]["output"]) for each in (*shaped, *from_tokens))
    assert not torch.equal(from_tokens[1]["output"].mT, shaped[0]["output"])  # the "correction"

    wide = box_sides("E5d", window=(3, 4))
    assert all(each["output"].shape == (1, 2, 3, 4) for each in wide.run(x=tokens[:, 2:]))
    for run in (wide.run, wide.run_new):  # row 3 of 3, although there are 4 rows and 3 columns
        with pytest.raises(IndexError):
            run(x=tokens)


def test_trap_39_the_number_of_layers_is_that_of_the_environment_in_training(tmp_path: Path) -> None:
    old, new = late.both(late.made("2025-07-29", from_token_box), tmp_path)
    today = Environment((12, 3), (1.0,) * 7, action_nvec=(2, 3), obs_width=5, obs_height=4)
    naive = modules.MettaAgent(new.config, today)
    naive.activate_actions(new.action_space.names, new.action_space.max_params)
    with pytest.raises(RuntimeError, match=r"cnn1.weight: copying a param with shape torch.Size\(\[3, 5, 2, 2\]\)"):
        naive.load_state_dict(new.state_dict())
    assert new.environment.ids == (0, 1, 2, 3, 4)
    assert late.alike(old, new, X)


def test_trap_40_full_rows_are_cut_where_others_have_padding() -> None:
    sides = Sides("obs_token_pad_strip", Setup({}, obs_shape=(4, 3), era="E7b"))
    full = [(i, 1, i) for i in range(4)]
    x = token_rows(full, full[:2], length=4)
    old, new = sides.run(x=x)
    assert old["output"].shape == (2, 2, 3)
    assert same(old, new)
    sides.new.keep = "longest_row"
    assert sides.run_new(x=x)["output"].shape == (2, 4, 3)
