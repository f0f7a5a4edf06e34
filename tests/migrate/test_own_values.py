"""What a team's own component may keep besides tensors and numbers: functions, types, arrays, containers."""

from __future__ import annotations

import collections
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import migrate
import modules
from migrate.checkpoint import main
from migrate.errors import UnsafeFileError, UnusableFileError
from migrate.library_values import is_library_value, library_value
from migrate.pickle_calls import OPERATORS
from migrate.pickle_reader import Call, GlobalRef, read_pickle
from tests.migrate._own import LEGACY, MODULES, RULE, installed, own_config
from tests.migrate._policies import old_agent, write_old

ROOT = Path(__file__).parents[2]
IMPORTS = "import collections\nimport numpy as np\n"
VALUES = {
    "a function of torch": "torch.tanh",
    "one of torch.nn.functional": "torch.nn.functional.gelu",
    "one that python defines": "torch.nn.functional.hardtanh",
    "a type of tensors": "torch.float16",
    "an array": "np.arange(6.0).reshape(2, 3).T",
    "a deque": "collections.deque([1, 2, 3], maxlen=3)",
    "a counter": "collections.Counter('aab')",
    "a slice": "slice(0, 4, 2)",
    "a range": "range(0, 9, 3)",
}
KEPT = "self.start = start\n        self.kept = {value}"
DERIVED = 'root="my_lab.",\n    derived=frozenset({"kept"}),'
ARRAY = 'attributes=(Attribute("kept", "kept", lambda a: a.tolist(), lambda a, _: __import__("numpy").array(a)), '


def sources(value: str) -> dict[str, str]:
    old = LEGACY.replace("self.start = start", KEPT.format(value=value))
    return {"old": IMPORTS + old.lstrip(), "rule": RULE.replace('root="my_lab.",', DERIVED)}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_a_component_keeps_is_read_and_goes_back(tmp_path: Path, value: str) -> None:
    with installed(tmp_path, **sources(value)):
        agent = old_agent(own_config())
        policy, migrated = write_old(tmp_path / "old.pt", agent), tmp_path / "old.safetensors"
        assert main([str(policy)]) == 0
        same(migrate.load_policy(policy, "legacy").components["my_scale"].kept, agent.components["my_scale"].kept)

        trained = modules.load_agent(migrated)
        with torch.no_grad():
            trained.get_parameter("components.my_scale.factor").mul_(2)
        modules.save_agent(trained, migrated)
        assert main([str(migrated), "--to", "legacy", "-o", str(tmp_path / "back.pt")]) == 0
        back = migrate.load_policy(tmp_path / "back.pt", "legacy").components["my_scale"]
        same(back.kept, agent.components["my_scale"].kept)
        assert torch.equal(back.factor, trained.get_parameter("components.my_scale.factor"))


def test_a_function_of_ones_own_is_one_of_the_parts(tmp_path: Path) -> None:
    files = sources("doubled")
    files["old"] += "\n\ndef doubled(x):\n    return 2 * x\n"
    files["rule"] = files["rule"].replace("derived=", 'parts={"layers.doubled": "doubled"},\n    derived=')
    with installed(tmp_path, **files):
        agent = old_agent(own_config())
        policy = write_old(tmp_path / "old.pt", agent)
        with zipfile.ZipFile(policy) as archive:
            (pickled,) = (archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))
        assert b"my_lab.layers\ndoubled\n" in pickled
        assert migrate.load_policy(policy, "legacy").components["my_scale"].kept is agent.components["my_scale"].kept
        assert main([str(policy)]) == 0


def same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.tolist()) == (b.dtype, b.tolist())
    else:
        assert a == b
        assert getattr(a, "maxlen", None) == getattr(b, "maxlen", None)


@pytest.mark.parametrize(
    ("built", "held"),
    [
        ("torch.tanh", torch.relu),
        ("torch.nn.functional.gelu", functional.silu),
        ("torch.float32", torch.float64),
        ("np.zeros(2)", np.ones(2)),
        ("np.zeros(2)", np.zeros(2, dtype=np.float32)),
        ("slice(0, 4)", slice(0, 3)),
        ("range(3)", range(4)),
        ("collections.deque([1])", [None, 1]),
        ("collections.deque([1])", collections.deque([1], maxlen=1)),
        ("collections.Counter(a=1)", {"a": 1}),
    ],
)
def test_another_value_than_the_config_builds_is_refused(tmp_path: Path, built: str, held: Any) -> None:
    with installed(tmp_path, **sources(built)):
        agent = old_agent(own_config())
        agent.components["my_scale"].kept = held
        with pytest.raises(UnusableFileError, match=r"kept of components\.my_scale is .*, and its config builds"):
            migrate.load_policy(write_old(tmp_path / "old.pt", agent), "modules")


def test_an_array_is_carried_by_what_the_rule_makes_of_it(tmp_path: Path) -> None:
    files = sources("np.zeros(2)") | {"rule": RULE.replace("attributes=(", ARRAY)}
    files["new"] = MODULES.replace('("offset",)', '("offset", "kept")').replace(
        "        self.offset", "        self.kept = [0.0, 0.0]\n        self.offset"
    )
    with installed(tmp_path, **files):
        agent = old_agent(own_config())
        agent.components["my_scale"].kept = np.array([3.0, 4.0])
        migrated = migrate.load_policy(write_old(tmp_path / "old.pt", agent), "modules")
        assert migrated.components["my_scale"].kept == [3.0, 4.0]


@pytest.mark.parametrize("name", ["from_file", "frombuffer", "__class__", "_softmax_"])
def test_no_other_attribute_of_torch_is_taken(name: str) -> None:
    with pytest.raises(UnsafeFileError, match=f"calls builtins.getattr on .*{OPERATORS.rpartition('.')[2]}"):
        read_pickle(attribute_of_torch(name), where="hostile.pkl", persistent_load=lambda _: None)


def attribute_of_torch(name: str) -> bytes:
    home, _, operators = OPERATORS.rpartition(".")
    return (
        pickle.PROTO
        + b"\x02cbuiltins\ngetattr\n"
        + f"c{home}\n{operators}\nX".encode()
        + (len(name).to_bytes(4, "little") + name.encode() + b"\x86R.")
    )


@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("builtins.range", ("a",)),
        ("collections.deque", ((), 1 << 70)),
        ("builtins.slice", ()),
        ("builtins.range", (0, 1, 0)),
    ],
)
def test_arguments_that_make_no_such_value_are_refused(path: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(UnusableFileError, match=f"is no {path}"):
        library_value(Call(path, args))


LOOKED_UP = """
import sys, torch
from migrate.library_values import is_library_value
from migrate.pickle_reader import GlobalRef
before = set(sys.modules)
assert not any(is_library_value(GlobalRef(f"torch.{name}")) for name in ("_inductor", "_dynamo", "onnx", "has_mps"))
assert not set(sys.modules) - before
"""


def test_to_look_for_a_function_imports_and_calls_nothing() -> None:
    subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", LOOKED_UP], check=True, cwd=ROOT)


def test_a_function_that_is_named_again_and_again_is_one_object() -> None:
    twice = attribute_of_torch("tanh")[:-1] + attribute_of_torch("tanh")[2:-1] + b"\x86."
    first, second = read_pickle(twice, where="hostile.pkl", persistent_load=lambda _: None)
    assert first is second


def test_a_deque_may_hold_what_holds_it(tmp_path: Path) -> None:
    with installed(tmp_path, **sources("collections.deque()")):
        agent = old_agent(own_config())
        scale = agent.components["my_scale"]
        scale.kept.append({"of": scale.kept})
        policy = write_old(tmp_path / "old.pt", agent)
        kept = migrate.load_policy(policy, "legacy").components["my_scale"].kept
        assert kept[0]["of"] is kept
        with pytest.raises(UnusableFileError, match="an attribute contains itself"):
            migrate.load_policy(policy, "modules")


@pytest.mark.parametrize("path", ["torch.load", "torch.nn.functional.load", "torch.nn.functional.F", "os.abs"])
def test_a_path_to_anything_else_is_no_value(path: str) -> None:
    assert not is_library_value(GlobalRef(path))
