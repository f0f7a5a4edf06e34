from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from modules.base import BuildContext, MettaModule
from modules.builder import build_component, build_components
from modules.errors import ConfigError, GraphError, MettaError
from modules.layers.linear import LinearModule
from tests.modules._agents import CONFIG, ENVIRONMENT, LAYERS, config

LINEAR = f"{LAYERS}.linear.LinearModule"
VECTOR = BuildContext(in_shapes=((3,),), sources=({"name": "source"},))


class Doubled(MettaModule):
    """A component of a user's own."""

    def __init__(self, *unused: Any, factor: int, in_keys: Any, out_keys: Any, **more: Any) -> None:
        super().__init__(in_keys, out_keys)
        self.factor = factor

    def compute(self, *inputs: Tensor) -> Tensor:
        return inputs[0] * self.factor


def order_of_building(cfg: dict[str, Any]) -> list[str]:
    """Component names in the order in which their weights were drawn, told by fixed draws of a shared generator."""
    torch.manual_seed(0)
    built = build_components(cfg, ENVIRONMENT)
    weights = {name: module.weight.clone() for name, module in built.items() if isinstance(module, LinearModule)}
    result: list[str] = []
    torch.manual_seed(0)
    for _ in weights:
        state = torch.get_rng_state()
        for name, weight in weights.items():
            torch.set_rng_state(state)
            if name not in result and torch.equal(LinearModule(weight.shape[1], weight.shape[0]).weight, weight):
                result.append(name)
                break
    return result


def test_weights_are_drawn_in_graph_order_and_parameters_stand_in_config_order() -> None:
    linear = {"_target_": LINEAR, "out_features": 4}
    components = {
        "_action_": {**linear, "sources": ["first"]},
        "second": {**linear, "sources": ["first"]},
        "_value_": {**linear, "sources": ["second"]},
        "first": {**linear, "out_features": 5, "sources": ["flat"]},
        "flat": {"_target_": f"{LAYERS}.flatten.FlattenModule", "sources": ["shaped"]},
        "shaped": {"_target_": f"{LAYERS}.obs_shaper.ObsShaperModule"},
    }
    cfg = {"components": components}
    assert order_of_building(cfg) == ["first", "second", "_value_", "_action_"]
    names = [name for name, _ in build_components(cfg, ENVIRONMENT).named_parameters() if name.endswith("weight")]
    assert names == ["_action_.weight", "second.weight", "_value_.weight", "first.weight"]


def test_sizes_come_from_the_graph_and_the_environment() -> None:
    built: Any = build_components(CONFIG, ENVIRONMENT)
    assert built["cnn"].in_channels == 3
    assert built["encoded"].in_features == 9 + 3
    assert (built["_action_"].hidden_size, built["_action_"].embedding_dim) == (6, 4)
    assert built["normalized"].obs_norm.flatten().tolist() == [1.0, 10.0, 255.0]
    assert built["encoded"].clip_value > 0


def test_an_omegaconf_config_builds_the_same_components() -> None:
    torch.manual_seed(0)
    plain = build_components(CONFIG, ENVIRONMENT).state_dict()
    torch.manual_seed(0)
    omega = build_components(OmegaConf.create(CONFIG), ENVIRONMENT).state_dict()
    assert list(plain) == list(omega)
    assert all(torch.equal(plain[key], omega[key]) for key in plain)


def test_a_source_is_a_name_or_a_mapping_with_one() -> None:
    by_name = build_components(config(_value_={"sources": ["_core_"]}), ENVIRONMENT)
    by_mapping = build_components(config(_value_={"sources": [{"name": "_core_"}]}), ENVIRONMENT)
    assert by_name.execution_graph == by_mapping.execution_graph


def test_a_slice_takes_part_of_a_source() -> None:
    built: Any = build_components(CONFIG, ENVIRONMENT)
    flat, center = torch.arange(18.0)[None], torch.full((1, 3), -1.0)
    joined = built["joined"]({"flat": flat, "center": center})["joined"]
    assert joined.tolist() == [[*range(9), -1, -1, -1]]


def test_a_config_may_repeat_what_the_graph_decides() -> None:
    assert build_components(config(encoded={"in_features": 12}), ENVIRONMENT)


def test_a_class_of_ones_own_is_used_once_it_is_imported() -> None:
    target = f"{Doubled.__module__}.{Doubled.__qualname__}"
    module, shape = build_component("mine", {"_target_": target, "factor": 2, "sources": ["source"]}, VECTOR)
    assert module({"source": torch.ones(1, 3)})["mine"].tolist() == [[2, 2, 2]]
    assert shape == (3,)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"out_featurs": 3, "out_features": 3}, "unknown key\\(s\\) out_featurs; known are: analyze_weights, bias,"),
        ({"out_features": 0}, "out_features must be a positive integer, got 0"),
        ({"out_features": "${nope}"}, "out_features must be a positive integer"),
        ({"out_features": 2, "in_features": 4}, "in_features is 4 in the config, but the graph .* give 3; remove it"),
        ({"out_features": 2, "nonlinearity": "nn.ReLU"}, "nonlinearity 'nn.ReLU' is not a class of torch.nn"),
        ({"out_features": 2, "initialization": None}, "initialization must be orthogonal"),
        ({"out_features": 2, "gain": "much"}, "str|scalar|must be"),
        ({"out_features": 2, "options": 3}, r"unknown key\(s\) options"),
    ],
)
def test_a_component_that_cannot_be_built_is_named_with_its_class(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"component 'bad' \({LINEAR}\): .*{message}"):
        build_component("bad", {"_target_": LINEAR, **keys}, VECTOR)


def test_a_missing_key_is_named() -> None:
    target = "modules.layers.lstm.LSTMModule"
    with pytest.raises(ConfigError, match=rf"component 'bad' \({target}\): missing key\(s\) hidden_size"):
        build_component("bad", {"_target_": target, "num_layers": 1}, VECTOR)


@pytest.mark.parametrize("source_count", [0, 2])
def test_a_wrong_number_of_sources_is_told(source_count: int) -> None:
    context = BuildContext(in_shapes=((3,),) * source_count, sources=({"name": "s"},) * source_count)
    with pytest.raises(ConfigError, match=f"component 'bad' .* needs exactly one source, got {source_count}"):
        build_component("bad", {"_target_": LINEAR, "out_features": 2}, context)


def test_a_source_of_the_wrong_rank_is_told() -> None:
    context = BuildContext(in_shapes=((3, 4, 4),), sources=({"name": "s"},))
    with pytest.raises(ConfigError, match=r"needs a source with 1 dimension\(s\) besides the batch, got shape"):
        build_component("bad", {"_target_": LINEAR, "out_features": 2}, context)


@pytest.mark.parametrize(
    "target",
    ["modules.layers.nope.Nope", "modules.layers.linear.Nope", "torch.nn.Linear", "antigravity.X", "Linear", "", 3],
)
def test_an_unknown_class_is_told_and_how_to_bring_ones_own(target: Any) -> None:
    with pytest.raises(ConfigError, match=r"component 'bad' .*no such component class"):
        build_component("bad", {"_target_": target}, VECTOR)


def test_a_foreign_class_is_not_imported(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hostile_component.py").write_text("raise SystemExit('code of a config ran')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="must be a MettaModule, imported before the agent is built"):
        build_component("bad", {"_target_": "hostile_component.Component"}, VECTOR)


def test_an_imported_package_is_not_asked_to_import_more(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lazy_package.py").write_text("def __getattr__(name):\n    raise SystemExit('code of a package ran')")
    monkeypatch.syspath_prepend(tmp_path)
    import lazy_package  # type: ignore[import-not-found]

    assert lazy_package
    with pytest.raises(ConfigError, match="no such component class"):
        build_component("bad", {"_target_": "lazy_package.Component"}, VECTOR)


def test_a_missing_target_is_told() -> None:
    with pytest.raises(ConfigError, match="component 'bad': missing key _target_"):
        build_component("bad", {"out_features": 2}, VECTOR)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"_value_": {"sources": ["ghost"]}},
            GraphError,
            "component '_value_' has the source 'ghost', which is none of",
        ),
        ({"encoded": {"sources": ["_core_"]}}, GraphError, "cycle: _core_ -> encoded -> _core_"),
        ({"idle": {"_target_": LINEAR, "sources": ["_core_"]}}, GraphError, "no head reaches: idle; remove them"),
        ({"_value_": {"sources": "_core_"}}, ConfigError, "component '_value_': sources must be a list, got '_core_'"),
        ({"_value_": {"sources": [3]}}, ConfigError, "a source is a name or a mapping with one, got 3"),
        ({"_value_": {"sources": [{"nam": "_core_"}]}}, ConfigError, "a source is a name or a mapping with one"),
        (
            {"joined": {"sources": [{"name": "flat", "slice": [0, 9]}, "center"]}},
            ConfigError,
            "'joined'.*needs its dim",
        ),
        (
            {"joined": {"sources": [{"name": "flat", "slice": [0, 99], "dim": 1}, "center"]}},
            ConfigError,
            "'joined'.*slices",
        ),
        (
            {"joined": {"sources": [{"name": "flat", "slice": [5, 5], "dim": 1}, "center"]}},
            ConfigError,
            "0 <= start < end",
        ),
        (
            {"joined": {"sources": [{"name": "flat", "dim": 0}, {"name": "center", "dim": 0}]}},
            ConfigError,
            "cannot concatenate along dim 0, the batch",
        ),
        ({"cnn": {"kernel_size": 9}}, ConfigError, "component 'cnn' .*the kernel does not tile its input"),
        (
            {"_action_": {"sources": ["_action_embeds_", "_core_"]}},
            ConfigError,
            "needs two sources, a vector and action embeddings",
        ),
    ],
)
def test_a_graph_that_cannot_be_built_is_told(changes: Any, error: type[MettaError], message: str) -> None:
    with pytest.raises(error, match=message):
        build_components(config(**changes), ENVIRONMENT)


@pytest.mark.parametrize("components", [None, {}, [], "text"])
def test_a_config_needs_components(components: Any) -> None:
    with pytest.raises(ConfigError, match="the config needs `components`, a mapping from names to components"):
        build_components({"components": components}, ENVIRONMENT)


def test_a_component_is_a_mapping() -> None:
    with pytest.raises(ConfigError, match="component '_value_' must be a mapping with _target_, got None"):
        build_components({"components": {"_value_": None}}, ENVIRONMENT)


def test_a_component_must_not_take_the_name_of_an_input() -> None:
    cfg = config()
    cfg["components"]["lstm_h"] = cfg["components"].pop("encoded")
    cfg["components"]["_core_"]["sources"] = ["lstm_h"]
    with pytest.raises(GraphError, match="component 'lstm_h' has the name of an input that '_core_' reads; rename"):
        build_components(cfg, ENVIRONMENT)


def test_an_environment_that_does_not_fit_is_told() -> None:
    wrong = type(ENVIRONMENT)(obs_shape=(5, 5, 3), feature_normalizations=(1.0,))
    with pytest.raises(ConfigError, match="the environment gives 1 divisors for 3 features"):
        build_components(CONFIG, wrong)


def test_a_misspelt_key_is_told_before_what_follows_from_it() -> None:
    changed = config(fc1={"_target_": "modules.layers.linear.LinearModule", "out_features": 3, "soruces": ["flat"]})
    with pytest.raises(ConfigError, match=r"component 'fc1' \(.*\): unknown key\(s\) soruces; known are: "):
        build_components(changed, ENVIRONMENT)


@pytest.mark.parametrize("scale", ["l2_norm_scale", "l2_init_scale"])
def test_scales_are_numbers(scale: str) -> None:
    with pytest.raises(ConfigError, match=f"{scale} must be a number, got 'x'"):
        LinearModule(2, 2, **{scale: "x"})  # type: ignore[arg-type]


def test_a_shape_of_ones_own_that_is_no_tuple_is_blamed_on_its_class() -> None:
    class Odd(LinearModule):
        @classmethod
        def output_shape(cls, in_shapes: Any, options: Any) -> Any:
            return 3

    setattr(sys.modules[__name__], "Odd", Odd)  # noqa: B010
    with pytest.raises(ConfigError, match="output_shape must give a tuple, the sizes without the batch, got 3"):
        build_component("odd", {"_target_": f"{__name__}.Odd", "out_features": 3}, BuildContext(in_shapes=((2,),)))
