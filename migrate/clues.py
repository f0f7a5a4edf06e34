"""What the components of a file tell of its era: keys of a config, attributes of pickled objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from migrate.eras import ROOTS, below_root
from migrate.pickle_reader import Record, TensorRef
from migrate.plain import plain
from migrate.recognise import Clue

CONFIG_KEYS = {
    "analyze_weights": Clue("", "E3b"),
    "hidden_size": Clue("", "E8"),
    "query_token_dim": Clue("", "2025-06-04b"),
    "coord_embed_dim": Clue("", "E5d", "E6a"),
    "attr_embed_dim": Clue("", "E6a"),
    "atr_embed_dim": Clue("", "E5a", "E6a"),
}
"""Key of a component, `nn_params` included -> when it had a meaning."""
AGENT_KEYS = {
    "effective_rank_interval": Clue("", before="E3b"),
    "analyze_weights_interval": Clue("", "E3b"),
    "l2_init_weight_update_interval": Clue("", before="2025-08-06"),
}
CROSS_ATTN_KEYS = ("num_query_tokens", "query_token_dim", "qk_dim", "v_dim", "mlp_out_hidden_dim")

LATER_ATTRIBUTES = (
    ("obs_enc.ObsCrossAttn", "_query_token_dim", "2025-06-04b"),
    ("obs_tokenizers.ObsTokenPadStrip", "_remapping_active", "2025-07-01"),
)
"""Class, an attribute that it got later, and since when."""


def of_config(agent: Mapping[str, Any]) -> Iterator[Clue]:
    """What the keys of an agent config tell."""
    for key, clue in AGENT_KEYS.items():
        if key in agent:
            yield clue.about(f"the agent has `{key}`")
    for name, component in agent["components"].items():
        yield from _of_component(f"component {name!r}", component)


def _of_component(place: str, component: Mapping[str, Any]) -> Iterator[Clue]:
    # A class of users may call anything so.
    is_own = not str(component.get("_target_")).startswith(ROOTS)
    keys = [] if is_own else [*component, *(component.get("nn_params") or {})]
    for key, clue in CONFIG_KEYS.items():
        if key in keys:
            yield clue.about(f"{place} has `{key}`")
    kind = below_root(str(component.get("_target_")))
    if kind == "lstm.LSTM" and "output_size" in component:
        yield Clue(f"{place} has its size in `output_size`", before="E8")
    if kind == "obs_enc.ObsCrossAttn" and any(key in component for key in CROSS_ATTN_KEYS):
        yield Clue(f"{place} has the size of its queries", "2025-06-04b")
    elif kind == "obs_enc.ObsCrossAttn":
        yield Clue(f"{place} has no sizes besides `out_dim`", before="2025-06-04b")
    if kind == "nn_layer_library.ReLU" and [s.get("name") for s in component.get("sources") or []] == ["_core_"]:
        yield Clue(f"{place} is a ReLU behind `_core_`", "E4a", "2025-06-27", habit=True)
    entries = component.get("sources")
    if component.get("input_source") is not None and entries is None:
        yield Clue(f"{place} has `input_source`", before="E4a")
    for entry in entries if isinstance(entries, list) else ():
        if "source_name" in entry:
            yield Clue(f"{place} has `source_name` among its sources", before="E4a")
        elif "name" in entry:
            yield Clue(f"{place} has `name` among its sources", "E4a")


def of_records(components: Mapping[str, Record]) -> Iterator[Clue]:
    """What the attributes of pickled components tell."""
    for name, record in components.items():
        known = ATTRIBUTES if record.path.startswith(ROOTS) else OF_ANY_LAYER
        for attribute, clue in ATTRIBUTES.items():
            if attribute in record.attributes and attribute in known:
                yield clue.about(f"component {name!r} has `{attribute}`")
        if "weight_net" in record.attributes.get("_modules", {}):
            yield Clue(f"component {name!r} has registered its `weight_net`", before="E2b")
        for path, attribute, date in LATER_ATTRIBUTES:
            if below_root(record.path) == path and attribute not in record.attributes:
                yield Clue(f"component {name!r} has no `{attribute}`", before=date)
        yield from _of_order(name, record)
        yield from _of_embedding(name, record)
    ours = {name: record for name, record in components.items() if record.path.startswith(ROOTS)}
    weights = {name: record for name, record in ours.items() if "l2_init_scale" in record.attributes}
    yield from _of_l2(weights)
    for name, record in weights.items():
        if "_nn_params" in record.attributes and "l2_norm_scale" not in record.attributes:
            yield Clue(f"component {name!r} has no `l2_norm_scale`", "2025-06-26")


ATTRIBUTES = {
    "_input_source": Clue("", "E2a", "E4a"),
    "input_source": Clue("", "E1", "E2a"),
    "_sources": Clue("", "E4a"),
    "effective_rank_bool": Clue("", before="E3b"),
    "analyze_weights_bool": Clue("", "E3b"),
    "lstm_h": Clue("", "E8"),
    "_query_token_dim": Clue("", "2025-06-04b"),
    "_remapping_active": Clue("", "2025-07-01"),
    "l2_norm_scale": Clue("", before="2025-06-26"),
}
"""Attribute of a pickled component -> when components had it."""
OF_ANY_LAYER = frozenset({"_input_source", "input_source", "_sources"})
"""Those of `LayerBase`, which classes of users have, too."""


def _of_order(name: str, record: Record) -> Iterator[Clue]:
    """The order in which `LayerBase` set its attributes, which a pickle keeps; merges set one of them before it."""
    attributes = list(record.attributes)
    if not {"_sources", "_nn_params", "_ready"} <= set(attributes) or ".merge_layer." in record.path:
        return
    if attributes.index("_ready") < attributes.index("_nn_params"):
        yield Clue(f"component {name!r} was `_ready` before it had `_nn_params`", "E4a", "E4d")


def _of_embedding(name: str, record: Record) -> Iterator[Clue]:
    """Token embeddings: their rows and their padding row."""
    table = record.attributes.get("_modules", {}).get("_atr_embeds")
    if not isinstance(table, Record):
        return
    place = f"component {name!r}: the table of attributes"
    if table.attributes.get("num_embeddings") == 257:
        yield Clue(f"{place} has 257 rows", "E5a", "2025-06-04")
    elif table.attributes.get("padding_idx") == 255:
        yield Clue(f"{place} has its padding in row 255", "2025-06-06")
    else:
        yield Clue(f"{place} has 256 rows and its padding in row 0", "2025-06-04", "2025-06-06")


def _of_l2(weights: Mapping[str, Record]) -> Iterator[Clue]:
    """The defaults; a config may have said the same, though None was an error from E5c on."""
    told = [record.attributes for record in weights.values() if "_nn_params" in record.attributes]
    scales = [attributes["l2_init_scale"] for attributes in told]
    if None in scales or any(each.get("l2_norm_scale", 0) is None for each in told):
        yield Clue("an L2 scale of a layer is None", before="E5c", habit=True)
    elif sum(type(scale) is int and scale == 1 for scale in scales) * 2 > len(scales):
        yield Clue("`l2_init_scale` is 1 in most layers", "E5c", habit=True)


def of_values(agent: Mapping[str, Any]) -> Iterator[Clue]:
    """What the values of a pickled agent's attributes tell."""
    table = agent.get("action_index_tensor")
    if isinstance(table, TensorRef):
        is_long = table.dtype == torch.int64
        text = f"the table of actions is {str(table.dtype).removeprefix('torch.')}"
        yield Clue(text, before="2025-06-02") if is_long else Clue(text, "2025-06-02")
    told = agent.get("agent_attributes")
    divisors = told.get("feature_normalizations") if isinstance(told, Mapping) else None
    if divisors is None:
        return
    if not isinstance(plain(divisors), Mapping):
        yield Clue("`feature_normalizations` is a list", before="E5e")
    elif isinstance(divisors, Record):
        yield Clue("`feature_normalizations` is a DictConfig", "E5e", "E7b")
    else:
        yield Clue("`feature_normalizations` is a dict", "E7b")
