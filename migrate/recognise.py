"""Which era a file is of: clues, each of which says that the file is not older or not younger than a date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrate.eras import END, ROOTS, STARTS, Era, below_root, just_before, named, start_of
from migrate.errors import UnusableFileError


@dataclass(frozen=True)
class Clue:
    """Something in a file that tells its age.

    Attributes:
        what: what it is.
        since: era or date before which there was no such thing.
        before: era or date from which on there was none any more.
        habit: whether it is how the team's files were written and not what the code took, so that it gives way to the
            others.
    """

    what: str
    since: str = "E1"
    before: str = END
    habit: bool = False

    def about(self, what: str) -> Clue:
        """The same, told by `what`; the tables say only when something was."""
        return replace(self, what=what)

    def __str__(self) -> str:
        until = "" if self.before == END else f", before {_spoken(self.before)}"
        return f"{self.what}: since {_spoken(self.since)}{until}"


def _spoken(point: str) -> str:
    return f"{point} ({STARTS[point]})" if point in STARTS else point


CLASSES = {
    "action.ActionType": Clue("", before="E4a"),
    "action.ActionParam": Clue("", before="E4a"),
    "nn_layer_library.Conv1d": Clue("", before="E4a"),
    "nn_layer_library.ReLU": Clue("", "E4a"),
    "nn_layer_library.LayerNorm": Clue("", "E4a"),
    "nn_layer_library.Bilinear": Clue("", "E4a"),
    "nn_layer_library.Embedding": Clue("", "E4a"),
    "merge_layer.ExpandLayer": Clue("", "E4a"),
    "merge_layer.ReshapeLayer": Clue("", "E4a"),
    "merge_layer.BatchReshapeLayer": Clue("", "E4a"),
    "merge_layer.CenterPixelLayer": Clue("", "E4a"),
    "feature_normalizer.FeatureListNormalizer": Clue("", before="2025-06-04"),
    "nn_layer_library.ResNetMLP": Clue("", "2025-07-05"),
    "nn_layer_library.Tanh": Clue("", "E11"),
    "action.ActionEmbedding": Clue("", "E4a"),
    "actor.PufferActor": Clue("", "E4a", "2025-05-07"),
    "actor.MettaActorBig": Clue("", "E4a", "2025-09-03"),
    "actor.MettaActorSingleHead": Clue("", "E4a", "2025-09-03"),
    "actor.MettaActorQuerySingleHead": Clue("", "2025-09-03"),
    "actor.MettaActorKeySingleHead": Clue("", "2025-09-03"),
    "obs_shaper.ObsShaper": Clue("", before="E6a"),
    "obs_enc.ObsTokenShaper": Clue("", "E5a", "E6a"),
    "obs_enc.ObsVanillaAttn": Clue("", "E5a", "E6a"),
    "obs_enc.ObsCrossAttn": Clue("", "E5a", "E6a"),
    "obs_enc.ObsSlotAttn": Clue("", "E5a", "E6a"),
    "obs_enc.ObsTokenCat": Clue("", "E5d", "E6a"),
    "obs_enc.ObsTokenCatFourier": Clue("", "E5d", "E6a"),
    "obs_enc.ObsTokenRoPE": Clue("", "E5d", "E6a"),
    "obs_token_to_box_shaper.ObsTokenToBoxShaper": Clue("", "E5d"),
    "obs_token_to_boxshaper.ObsTokenToBoxShaper": Clue("", "E5e", "E8"),
    "obs_tokenizers.ObsTokenPadStrip": Clue("", "E6a"),
    "obs_tokenizers.ObsAttrValNorm": Clue("", "E6a"),
    "obs_tokenizers.ObsAttrCoordEmbed": Clue("", "E6a"),
    "obs_tokenizers.ObsAttrEmbedFourier": Clue("", "E6a"),
    "obs_tokenizers.ObsAttrCoordValueEmbed": Clue("", "E6a"),
    "obs_enc.ObsLatentAttn": Clue("", "E6a"),
    "obs_enc.ObsSelfAttn": Clue("", "E6a"),
}
"""Component class below the import root -> when it existed."""

AGENT_ATTRIBUTES = {
    "feature_id_remap": Clue("", "2025-07-01"),
    "original_feature_mapping": Clue("", "2025-07-01"),
    "active_features": Clue("", "2025-07-01"),
    "actions_max_params": Clue("", "E4a", "E4b"),
    "action_max_params": Clue("", "E4b"),
    "agent_attributes": Clue("", "2025-05-19"),
    "hidden_size": Clue("", before="E8"),
    "core_num_layers": Clue("", before="E8"),
    "components_with_memory": Clue("", "E8", "2025-09-03"),
}
"""Attribute of a pickled agent -> when agents had it."""

TOLD = {
    "grid_features": Clue("", before="2025-06-04"),
    "feature_normalizations": Clue("", "E5b"),
    "num_objects": Clue("", before="E5a"),
    "obs_width": Clue("", "E5d"),
    "hidden_size": Clue("", before="E8"),
}
"""Entry of `agent_attributes` -> when components were told it."""


def era_from(clues: list[Clue], where: object) -> Era:
    """The youngest era that all clues allow.

    Raises:
        UnusableFileError: clues that contradict each other.
    """
    since = max(clues, key=lambda clue: start_of(clue.since), default=Clue("nothing"))
    before = min(clues, key=lambda clue: start_of(clue.before), default=Clue("nothing"))
    low, high = start_of(since.since), start_of(before.before)
    if low >= high and any(clue.habit for clue in clues):
        return era_from([clue for clue in clues if not clue.habit], where)
    if low >= high:
        raise UnusableFileError(
            f"its parts are of different eras: {since}; {before}",
            where=where,
            fix="if you know the era, give --era NAME; none describes a run that went on under newer code, or a change "
            "by hand of which half was made",
        )
    telling = tuple(str(clue) for clue in dict.fromkeys((since, before)) if clue.what != "nothing")
    day = max(just_before(high), low)
    era = Era(day)
    return Era(era.name, telling, date=day, earliest=low)


def of_user(era: str, where: object) -> Clue:
    """What `--era E5` tells: a range of eras."""
    found = named(era, where)
    before = min((start for start in (*STARTS.values(), END) if start > found.date), default=END)
    return Clue(f"--era {era}", found.earliest, before)


def of_root(target: str) -> Iterator[Clue]:
    """What the import root of the agent's class tells."""
    if target.startswith("metta."):
        yield Clue(f"the agent is a {target}", "E3", "E10")
    elif target.startswith("agent."):
        yield Clue(f"the agent is a {target}", before="E3")


def of_classes(classes: Mapping[str, str]) -> Iterator[Clue]:
    """What the paths of component classes tell."""
    for name, path in classes.items():
        if (clue := CLASSES.get(below_root(path))) is not None:
            yield clue.about(f"component {name!r} is a {path}")
        if path.startswith(ROOTS[1]):
            yield Clue(f"component {name!r} is a {path}", before="E3")
        elif path.startswith(ROOTS[0]):
            yield Clue(f"component {name!r} is a {path}", "E3")


def of_agent(attributes: Mapping[str, Any], path: str, where_found: str) -> Iterator[Clue]:
    """What the attributes of a pickled agent tell, its class, and what it lay in."""
    yield (
        Clue(f"the agent is a {path}", "E3")
        if path.startswith("metta.")
        else Clue(f"the agent is a {path}", before="E3")
    )
    yield CONTAINERS[where_found]
    for name, clue in AGENT_ATTRIBUTES.items():
        if name in attributes:
            yield clue.about(f"the agent has `{name}`")
    told = attributes.get("agent_attributes")
    if not isinstance(told, Mapping):
        yield Clue("the agent does not keep what it told its components", before="2025-05-19")
        return
    for name, clue in TOLD.items():
        if name in told:
            yield clue.about(f"components were told `{name}`")
    if "feature_normalizations" not in told:
        yield Clue("components were not told `feature_normalizations`", before="E5b")
    if "num_objects" not in told and "grid_features" in told:
        yield Clue("components were told `grid_features` without `num_objects`", "E5a")
    if "feature_normalizations" in told and "obs_width" not in told:
        yield Clue("components were not told `obs_width`", before="E5d")


def of_policy(path: str | None) -> Iterator[Clue]:
    """What the class of the policy tells, which agents have from E9 to E11."""
    if path is None:
        yield Clue("the agent holds its components itself", before="E9")
    elif path.startswith("metta.agent.component_policies."):
        yield Clue(f"the policy is a {path}", "E10")
    else:  # one of a team's own may be of any later time
        yield Clue(f"the policy is a {path}", "E9", "E10" if path.startswith("metta.agent.") else END)


CONTAINERS = {
    "policy_store": Clue("the record is a policy_store.PolicyRecord", before="E6c"),
    "policy_record": Clue("the record is a policy_record.PolicyRecord", "E6c", "E11"),
    "package": Clue("the file is a torch.package archive", "E6b", "2025-07-02"),
    "bare": Clue("the file is the agent itself"),
}
"""What a pickled agent lay in -> when that was so."""
