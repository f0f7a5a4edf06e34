"""`architectures`: whole old agents of every era, drawn by Hypothesis, as the YAML text that a user would migrate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import assume
from hypothesis import strategies as st

import legacy
from equivalence.case import Setup
from equivalence.finding import Pair
from equivalence.graphs import NAMING, Graph, Node, existed, sources_in
from equivalence.growing import FREE, Growth, is_misread, merges_in, setup_of
from equivalence.heads import NONE, TANH, add_actor, add_core, add_embeddings, core_config
from equivalence.stirring import Actions, build, stir
from migrate.agent_rules import spoken
from migrate.config_rules import agent_node
from migrate.config_text import to_modules
from migrate.eras import ORDER, Era
from migrate.inplace import written_merges
from migrate.old_sources import sources_at
from migrate.yaml_edit import Document
from modules import Environment

WHERE = "architecture"
DATES = (*ORDER, *sorted(date for date, _ in legacy.factory.VERSIONS))
"""Eras, and the dates at which the agent changed within them."""
NAMINGS = (NAMING, "{stem}-{number}", "größe_{stem}_{number}")
ACTORS = ("actor_single_head", "actor_big", "puffer_actor", "actor_key_single_head")
VERBS = ("noop", "move", "rotate", "attack", "put")


@dataclass(frozen=True)
class Architecture:
    """An old agent.

    Attributes:
        text: its YAML, as of `era`.
        era: of its code, by name or date.
        environment: what it is built for.
        actions: names and largest parameters, where it has one action head.
        seed: of its weights.
    """

    text: str
    era: str
    environment: Environment
    actions: Actions
    seed: int = 0

    @property
    def components(self) -> dict[str, dict[str, Any]]:
        """The old configs, by name."""
        return dict(_agent(self.text)["components"])

    def build(self) -> Pair:
        """Both agents: the old one of the text, the new one of what the migration makes of the text; stirred."""
        new = _agent(to_modules(self.text, WHERE, self.era).text)
        old = {**_agent(self.text), "era": self.era}
        pair = build(old, self.environment, self.actions, new=new, seed=self.seed)
        stir(pair, self.seed)
        return pair


def _agent(text: str) -> Mapping[str, Any]:
    return agent_node(Document.parse(text, where=WHERE).data, WHERE)[1]


@st.composite
def architectures(draw: st.DrawFn, dates: Sequence[str] = DATES, stems: Sequence[str] = FREE) -> Architecture:
    """Agents that the old stack builds and runs; the simplest one has no more components than it needs.

    Args:
        draw: of Hypothesis.
        dates: eras or dates to draw from.
        stems: of components to draw from, besides those that every agent has.
    """
    era = Era(draw(st.sampled_from(dates)))
    names, largest = draw(_actions())
    graph = Graph(
        draw(_worlds(era, [f"{name}_{i}" for name, most in zip(names, largest, strict=True) for i in range(most + 1)])),
        core_size=draw(st.integers(2, 8)),
        naming=draw(st.sampled_from(NAMINGS)),
    )
    growth = Growth(draw, graph, stems)
    growth.observe()
    for _ in range(draw(st.integers(0, 6))):
        growth.grow(lambda: _pool(graph, graph.nodes.values()))
    _close(growth)
    assume(not _is_refused(graph))
    return Architecture(
        _text(draw, graph), spoken(era), graph.environment, (names, largest), draw(st.integers(0, 2**16))
    )


def _is_refused(graph: Graph) -> bool:
    """Whether a component writes into what a merge is made of, which no migration takes."""
    stems = {name: node.stem for name, node in graph.nodes.items()}
    reads = {name: sources_at(component, graph.era) or [] for name, component in graph.components.items()}
    sources = {name: [each["name"] for each in entries] for name, entries in reads.items()}
    writers = [name for name, c in graph.components.items() if (c.get("nn_params") or {}).get("inplace")]
    return any(written_merges(stems, sources, writers))


def _pool(graph: Graph, nodes: Any) -> list[Node]:
    """What a component may read: the latest first; where nothing can be merged, that alone."""
    latest = [node for node in nodes if not is_misread(node) and len(node.output) == graph.rows][::-1]
    return latest if merges_in(graph.era) else latest[:1]


@st.composite
def _actions(draw: st.DrawFn) -> Actions:
    """One action, or several with several parameters."""
    largest = draw(st.lists(st.integers(0, 3), min_size=1, max_size=len(VERBS)))
    return VERBS[: len(largest)], largest


@st.composite
def _worlds(draw: st.DrawFn, era: Era, actions: Sequence[str]) -> Setup:
    """Boxes until E5, tokens since."""
    options: dict[str, Any] = {
        "clip_range": draw(st.sampled_from([0, 1, 0.5])), "actions": tuple(actions), "era": era.date
    }  # fmt: skip
    side = st.integers(2, 6)
    if not era.is_since("E5a") or (not era.is_since("E6a") and draw(st.booleans())):
        return Setup(obs_shape=(draw(side), draw(side), draw(st.integers(1, 4))), **options)
    # Tokens as environments give them lie in 5 x 5 cells and have 6 features; with less, most passes would fail.
    numbered = st.lists(st.integers(0, 9), max_size=5, unique=True).map(lambda ids: (*(i for i in ids if i != 5), 5))
    in_a_row = st.integers(6, 8).map(lambda count: tuple(range(count)))
    return Setup(
        obs_shape=(draw(st.integers(2, 12)), 3),
        window=draw(st.tuples(st.integers(5, 6), st.integers(5, 6))),
        features=draw(in_a_row | numbered if era.is_since("E5e") else in_a_row),
        **options,
    )


def _close(growth: Growth) -> None:
    """Joins all that was observed, and puts in the core and what the agent answers."""
    draw, graph, supply = growth.draw, growth.graph, growth.supply
    encoded = growth.joined(growth.ends(list(graph.nodes.values())) or [supply.seen()])
    for _ in range(draw(st.integers(0, 2))):
        encoded = supply.linear(encoded, draw(st.integers(1, 8)), **_weight(draw, graph.era))
    setup = setup_of(draw, "lstm", graph.era)
    params = {} if setup is None else dict(setup.config["nn_params"])
    layers = min(params.pop("num_layers", 2), 2)
    params.pop("hidden_size", None)
    core = add_core(graph, encoded, core_config(graph, layers, **params))
    if graph.era.is_since("E4a"):
        _one_head(growth, core)
    else:
        _two_heads(growth, core)


def _weight(draw: st.DrawFn, era: Era) -> dict[str, Any]:
    """Options of a weight, without its sizes."""
    setup = setup_of(draw, "linear", era)
    return {} if setup is None else {k: v for k, v in setup.config.items() if k not in ("nn_params", "output_size")}


def _behind(growth: Growth, core: Node) -> list[Node]:
    """A few components behind the core, and their ends."""
    graph, before = growth.graph, set(growth.graph.nodes) - {core.name}
    for _ in range(growth.draw(st.integers(0, 4))):
        growth.grow(lambda: _pool(graph, [*graph.nodes.values()]))
    ends = growth.ends([node for name, node in graph.nodes.items() if name not in before])
    return ends or [core]


def _value(growth: Growth, node: Node) -> None:
    if growth.draw(st.booleans()):
        node = growth.supply.linear(node, growth.draw(st.integers(1, 8)), name="critic_1", **TANH)
    growth.supply.linear(node, 1, name="_value_", **NONE)


def _one_head(growth: Growth, core: Node) -> None:
    draw, graph = growth.draw, growth.graph
    ends = _behind(growth, core)
    _value(growth, draw(st.sampled_from(ends)))
    hidden = growth.joined(ends)
    if draw(st.booleans()):
        hidden = growth.supply.linear(hidden, draw(st.integers(1, 8)), name="actor_1", **_weight(draw, graph.era))
    rows = sum(1 for _ in graph.world.actions) + draw(st.integers(1, 4))
    table = {"nn_params": {"num_embeddings": rows, "embedding_dim": draw(st.integers(1, 6))}}
    embeds = add_embeddings(graph, table)
    actor = draw(st.sampled_from([stem for stem in ACTORS if existed(stem, graph.era)]))
    setup = setup_of(draw, actor, graph.era)
    add_actor(graph, actor, hidden, embeds, {} if setup is None else setup.config, "actor_query")


def _two_heads(growth: Growth, core: Node) -> None:
    draw, graph = growth.draw, growth.graph
    ends = _behind(growth, core) if merges_in(graph.era) else [core]
    _value(growth, draw(st.sampled_from(ends)))
    hidden = growth.joined(ends)
    for stem in ("action_type", "action_param"):
        node = hidden
        if draw(st.booleans()):
            node = growth.supply.linear(hidden, draw(st.integers(1, 8)), **_weight(draw, graph.era))
        setup = setup_of(draw, stem, graph.era)
        graph.add(stem, node, config=NONE if setup is None else setup.config, name=f"_{stem}_")


def _text(draw: st.DrawFn, graph: Graph) -> str:
    """The agent, or a job with it; components in any order, but in E1, where that order decides another one."""
    order = list(graph.components)
    if graph.era.is_since("E2a"):
        order = draw(st.permutations(order))
    config = {key: value for key, value in graph.config(order).items() if key != "era"}
    document = draw(st.sampled_from([config, {"agent": config, "seed": 1}]))
    style = draw(st.sampled_from([False, None]))
    text: str = yaml.safe_dump(document, sort_keys=False, default_flow_style=style, allow_unicode=True)
    return text


def shared(architecture: Architecture) -> set[str]:
    """Components that several others read."""
    read = [source for component in architecture.components.values() for source in set(sources_in(component))]
    return {source for source in read if read.count(source) > 1}
