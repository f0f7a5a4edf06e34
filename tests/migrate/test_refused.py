from __future__ import annotations

import re

import pytest

from migrate.eras import Era
from migrate.errors import UnusableFileError
from migrate.refused import BRANCH_ONLY, DEAD_FILES, ON_BRANCHES, REFUSED
from migrate.registry import rules, stem_of_old
from migrate.translate import to_new

ROOTS = ["metta.agent.lib.", "agent.lib."]
OWN, KEEP = "write a component of your own", "write migrate/rules/<stem>.py"


def refused(path: str, reason: str, fix: str) -> None:
    message = f"here: no rule for the class {path}: {reason}\n  -> {fix}"
    with pytest.raises(UnusableFileError, match=f"^{re.escape(message)}"):
        stem_of_old(path, "here")


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize(("path", "reason"), REFUSED.items())
def test_the_refusal_says_the_reason(path: str, reason: str, root: str) -> None:
    refused(root + path, reason, OWN)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("path", ["feature_encoder.FeatureSetEncoder", "resnet_encoder.Any", "position.embeddings"])
def test_whatever_is_in_a_dead_file_is_refused(path: str, root: str) -> None:
    refused(root + path, DEAD_FILES[path.partition(".")[0]], OWN)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("path", ["action.ActionHash", "obs_enc.ObsEncoderRev7", "actor.MettaActorBig3", "x.MeanPool"])
def test_classes_of_branches_are_known_by_name_in_any_file(path: str, root: str) -> None:
    refused(root + path, BRANCH_ONLY, KEEP)


@pytest.mark.parametrize("path", ["somewhere.MeanPool", "position.Embedding", "metta_module.MettaLinear"])
def test_a_class_elsewhere_that_is_called_the_same_is_unknown(path: str) -> None:
    with pytest.raises(UnusableFileError, match=rf"the class {re.escape(path)}\n  -> write migrate/rules"):
        stem_of_old(path, "here")


def test_what_is_refused_has_no_rule_or_one_that_refuses_with_the_same_reason() -> None:
    for rule in rules().values():
        if rule.old in REFUSED:
            with pytest.raises(UnusableFileError, match=re.escape(REFUSED[rule.old])):
                to_new(rule, {}, Era("E4d"), "here")


def test_no_class_that_has_a_rule_is_taken_for_one_of_a_dead_file_or_a_branch() -> None:
    names = {rule.old.rpartition(".")[2] for rule in rules().values()}
    assert not names & set(ON_BRANCHES)
    assert not DEAD_FILES.keys() & {rule.old.partition(".")[0] for rule in rules().values()}
