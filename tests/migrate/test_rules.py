"""Every rule keeps what it promises on every way to build its component, in both directions."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import find as _find
from hypothesis import strategies as st

from equivalence.case import Setup, cases
from migrate.eras import ORDER, Era
from migrate.errors import UnusableFileError, UsageError
from migrate.registry import rules
from migrate.rule import REQUIRED, ByEra, Key, Rule, in_force
from migrate.translate import flatten, to_new, to_old

ERA = Era("E4d")
STEMS = sorted(rules())
WITHOUT_PARAMS = [stem for stem in STEMS if rules()[stem].ignores_params]
# What the old stack swallowed without a word (traps 18 and 19): unknown keys, and keys that the agent overrides.
SWALLOWED: dict[str, Any] = {
    "effective_rank": True,
    "mlp_out_hidden_dim": 3,
    "clip_range": 5.0,
    "obs_shape": [1, 1, 1],
    "num_objects": 2,
    "core_num_layers": 9,
}


def find(strategy: st.SearchStrategy[Any], condition: Any) -> Any:
    """Any example; not the smallest, which would take longer."""
    return _find(strategy, condition, settings=settings(max_examples=300, phases=[Phase.generate], database=None))


def setups(stem: str) -> st.SearchStrategy[Setup]:
    return cases()[stem].setups


def config_of(setup: Setup) -> tuple[dict[str, Any], Era]:
    return dict(setup.config), Era(setup.era)


def defaults_of(stem: str, era: Era) -> dict[str, Any]:
    """Old key -> what the old class took for it, for the keys that it read in `era`."""
    keys = rules()[stem].keys_at(era)
    return {old: in_force(d, era) for k in keys for old, d in zip(k.old, k.old_default, strict=True)}


def without_defaults(stem: str, config: dict[str, Any], era: Era) -> dict[str, Any]:
    """A flat old config without what the old class would have taken anyway, and without what it ignored."""
    defaults = defaults_of(stem, era)
    return {
        key: value
        for key, value in flatten(config).items()
        if key in defaults
        and (defaults[key] is REQUIRED or (type(value), value) != (type(defaults[key]), defaults[key]))
    }


def schemas(stem: str) -> list[tuple[Key, ...]]:
    """The keys of a rule, of every time."""
    return [keys for _, keys in rules()[stem].keys_before] + [rules()[stem].keys]


def old_keys(stem: str) -> list[str]:
    """Every old key that a rule ever read."""
    return list(dict.fromkeys(old for keys in schemas(stem) for k in keys for old in k.old))


@pytest.mark.parametrize("stem", STEMS)
def test_there_and_back_is_the_config_up_to_defaults_and_dropped_keys(stem: str) -> None:
    @settings(max_examples=30)
    @given(setups(stem), st.dictionaries(st.sampled_from(sorted(SWALLOWED)), st.none()))
    def check(setup: Setup, extra: dict[str, None]) -> None:
        config, era = config_of(setup)
        known = defaults_of(stem, era)
        swallowed = {key: SWALLOWED[key] for key in extra if key not in known}
        new = to_new(rules()[stem], {**config, **swallowed, "_target_": "x", "sources": None}, era, "here")
        assert sorted(new.dropped) == sorted(key for key in flatten({**config, **swallowed}) if key not in known)
        assert new.config == to_new(rules()[stem], config, era, "here").config
        old = to_old(rules()[stem], new.config, era, "here").config
        expected = without_defaults(stem, config, era)
        if expected.get("initialization", "Orthogonal").lower() != "orthogonal" and "nonlinearity" in expected:
            # Without a gain to tell, the part before the dot says nothing.
            expected["nonlinearity"] = expected["nonlinearity"] and expected["nonlinearity"].replace("torch.", "nn.")
        assert flatten(old) == expected

    check()


@pytest.mark.parametrize("stem", STEMS)
def test_back_and_there_is_the_new_config(stem: str) -> None:
    @settings(max_examples=30)
    @given(setups(stem))
    def check(setup: Setup) -> None:
        config, era = config_of(setup)
        new = to_new(rules()[stem], config, era, "here").config
        old = to_old(rules()[stem], new, era, "here").config
        assert to_new(rules()[stem], old, era, "here").config == new

    check()


# Keys that no case draws.
NOT_DRAWN: dict[tuple[str, str], dict[str, Any]] = {
    ("lstm", "nn_params.dropout"): {"output_size": 2, "nn_params": {"num_layers": 2, "dropout": 0.5}},
    ("conv2d", "nn_params.bias"): {
        "nn_params": {"out_channels": 2, "kernel_size": 1, "stride": 1, "bias": False},
    },
}


@pytest.mark.parametrize(("stem", "old"), [(stem, old) for stem in STEMS for old in old_keys(stem)])
def test_every_key_of_a_rule_is_drawn_by_a_case(stem: str, old: str) -> None:
    if (config := NOT_DRAWN.get((stem, old))) is not None:
        new = to_new(rules()[stem], config, ERA, "here").config
        assert new[old.removeprefix("nn_params.")] == flatten(config)[old]
        assert to_old(rules()[stem], new, ERA, "here").config == config
        return

    def has_key(setup: Setup) -> bool:
        return old in flatten(setup.config) and old in defaults_of(stem, Era(setup.era))

    assert has_key(find(setups(stem), has_key))


@pytest.mark.parametrize("stem", STEMS)
def test_a_rule_has_a_case_a_docstring_and_consistent_keys(stem: str) -> None:
    assert stem in cases()
    assert str(__import__(f"migrate.rules.{stem}", fromlist=["RULE"]).__doc__).startswith("`")
    for keys in schemas(stem):
        for k in keys:
            assert len(k.old) == len(k.old_default) == len(k.attribute)
            assert len(k.new) == len(k.new_default)
        for names in ([old for k in keys for old in k.old], [new for k in keys for new in k.new]):
            assert len(names) == len(set(names))


def with_an_option_of_torch(stem: str) -> tuple[dict[str, Any], Era]:
    config, era = config_of(find(setups(stem), lambda _: True))
    return {**config, "nn_params": {**config.get("nn_params", {}), "device": "cuda"}}, era


@pytest.mark.parametrize("stem", [stem for stem in STEMS if stem not in WITHOUT_PARAMS])
def test_an_option_of_torch_that_no_rule_knows_is_refused(stem: str) -> None:
    config, era = with_an_option_of_torch(stem)
    with pytest.raises(UnusableFileError, match=r"^here: nn_params\.device has no counterpart in the new stack\n  -> "):
        to_new(rules()[stem], config, era, "here")


@pytest.mark.parametrize("stem", WITHOUT_PARAMS)
def test_an_option_of_torch_that_the_old_class_never_read_is_dropped_and_named(stem: str) -> None:
    config, era = with_an_option_of_torch(stem)
    translated = to_new(rules()[stem], config, era, "here")
    assert translated.config == to_new(rules()[stem], {**config, "nn_params": {}}, era, "here").config
    assert translated.dropped[-1:] == ("nn_params.device",)


@pytest.mark.parametrize("stem", STEMS)
def test_an_option_that_came_in_later_is_refused_on_the_way_back(stem: str) -> None:
    config, era = config_of(find(setups(stem), lambda _: True))
    new = to_new(rules()[stem], config, era, "here").config
    with pytest.raises(UnusableFileError, match=r"^here: cannot be said in the old stack: in_place has no"):
        to_old(rules()[stem], {**new, "in_place": True}, era, "here")


def required(stem: str) -> list[str]:
    """Old keys that had to be there, at some time."""
    return list(
        dict.fromkeys(
            old
            for keys in schemas(stem)
            for k in keys
            for old, default in zip(k.old, k.old_default, strict=True)
            if default is REQUIRED
        )
    )


@pytest.mark.parametrize(("stem", "name"), [(stem, name) for stem in STEMS for name in required(stem)])
def test_a_missing_key_is_named(stem: str, name: str) -> None:
    setup = find(setups(stem), lambda setup: defaults_of(stem, Era(setup.era)).get(name) is REQUIRED)
    config: dict[str, Any] = {"nn_params": {}}
    for key, value in flatten(setup.config).items():
        place = config["nn_params"] if key.startswith("nn_params.") else config
        if key != name:
            place[key.removeprefix("nn_params.")] = value
    with pytest.raises(UnusableFileError, match=f"^here: lacks {name}\n  -> add {name}"):
        to_new(rules()[stem], config, Era(setup.era), "here")


SIZE = {"nn_params": {"out_features": 2}}
NONLINEARITIES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"nonlinearity": "ReLU"}),
    ({"nonlinearity": None}, {}),
    ({"nonlinearity": "nn.Tanh"}, {"nonlinearity": "Tanh", "gain": math.sqrt(2)}),
    ({"nonlinearity": "torch.Tanh"}, {"nonlinearity": "Tanh"}),
    ({"nonlinearity": "nn.Tanh", "initialization": "xavier"}, {"nonlinearity": "Tanh", "initialization": "xavier"}),
    (
        {"nonlinearity": "nn.Tanh", "initialization": "ORTHOGONAL"},
        {"nonlinearity": "Tanh", "initialization": "ORTHOGONAL", "gain": math.sqrt(2)},
    ),
    ({"nonlinearity": "nn.Sigmoid"}, {"nonlinearity": "Sigmoid"}),
]


@pytest.mark.parametrize(("old", "new"), NONLINEARITIES)
def test_nonlinearity_and_gain(old: dict[str, Any], new: dict[str, Any]) -> None:
    translated = to_new(rules()["linear"], {**SIZE, **old}, ERA, "here").config
    assert translated == {"out_features": 2, **new}
    assert to_old(rules()["linear"], translated, ERA, "here").config == {**SIZE, **old}


@pytest.mark.parametrize("path", ["ReLU", "torch.nn.ReLU", ""])
def test_a_nonlinearity_that_the_old_stack_refused_is_refused(path: str) -> None:
    with pytest.raises(UnusableFileError, match="the old stack took exactly"):
        to_new(rules()["linear"], {**SIZE, "nonlinearity": path}, ERA, "here")


@pytest.mark.parametrize(("nonlinearity", "gain"), [("Tanh", 2.0), ("ReLU", math.sqrt(2)), (None, 0.5)])
def test_a_gain_that_the_old_stack_did_not_have_is_refused(nonlinearity: str | None, gain: float) -> None:
    new = {"out_features": 2, "nonlinearity": nonlinearity, "gain": gain}
    with pytest.raises(UnusableFileError, match=rf"cannot be said in the old stack: gain {gain}"):
        to_old(rules()["linear"], new, ERA, "here")


@pytest.mark.parametrize("stem", ["concat_merge", "conv2d", "linear"])
def test_output_size_where_the_old_class_ignored_it_is_dropped(stem: str) -> None:
    config, era = config_of(find(setups(stem), lambda setup: Era(setup.era).is_since("E4a")))
    translated = to_new(rules()[stem], {**config, "output_size": 12}, era, "here")
    assert "output_size" in translated.dropped
    assert "output_size" not in translated.config


def test_a_default_that_changed_over_time() -> None:
    default = ByEra((("E1", None), ("E5c", 1)))
    assert [default.at(Era(name)) for name in ("E1", "E4d", "E5b", "E5c", "E11")] == [None, None, None, 1, 1]
    for name in ORDER[ORDER.index("E4a") :]:
        translated = to_new(rules()["linear"], SIZE, Era(name), "here").config
        assert translated.get("l2_init_scale") == (1 if Era(name).is_since("E5c") else None)
        assert to_old(rules()["linear"], translated, Era(name), "here").config == SIZE


@pytest.mark.parametrize("name", ["_args_", "_nn_params", "_partial_", "_convert_"])
def test_keys_that_hydra_or_the_old_base_class_acted_on_are_refused(name: str) -> None:
    config = {"nn_params": {"out_features": 3}, name: [1]}
    with pytest.raises(UnusableFileError, match=f"{name} is an instruction"):
        to_new(rules()["linear"], config, Era("E4d"), "a.yaml")


@pytest.mark.parametrize(
    "config",
    [
        {"nn_params": {"out_features": "${....width}"}},
        {"nn_params": {"out_features": 3}, "nonlinearity": "nn.${act}"},
        {"nn_params": {"out_features": 3}, "nonlinearity": "nn.Tanh", "initialization": "${init}"},
    ],
)
def test_interpolations_that_would_move_or_decide_something_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(UnusableFileError, match="is an interpolation"):
        to_new(rules()["linear"], config, Era("E4d"), "a.yaml")


def test_parts_are_a_mapping() -> None:
    parts: Any = ("layers.Inner",)
    with pytest.raises(UsageError, match=r"the rule of layers\.Scale: parts is .*, expected a mapping"):
        Rule(old="layers.Scale", new="ScaleModule", parts=parts)
