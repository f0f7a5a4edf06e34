from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import nn

from modules import MettaAgent, SafeModule, load_agent, save_agent, with_config
from modules.checkpoint import policy_file_of
from modules.errors import CheckpointError
from modules.layers.identity import IdentityModule
from modules.policy_file import PolicyFile, read_policy_file
from tests.modules._agents import ACTIONS, CONFIG, ENVIRONMENT, agent, observations
from tests.modules.interop._compiling import TORCH_OF_ITSELF


@pytest.fixture
def policy() -> MettaAgent:
    """A policy with a history: moved weights and anchors, and actions activated twice."""
    result = agent(active=False)
    result.activate_actions(["attack", "noop"], [2, 0])
    result.activate_actions(["noop", "move", "attack"], [0, 1, 2])
    with torch.no_grad():
        for parameter in result.parameters():
            parameter.add_(0.01)
    result.update_l2_init_weight_copy()
    result.provenance = {"made by": "a test", "numbers": [1, 2.5, None]}
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.safetensors"


def changed(policy: MettaAgent, path: Path, **changes: Any) -> Path:
    content = policy_file_of(policy)
    for name, change in changes.items():
        change(getattr(content, name))
    path.write_bytes(content.to_bytes())
    return path


def refused(path: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        load_agent(path)
    assert str(path) in str(caught.value)


@pytest.mark.filterwarnings(TORCH_OF_ITSELF)
@pytest.mark.parametrize("around", [torch.compile, nn.DataParallel], ids=["compiled", "parallel"])
def test_what_torch_puts_around_an_agent_is_not_saved(around: Any, policy: MettaAgent, path: Path) -> None:
    save_agent(policy, path)
    alone = path.read_bytes()
    save_agent(around(policy), path)
    assert path.read_bytes() == alone


def test_what_is_no_agent_is_refused_by_its_class(path: Path) -> None:
    not_an_agent: Any = nn.Linear(2, 2)
    with pytest.raises(CheckpointError, match="not an agent of the new stack: Linear"):
        save_agent(not_an_agent, path)
    assert not path.exists()


def test_a_saved_policy_acts_bit_for_bit_as_before(policy: MettaAgent, path: Path) -> None:
    save_agent(policy, path)
    loaded = load_agent(path)
    results = []
    for each in (policy, loaded):
        torch.manual_seed(2)
        results.append(each(observations(3, 2)))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_everything_that_belongs_to_a_policy_comes_back(policy: MettaAgent, path: Path) -> None:
    save_agent(policy, path)
    loaded = load_agent(path)
    assert loaded.state_dict().keys() == policy.state_dict().keys()
    assert all(torch.equal(value, policy.state_dict()[key]) for key, value in loaded.state_dict().items())
    for name, module in policy.components.items():
        for key in getattr(module, "saved_attributes", ()):
            before, after = getattr(module, key), getattr(loaded.components[name], key)
            assert torch.equal(before, after) if isinstance(before, torch.Tensor) else before == after, (name, key)
    assert (loaded.config, loaded.environment) == (policy.config, policy.environment)
    assert loaded.provenance == policy.provenance
    assert torch.equal(loaded.l2_init_loss(), policy.l2_init_loss())


def test_new_actions_get_the_rows_that_they_would_have_got_before_saving(policy: MettaAgent, path: Path) -> None:
    save_agent(policy, path)
    loaded = load_agent(path)
    for each in (policy, loaded):
        each.activate_actions(["fresh", "attack"], [1, 0])
    assert torch.equal(policy(observations(1))[4], loaded(observations(1))[4])


def test_the_same_policy_gives_the_same_bytes_also_after_a_round(policy: MettaAgent, path: Path) -> None:
    save_agent(policy, path)
    first = path.read_bytes()
    save_agent(policy, path)
    assert path.read_bytes() == first
    save_agent(load_agent(path), path)
    assert path.read_bytes() == first


def test_a_policy_in_double_precision_comes_back_in_it(policy: MettaAgent, path: Path) -> None:
    save_agent(policy.double(), path)
    loaded = load_agent(path)
    assert {p.dtype for p in loaded.parameters()} == {torch.float64}
    assert torch.equal(loaded(observations(2))[3], policy(observations(2))[3])


def test_weights_that_are_not_finite_come_back(policy: MettaAgent, path: Path) -> None:
    torch.nn.init.constant_(policy.get_parameter("components.encoded.weight"), torch.nan)
    save_agent(policy, path)
    assert load_agent(path).get_parameter("components.encoded.weight").isnan().all()


def test_a_policy_without_active_actions_comes_back_without(path: Path) -> None:
    save_agent(agent(active=False), path)
    assert load_agent(path).action_space is None


def test_tensors_that_share_memory_are_saved(policy: MettaAgent, path: Path) -> None:
    components: Any = policy.components
    components["encoded"].initial_weights = components["encoded"].weight.detach()
    save_agent(policy, path)
    assert torch.equal(load_agent(path).l2_init_loss(), policy.l2_init_loss())


def test_loading_leaves_the_random_generator_alone(policy: MettaAgent, path: Path) -> None:
    save_agent(policy, path)
    before = torch.get_rng_state()
    load_agent(path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_a_truncated_file_is_refused(policy: MettaAgent, path: Path, share: float) -> None:
    data = policy_file_of(policy).to_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "not a policy of the new stack")


def with_header(text: str) -> bytes:
    return save({"a": torch.ones(1)}, {"metta": text})


@pytest.mark.parametrize(
    "data",
    [
        b"garbage" * 9,
        b"\xff" * 64,
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
        save({"a": torch.ones(1)}),
        save({"a": torch.ones(1)}, {"other": "x"}),
        with_header("no json"),
        with_header("[1, 2]"),
        with_header("5"),
    ],
    ids=["garbage", "ones", "nesting", "no metadata", "other metadata", "no json", "list", "number"],
)
def test_what_is_no_policy_is_refused_with_a_way_out(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    refused(
        path, r"not a policy of the new stack .*\n  -> old checkpoints become one with `python -m migrate.checkpoint`"
    )


def test_a_missing_file_is_told(path: Path) -> None:
    refused(path, "cannot be read: No such file")


def test_a_newer_format_is_told(path: Path) -> None:
    path.write_bytes(with_header(json.dumps({"format": "metta-policy/2"})))
    refused(path, "the file has the format 'metta-policy/2', not 'metta-policy/1'\n  -> use a newer version to read it")


def test_a_damaged_header_is_told(path: Path) -> None:
    path.write_bytes(with_header(json.dumps({"format": "metta-policy/1", "config": {}})))
    refused(path, "damaged header: .*environment")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": lambda c: c["components"]["_action_embeds_"].update(num_embeddings=13)}, "size mismatch"),
        ({"config": lambda c: c["components"]["encoded"].update(out_features=9)}, r"\[9, 12\] by the config"),
        ({"config": lambda c: c.update(components=5)}, "the config needs `components`"),
        ({"environment": lambda e: e.pop("obs_shape")}, "not an environment"),
        ({"tensors": lambda t: t.pop("components.encoded.bias")}, "Missing key.*encoded.bias"),
        ({"tensors": lambda t: t.update({"components.encoded.extra": torch.ones(1)})}, "Unexpected key.*encoded.extra"),
        ({"attributes": lambda a: a["encoded"].update(forward=3)}, "component 'encoded' has no attribute 'forward'"),
        (
            {"attributes": lambda a: a.update(ghost={"clip_value": 1})},
            "component 'ghost' has no attribute 'clip_value'",
        ),
        (
            {"attributes": lambda a: a["encoded"].pop("clip_value")},
            "the attribute 'clip_value' of .*'encoded' is missing",
        ),
        ({"tensors": lambda t: t.pop("attributes.encoded.initial_weights")}, "'initial_weights' .* is missing"),
        (
            {"tensors": lambda t: t.update({"attributes.encoded.initial_weights": torch.ones(1)})},
            r"'initial_weights' of component 'encoded' has the shape \[1\] in the file, \[8, 12\] by the config",
        ),
        ({"attributes": lambda a: a["_action_embeds_"]["rows"].update(move_0=9)}, "do not give .*active_indices"),
        ({"attributes": lambda a: a["_action_embeds_"].update(rows=5)}, "contradicts itself"),
        ({"frozen": lambda f: f.append("components.encoded.nothing")}, "no attribute `nothing`"),
        ({"actions": lambda a: a["names"].append("more")}, "got 4 action names and 3 maximum parameters"),
        ({"actions": lambda a: a.pop("names")}, "contradicts itself: 'names'"),
    ],
)
def test_content_that_contradicts_itself_is_refused(policy: MettaAgent, path: Path, changes: Any, message: str) -> None:
    refused(changed(policy, path, **changes), f"(?s)the policy contradicts itself: .*{message}|{message}")


def test_a_header_that_names_a_foreign_class_imports_nothing(
    policy: MettaAgent, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path.parent / "hostile_policy.py").write_text("raise SystemExit('code named by a checkpoint ran')")
    monkeypatch.syspath_prepend(path.parent)
    target = "hostile_policy.Component"
    changed(policy, path, config=lambda c: c["components"]["encoded"].update(_target_=target))
    refused(path, f"no such component class: {target}")


def test_a_config_that_is_no_json_is_refused_and_the_old_file_stays(policy: MettaAgent, path: Path) -> None:
    path.write_bytes(b"old")
    policy.config["device"] = torch.device("cpu")
    with pytest.raises(CheckpointError, match="cannot be written as JSON"):
        save_agent(policy, path)
    assert path.read_bytes() == b"old"


def test_a_component_that_the_config_does_not_build_is_refused_and_the_old_file_stays(
    policy: MettaAgent, path: Path
) -> None:
    policy.components.replace_component("normalized", IdentityModule(in_keys=["shaped"], out_keys=["normalized"]))
    path.write_bytes(b"old")
    with pytest.raises(CheckpointError, match="component 'normalized' is not what the config builds: class is"):
        save_agent(policy, path)
    assert path.read_bytes() == b"old"


def test_an_argument_changed_after_the_build_is_refused(policy: MettaAgent, path: Path) -> None:
    vars(policy.components["encoded"])["clip_range"] = 7.0
    with pytest.raises(CheckpointError, match="'encoded' is not what the config builds: clip_range is 7"):
        save_agent(policy, path)


def test_a_policy_inside_wrappers_is_saved_as_what_they_wrap(policy: MettaAgent, path: Path) -> None:
    policy.components.replace_component("encoded", SafeModule(policy.components["encoded"]))
    save_agent(policy, path)
    assert load_agent(path).state_dict().keys() == policy.state_dict().keys()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((1, 2), "has a tuple"),
        ({"deep": (1, 2)}, "has a tuple"),
        ([{3: "a"}], "the key 3, which would come back as text"),
    ],
)
def test_an_attribute_that_json_would_change_is_refused(policy: MettaAgent, value: Any, message: str) -> None:
    content = policy_file_of(policy)
    content.attributes["encoded"]["extra"] = value
    with pytest.raises(CheckpointError, match=message):
        content.to_bytes()


def test_content_is_read_without_building_an_agent(policy: MettaAgent, path: Path) -> None:
    save_agent(policy, path)
    content = read_policy_file(path)
    assert isinstance(content, PolicyFile)
    assert content.actions == {"names": ["noop", "move", "attack"], "max_params": [0, 1, 2]}


def test_mode_frozen_weights_and_features_come_back(path: Path) -> None:
    policy = agent(active=False).eval()
    features = {name: {"id": number, "normalization": 1.0} for number, name in enumerate(("a", "b", "c"))}
    policy.initialize_to_environment(features, *ACTIONS)
    policy.get_parameter("components.encoded.weight").requires_grad_(False)
    save_agent(policy, path)
    loaded = load_agent(path)
    assert not any(module.training for module in loaded.modules())
    assert [name for name, each in loaded.named_parameters() if not each.requires_grad] == ["components.encoded.weight"]
    assert policy.features is not None
    assert loaded.features is not None
    assert loaded.features.to_dict() == policy.features.to_dict()


def test_actions_that_were_activated_later_come_back_where_the_config_names_others(path: Path) -> None:
    names, largest = ACTIONS
    policy = MettaAgent({**CONFIG, "actions": {"names": names, "max_params": largest}}, ENVIRONMENT)
    policy.activate_actions(names[::-1], largest[::-1])
    save_agent(policy, path)
    space = load_agent(path).action_space
    assert space is not None
    assert (space.names, space.max_params) == (names[::-1], largest[::-1])


def test_saving_and_loading_draw_no_random_numbers(policy: MettaAgent, path: Path) -> None:
    before = torch.get_rng_state()
    save_agent(policy, path)
    with_config(load_agent(path), {"clip_range": 0.25})
    assert torch.equal(torch.get_rng_state(), before)
