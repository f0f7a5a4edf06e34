"""Each level sees what it is there for; every fault is planted in an agent that was equal before."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from equivalence.blame import blame
from equivalence.compare import Difference
from equivalence.finding import Pair
from equivalence.harness import LEVELS
from equivalence.hosts import host, subject, usual_setup
from equivalence.mutant import computing
from equivalence.pairs import pair_of_configs
from equivalence.proof import Run, prove
from equivalence.result import LevelResult
from equivalence.stirring import build
from equivalence.strategies import Draw, Inputs
from migrate.eras import Era
from modules import weights
from modules.layers.linear import LinearModule
from tests.migrate import _eras

LINEAR = subject("linear")


def planted(stem: str, plant: Callable[[Any], None], component: str | None = None) -> Pair:
    pair = host(stem)
    faulty = replace(pair, new=deepcopy(pair.new))
    plant(faulty.new.get_submodule(f"components.{component or subject(stem)}"))
    return faulty


def found(pair: Pair, level: str, examples: int = 30) -> LevelResult:
    (result,) = prove(pair, levels=[level], run=Run(examples, shrink=False))
    return result


@pytest.mark.parametrize("level", LEVELS)
def test_an_honest_agent_is_equal_and_a_weight_off_by_one_ulp_is_not(level: str) -> None:
    (result,) = prove(host("linear"), levels=[level], run=Run(20, controls=True))
    assert result.equal
    assert result.control is not None
    assert result.control.passed


def test_the_component_level_blames_every_wrong_component_and_no_other() -> None:
    pair = planted("linear", computing(lambda right, _, x: right(x) * 2))
    computing(lambda right, _, x: right(x) + 1)(pair.new.get_submodule("components._value_"))
    result = found(pair, "component")
    assert {each.component for each in result.differences} == {LINEAR, "_value_"}


def test_a_component_that_writes_into_its_input_is_blamed_and_not_the_one_in_front_of_it() -> None:
    def write(right: Callable[..., Tensor], _: Any, x: Tensor) -> Tensor:
        result = right(x)
        x.data.mul_(2)
        return result

    assert found(planted("linear", computing(write)), "inference").blamed == LINEAR


def test_gradients_of_float_observations_are_compared() -> None:
    pair = planted("obs_shaper", computing(lambda right, _, x: right(x.detach())))
    result = found(pair, "gradients", 60)
    assert "observations" in {each.name for each in result.differences if each.place == "gradient"}


def test_running_statistics_are_compared_and_put_back() -> None:
    pair = planted("batch_norm1d", lambda module: setattr(module.norm, "momentum", 0.9))
    before = [side.clone() for row in pair.buffers for side in row.sides]
    result = found(pair, "forward")
    assert {each.place for each in result.differences} == {"state"}
    assert result.blamed == subject("batch_norm1d")
    after = [side for row in pair.buffers for side in row.sides]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_mask_that_nothing_reads_is_compared() -> None:
    pair = planted(
        "obs_token_cat", computing(lambda right, _, *x: (right(*x)[0], ~right(*x)[1])), subject("obs_token_cat")
    )
    assert found(pair, "component").blamed == subject("obs_token_cat")


def test_a_rollout_shows_how_a_difference_grows() -> None:
    pair = planted("lstm", lambda core: core.weight_hh_l0.data.mul_(1 + 2**-20))
    result = found(pair, "rollout", 60)
    first = next(step for step, ulp in enumerate(result.steps) if ulp)
    assert {each.step for each in result.differences} == {first}
    assert result.blamed == "_core_"


def test_training_sees_a_limit_that_no_pass_shows() -> None:
    pair = planted("linear", lambda module: setattr(module, "clip_value", module.clip_value * 0.1))
    assert not found(pair, "forward").differences
    assert found(pair, "training").blamed == LINEAR


def test_a_swap_leaves_both_agents_as_they_were() -> None:
    pair = host("linear")
    before = {name: value.clone() for name, value in pair.new.state_dict().items()}
    module = pair.new.get_submodule(f"components.{LINEAR}")
    assert found(pair, "hot_swap").equal
    assert pair.new.get_submodule(f"components.{LINEAR}") is module
    assert all(torch.equal(before[name], value) for name, value in pair.new.state_dict().items())


def test_agents_of_two_heads_have_no_actions_to_activate() -> None:
    assert "fixed sizes" in str(found(host("action_type"), "activation").skipped)


def test_a_buffer_that_is_changed_between_two_proofs_is_found_and_not_put_back() -> None:
    pair = planted("observation_normalizer", lambda _: None)
    assert found(pair, "weights").equal
    pair.new.get_submodule(f"components.{subject('observation_normalizer')}").get_buffer("obs_norm").mul_(2)
    assert found(pair, "weights").differences


def test_an_old_agent_that_cannot_be_cut_apart_is_an_error_and_not_a_silence() -> None:
    pair = replace(host("linear"), old=deepcopy(host("linear").old))
    layer: Any = pair.old.get_submodule(f"components.{LINEAR}")
    forward, source = layer._forward, layer._sources[0]["name"]

    def refuse_leaves(board: dict[str, Tensor]) -> object:
        if board[source].is_leaf and board[source].requires_grad:
            raise ValueError("a leaf")
        return forward(board)

    layer._forward = refuse_leaves
    with pytest.raises(RuntimeError, match="not with its components cut apart"):
        found(pair, "component")


def test_a_reader_sees_its_own_inputs_though_another_writes_into_them_later() -> None:
    era = Era("E4d")
    config = _eras.config_of(era, _eras.from_box)
    components = config["components"]
    components["dropped"] = _eras.layer("nn_layer_library.Dropout", "_core_", era=era)
    components["dropped"]["nn_params"] = {"p": 0.5, "inplace": True}
    components["left"] = _eras.linear("_core_", 4, era, nonlinearity="nn.Tanh")
    components["both"] = _eras.layer("merge_layer.ConcatMergeLayer", "left", "dropped", era=era)
    for reader in ("critic", "actor_1"):
        components[reader]["sources"] = [{"name": "both"}]
    pair = build({**config, "era": era.date}, _eras.BOX, _eras.ACTIONS)
    (result,) = prove(pair, levels=["component"], run=Run(20))
    assert result.equal
    assert result.compared


def test_numbers_of_features_that_got_lost_are_found_though_no_pass_shows_them() -> None:
    pair = deepcopy(host("obs_latent_attn"))
    old, new = cast(Any, pair.old), cast(Any, pair.new)
    features = {f"f{i}": {"id": i, "type": "scalar", "normalization": 1.0} for i in pair.sizes.feature_ids}
    for agent in (old, new):
        agent.initialize_to_environment(features, new.action_space.names, new.action_space.max_params, "cpu")
    assert prove(pair, levels=["attributes"], examples=1)[0].equal
    new.features = None
    assert prove(pair, levels=["forward"], examples=3)[0].equal
    results = prove(pair, levels=["attributes", "activation"], examples=5)
    assert [result.equal for result in results] == [False, False]


def test_features_that_were_never_met_stay_unmet_through_files() -> None:
    assert prove(host("obs_latent_attn"), levels=["checkpoint"], examples=1)[0].equal


def test_an_agent_without_recurrent_state_is_proved_without_one() -> None:
    agent = cast(Any, host("linear", replace(usual_setup("linear"), era="E9")).new)
    config = deepcopy(agent.config)
    core = config["components"].pop("_core_")
    for component in config["components"].values():
        component["sources"] = [
            core["sources"][0] if source["name"] == "_core_" else source for source in component.get("sources") or ()
        ]
    results = prove(pair_of_configs(config, config, agent.environment), examples=3)
    assert all(result.equal or result.skipped for result in results), results


def test_a_state_that_the_next_pass_writes_into_is_found_though_it_was_right() -> None:
    buffers: list[Tensor] = []

    def reuse(right: Callable[..., Any], _: Any, x: Tensor, h: Tensor, c: Tensor) -> Any:
        result, next_h, next_c = right(x, h, c)
        if not buffers or buffers[0].shape != next_h.shape:
            buffers[:] = [torch.empty_like(next_h)]
        return result, buffers[0].copy_(next_h), next_c

    result = found(planted("linear", computing(reuse), "_core_"), "rollout")
    assert result.differences[0].name == "lstm_h of the step before"


def test_an_input_that_autograd_needs_and_that_is_written_into_is_a_difference_and_no_crash() -> None:
    def write(right: Callable[..., Tensor], _: Any, x: Tensor) -> Tensor:
        result = right(x) * x
        with torch.no_grad():
            x.add_(1)
        return result

    result = found(planted("linear", computing(write)), "component")
    assert LINEAR in {each.component for each in result.differences}


def test_a_component_that_draws_more_when_it_is_built_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    init = LinearModule.__init__

    def greedy(self: LinearModule, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        torch.rand(1)

    monkeypatch.setattr(LinearModule, "__init__", greedy)
    assert "after building" in {each.name for each in found(host("linear"), "config", 1).differences}


def test_anchors_that_move_otherwise_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    move = weights.move_anchors
    monkeypatch.setattr(weights, "move_anchors", lambda components, alpha: move(components, 1 - alpha))
    result = found(host("linear"), "training", 1)
    assert {each.name.partition(".")[2] for each in result.differences} == {"initial_weights"}


def _with_two_readers(era: Era) -> dict[str, Any]:
    """A box of which one reader drops all in place, and another one, which runs first, sees it as it was."""
    late = {"nn_params": {"out_channels": 3, "kernel_size": 2, "stride": 1}}
    branches = ("flat", "dropped_flat")
    return {
        "_obs_": _eras.layer("obs_shaper.ObsShaper", era=era),
        "cnn1": _eras.layer("nn_layer_library.Conv2d", "_obs_", era=era, **late),
        "flat": _eras.layer("nn_layer_library.Flatten", "cnn1", era=era),
        "dropped": _eras.layer("nn_layer_library.Dropout2d", "_obs_", era=era, nn_params={"p": 1.0, "inplace": True}),
        "dropped_flat": _eras.layer("nn_layer_library.Flatten", "dropped", era=era),
        "encoded": _eras.layer("merge_layer.ConcatMergeLayer", *branches, era=era),
    }


@pytest.mark.parametrize("level", [name for name in LEVELS if name not in ("training", "config", "checkpoint")])
def test_what_works_in_place_on_observations_is_no_difference(level: str) -> None:
    old = {**_eras.config_of(Era("E4d"), _with_two_readers), "era": "E4d"}
    pair = build(old, _eras.BOX, (["move", "turn"], [1, 2]), seed=1)
    assert found(pair, level).equal


FIRST = "observation_normalizer_0"


def test_what_shows_in_the_gradient_of_observations_alone_is_blamed_on_who_made_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one ulp in a weight may, whose effect on the output is rounded away."""
    monkeypatch.setattr("equivalence.blame._alone", lambda *_, **__: [])

    def doubled(right: Any, _: Any, x: Tensor) -> Any:
        own = x.clone()
        if own.requires_grad:
            own.register_hook(lambda gradient: 2 * gradient)  # type: ignore[no-untyped-call]
        return right(own)

    wrong = planted("observation_normalizer", computing(doubled), FIRST)
    inputs = Inputs(Draw(3, 2, "floats", "none", train=False, seed=0), wrong.sizes)
    assert {each.name for each in LEVELS["gradients"].run(wrong, inputs).differences} == {"observations"}
    assert blame(wrong, [Difference("gradient", "observations", "differ")], inputs) == FIRST
