from __future__ import annotations

import re

import pytest

from migrate.errors import UnusableFileError
from migrate.refused import REFUSED
from migrate.registry import rules, stem_of_old


@pytest.mark.parametrize("root", ["metta.agent.lib.", "agent.lib."])
@pytest.mark.parametrize(("path", "reason"), REFUSED.items())
def test_the_refusal_says_the_reason(path: str, reason: str, root: str) -> None:
    message = f"here: no rule for the class {root}{path}: {reason}\n  -> write a component of your own"
    with pytest.raises(UnusableFileError, match=f"^{re.escape(message)}"):
        stem_of_old(root + path, "here")


def test_what_has_a_rule_is_not_refused() -> None:
    assert not REFUSED.keys() & {rule.old for rule in rules().values()}


def test_a_class_without_reason_is_refused_as_unknown() -> None:
    with pytest.raises(UnusableFileError, match=r"the class somewhere\.MaxPool2d\n  -> write migrate/rules"):
        stem_of_old("somewhere.MaxPool2d", "here")
