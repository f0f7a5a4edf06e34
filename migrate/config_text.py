"""YAML text in, YAML text out: migrates an agent config and takes it back, changing nothing but what must change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate import agent_rules, config_rules, eras, yaml_undo
from migrate.config_era import config_era
from migrate.config_keys import check_class, check_old_keys, check_whole
from migrate.config_rules import NEW_AGENT, STACK, agent_node, check_agent, component_place, is_new
from migrate.eras import Era
from migrate.errors import UnusableFileError, UsageError
from migrate.named_agent import architecture_in
from migrate.old_sources import sources_of
from migrate.registry import rules, stem_of_new, stem_of_old
from migrate.rule import PARAMS, Rule
from migrate.yaml_edit import Document, Item, Path

LF, CRLF = "\n", "\r\n"


@dataclass(frozen=True)
class Migrated:
    """The result of one migration.

    Attributes:
        text: the new text; the old one where there was nothing to do.
        era: of the old config, None where there was nothing to do.
        notes: what the old stack had ignored and the new one does not have.
        exact: going back, whether the text is the original byte for byte; None otherwise.
    """

    text: str
    era: Era | None = None
    notes: tuple[str, ...] = ()
    exact: bool | None = None


def selects_agent_by_name(data: Mapping[str, Any]) -> bool:
    """Whether a job config only names its agent, so that there is nothing to rewrite in it."""
    if config_rules.agent_place(data) is not None:
        return False
    entries = data.get("defaults")
    keys = (
        [key for entry in entries if isinstance(entry, Mapping) for key in entry] if isinstance(entries, list) else []
    )
    # Hydra's grammar: `agent: x`, `/agent: x`, `override /agent: x`, `agent@place: x`.
    groups = [key.rpartition(" ")[2].partition("@")[0].removeprefix("/") for key in keys]
    return "agent" in groups or isinstance(data.get("agent"), str) or architecture_in(data) is not None


def to_modules(text: str, where: str, era: str | None = None) -> Migrated:
    """Migrates an old config.

    Raises:
        UnusableFileError: no agent in it, an unsupported era, a component that cannot be translated.
    """
    body, _ = yaml_undo.detach(text, where=where)
    old = Document.parse(body, where=where)
    if selects_agent_by_name(old.data):
        return Migrated(text)
    path, agent = agent_node(old.data, where)
    check_agent(agent, where)
    if is_new(agent):
        return Migrated(text)
    check_whole(old.data, path, where)
    check_old_keys(agent, where)
    said, agent = agent, {key: value for key, value in agent.items() if key != agent_rules.ERA}
    told = era or said.get(agent_rules.ERA) or old.data.get(agent_rules.ERA)
    found, open_questions = config_era(agent, where, told)
    target, dropped = config_rules.to_new_agent(agent, found, where)
    new, edited = old, [(*path, "_target_")]
    for name, component in agent["components"].items():
        rule = rules()[stem_of_old(component["_target_"], component_place(where, name))]
        place = (*path, "components", name)
        new = new.rewrite(place, _items(component, target["components"][name], _origins(rule, found)))
        edited.append(place)
    new = new.replace_scalar((*path, "_target_"), NEW_AGENT)
    new, flags, flag_notes = _with_flag(new, path)
    if agent_rules.ERA in said:
        target[agent_rules.ERA] = agent_rules.spoken(found)
        flags.append((*path, agent_rules.ERA))
    new = _with_era(new, path, agent_rules.decided_by(found, target["components"]), found)
    notes = open_questions + tuple(
        f"{name}: dropped {', '.join(keys)}, which the old stack ignored" for name, keys in dropped.items()
    )
    result = yaml_undo.attach(old, new, [*edited, *flags], {"era": agent_rules.spoken(found)})
    flag = {STACK: "modules"} if STACK in new.get(path) else {}
    _verify(result, body, path, {**target, **flag}, where)
    return Migrated(result, found, notes + flag_notes)


def _with_era(document: Document, path: Path, decided: Mapping[str, Any], era: Era) -> Document:
    """The document with the keys that an era decides; where the agent named it, in those words."""
    if agent_rules.ERA in document.get(path):
        document = document.replace_scalar((*path, agent_rules.ERA), agent_rules.spoken(era))
    for key, value in decided.items():
        if key not in document.get(path):
            line = f"{key}: {json.dumps(value)}" if isinstance(value, list) else f"{key}: {value}"
            document = document.insert_before((*path, "_target_"), line)
    return document


def _with_flag(document: Document, path: Path) -> tuple[Document, list[Path], tuple[str, ...]]:
    """The document with `stack: modules`, where a flag stands already or else in the agent; what changed, and notes."""
    places = [place for place in dict.fromkeys([(STACK,), (*path, STACK)]) if STACK in document.get(place[:-1])]
    notes = []
    for place in places:
        if (before := document.get(place)) != "modules":
            notes.append(f"{'.'.join(place)}: was {before!r}, and is modules now")
        document = document.replace_scalar(place, "modules")
    if not places:
        document = document.insert_before((*path, "_target_"), f"{STACK}: modules")
    return document, places, tuple(notes)


def to_legacy(text: str, where: str, era: str | None = None) -> Migrated:
    """Takes a migrated config back; what was not changed since comes back byte for byte.

    Raises:
        UnusableFileError: a component that the old stack cannot express; the message names it.
    """
    body, undo = yaml_undo.detach(text, where=where)
    found = _era_of_new(body, undo, era, where)
    if undo is not None and (restored := undo.restore(body)) is not None:
        return Migrated(restored, found, exact=True)
    if (restored := _restored_by_other_line_ends(text, where)) is not None:
        note = "line ends: as in this file, which were others when it was migrated"
        return Migrated(restored, found, (note,), exact=False)
    new = Document.parse(body, where=where)
    if selects_agent_by_name(new.data):
        return Migrated(text)
    path, agent = agent_node(new.data, where)
    check_agent(agent, where)
    if not is_new(agent):
        return Migrated(text)
    target = config_rules.to_old_agent(agent, found, where)
    old, rebuilt = new, []
    for name, component in agent["components"].items():
        place = (*path, "components", name)
        if undo is not None and (block := undo.old_block(place, new.block(place))) is not None:
            old = old.replace_block(place, block)
            continue
        check_class(target["components"][name]["_target_"], name, found, component_place(where, name))
        rule = rules()[stem_of_new(component["_target_"], component_place(where, name))]
        back = {new_key: old_key for old_key, new_key in _origins(rule, found).items()}
        old = old.rewrite(place, _items(component, target["components"][name], back))
        rebuilt.append(f"{name}: rebuilt, since its old text is not known or it was changed after the migration")
    for key in ("_target_", *(key for key in config_rules.OLD_NEEDS if key not in agent)):
        old = old.set_value((*path, key), target[key])
    for key in (STACK, agent_rules.ERA, *agent_rules.FIXED, *config_rules.ONLY_NEW):
        if key in agent:
            old = old.delete((*path, key))
    rebuilt += [f"{key}: dropped, which the old stack does not know" for key in config_rules.ONLY_NEW if key in agent]
    _verify_back(old, path, agent, found, where)
    return Migrated(old.text, found, tuple(rebuilt), exact=False)


def _era_of_new(body: str, undo: yaml_undo.Undo | None, told: str | None, where: str) -> Era:
    """The era that a new config goes back to: that of its footer, else the one told, else the one that it names.

    Raises:
        UsageError: "was migrated as of ..., and not of ...".
    """
    if undo is not None:
        found = eras.named(undo.facts.get("era"), where)
        if told and not (wanted := eras.named(told, where)).earliest <= found.date <= wanted.date:
            fix = "leave --era out, or remove the footer and give up the exact way back"
            raise UsageError(f"was migrated as of {found.name}, and not of {told}", where=where, fix=fix)
        return found
    data = Document.parse(body, where=where).data
    agent = agent_node(data, where)[1] if config_rules.agent_place(data) is not None else {}
    return eras.named(told or agent.get(agent_rules.ERA) or agent_rules.DEFAULT_ERA.name, where)


def _restored_by_other_line_ends(text: str, where: str) -> str | None:
    """The old file of one whose line ends alone were changed, as Git does between systems; None if more was."""
    ends = CRLF if CRLF in text else LF
    for other in (LF, CRLF):
        body, undo = yaml_undo.detach(text.replace(CRLF, LF).replace(LF, other), where=where)
        if undo is not None and (restored := undo.restore(body)) is not None:
            return restored.replace(CRLF, LF).replace(LF, ends)
    return None


def _origins(rule: Rule, era: Era) -> dict[Path, Path]:
    """Old place -> new place, for keys whose value stands alone on both sides."""
    single = [(k.old[0], k.new[0]) for k in rule.keys_at(era) if len(k.old) == len(k.new) == 1]
    return {_place(old): _place(new) for old, new in single}


def _place(key: str) -> Path:
    return ("nn_params", key.removeprefix(PARAMS)) if key.startswith(PARAMS) else (key,)


def _items(source: Mapping[str, Any], target: Mapping[str, Any], moved: Mapping[Path, Path]) -> list[Item]:
    """The keys of a rewritten component; text of moved values is taken from where they stood."""
    origin_of = {new: old for old, new in moved.items()}
    items = []
    for key, value in target.items():
        if key == "sources" and not {"sources", "input_source"} & source.keys():
            continue
        leaves = [((key, inner), v) for inner, v in value.items()] if key == "nn_params" else [((key,), value)]
        items += [Item(place, v, origin_of.get(place)) for place, v in leaves]
    return items


def _verify(result: str, body: str, path: Path, target: Mapping[str, Any], where: str) -> None:
    """Reads the result back: it must mean the target, and lead back to the old text.

    Raises:
        UnusableFileError: it does not.
    """
    again, undo = yaml_undo.detach(result, where=where)
    agent: Any = Document.parse(again, where=where).data
    for key in path:
        agent = agent[key]
    wanted = dict(target)
    wanted["components"] = {
        name: {k: v for k, v in component.items() if k in agent["components"][name] or (k, v) != ("sources", None)}
        for name, component in target["components"].items()
    }
    if agent != wanted or undo is None or undo.restore(again) != body:
        raise UnusableFileError(
            "the result does not lead back to this file", where=where, fix="report this; nothing was written"
        )


def _verify_back(old: Document, path: Path, new_agent: Mapping[str, Any], era: Era, where: str) -> None:
    """Reads the result back and migrates it again: that must give the config that was taken back.

    Raises:
        UnusableFileError: it does not.
    """
    again, _ = config_rules.to_new_agent(old.get(path), era, where)
    for name, component in new_agent["components"].items():
        rule = rules()[stem_of_new(component["_target_"], component_place(where, name))]
        wanted = rule.resolved({**component, "sources": sources_of(component)})
        got = rule.resolved(again["components"][name])
        if wanted != got:
            raise UnusableFileError(
                f"the result would mean {got}, not {wanted}",
                where=component_place(where, name),
                fix="report this; nothing was written",
            )
