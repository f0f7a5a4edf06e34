"""What must hold for the tree as a whole: its four rooms, its imports, its pins, and what no file may say or be."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("legacy/layers", "modules/layers", "migrate/rules", "equivalence/cases")
OURS = {"legacy", "modules", "migrate", "equivalence", "tests"}
NOT_FOR_MODULES = {"hydra", "omegaconf", "tensordict", "hypothesis", "gymnasium", "yaml", "rich"} | OURS - {"modules"}
MACHINE_PATH = re.compile(rb"(?<![\w.])/(?:root|work|home|tmp)/")
IMPORT_ALL_OF_MODULES = """
import importlib, json, pkgutil, sys
import modules
names = [m.name for m in pkgutil.walk_packages(modules.__path__, "modules.") if not m.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@cache
def files_of_the_tree() -> list[Path]:
    """Every file that git has, or would take if all were added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip(f"not a git work tree: {listing.stderr.decode(errors='replace').strip()}")
    return [ROOT / name for name in sorted(listing.stdout.decode().split("\0")) if name and (ROOT / name).is_file()]


def stems(room: str) -> set[str]:
    return {path.stem for path in (ROOT / room).glob("*.py") if not path.name.startswith("_")}


def imports(statements: list[ast.stmt], *, inside_functions: bool) -> Iterator[str]:
    """The modules that some statements import, those seen only by type checkers left out."""
    for statement in statements:
        match statement:
            case ast.Import():
                yield from (alias.name for alias in statement.names)
            case ast.ImportFrom():
                base = "." * statement.level + (statement.module or "")
                yield from (f"{base}.{alias.name}" for alias in statement.names)
            case ast.If() if "TYPE_CHECKING" in ast.unparse(statement.test):
                yield from imports(statement.orelse, inside_functions=inside_functions)
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not inside_functions:
                pass
            case _:
                for node in ast.iter_child_nodes(statement):
                    below = [node] if isinstance(node, ast.stmt) else getattr(node, "body", [])
                    yield from imports(below if isinstance(below, list) else [], inside_functions=inside_functions)


def imports_of(path: Path, *, inside_functions: bool) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return list(imports(tree.body, inside_functions=inside_functions))


def is_in(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_every_component_has_its_file_in_each_of_the_four_rooms() -> None:
    everything = set().union(*(stems(room) for room in ROOMS))
    missing = sorted(f"{room}/{stem}.py" for room in ROOMS for stem in everything - stems(room))
    assert everything, f"no component found in {ROOMS}"
    assert not missing, f"missing: {', '.join(missing)}"


def test_rules_import_neither_stack_at_module_top() -> None:
    """import-linter sees imports inside functions too, where they are allowed, so this contract is kept here."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "migrate/rules").rglob("*.py"))
        for name in imports_of(path, inside_functions=False)
        if is_in(name, {"legacy", "modules"})
    ]
    assert not found, f"import these inside a function: {found}"


def test_layers_import_nothing_of_ours_but_base_and_errors() -> None:
    """import-linter cannot say `all but`, so this contract is kept here."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "modules/layers").glob("*.py"))
        if path.name != "__init__.py"
        for name in imports_of(path, inside_functions=True)
        if is_in(name, OURS) or name.startswith(".")
        if not is_in(name, {"modules.base", "modules.errors"})
    ]
    assert not found, f"layers import only modules.base and modules.errors: {found}"


def test_new_stack_imports_with_torch_alone() -> None:
    command = [sys.executable, "-c", IMPORT_ALL_OF_MODULES]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    loaded = set(json.loads(result.stdout)) & NOT_FOR_MODULES
    assert not loaded, f"importing modules also imports {sorted(loaded)}"


SLOW_AND_SELDOM_NEEDED = {"scipy", "tensordict", "torch._dynamo"}
"""What takes as long to import as torch, and only few agents or measurements use."""


@pytest.mark.parametrize("command", ["migrate.config", "migrate.checkpoint", "equivalence.__main__"])
def test_a_command_starts_without_what_it_seldom_needs(command: str) -> None:
    program = f"import json, sys, {command}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not SLOW_AND_SELDOM_NEEDED & set(json.loads(result.stdout))


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    every = (Requirement(text) for each in lists for text in each)
    return [requirement for requirement in every if requirement.name != project["name"]]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_direct_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    version = pins().get(canonicalize_name(requirement.name))
    assert version, f"{requirement.name} is not in constraints.txt; run `make lock`"
    assert requirement.specifier.contains(version), f"the pin {version} is outside of {requirement}; run `make lock`"


def test_constraints_are_plain_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines if not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert not odd, f"neither a comment nor name==version: {odd}"


def test_no_file_names_a_path_of_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in files_of_the_tree()
        if (match := MACHINE_PATH.search(path.read_bytes()))
    ]
    assert not found, f"paths of somebody's machine: {found}"


def test_no_python_file_is_over_400_lines() -> None:
    sources = (path for path in files_of_the_tree() if path.suffix == ".py")
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_bytes().splitlines()) for path in sources}
    long = {name: length for name, length in lengths.items() if length > 400}
    assert not long, f"over 400 lines: {long}"
