from __future__ import annotations

from typing import Any

import pytest
import torch

from migrate.clues import ATTRIBUTES, CONFIG_KEYS, of_config, of_records, of_values
from migrate.pickle_reader import Record, TensorRef
from migrate.recognise import Clue, era_from

LIB = "metta.agent.lib."
LINEAR, LSTM = f"{LIB}nn_layer_library.Linear", f"{LIB}lstm.LSTM"


def told(target: str = LINEAR, **keys: Any) -> list[str]:
    """What one component of a config tells."""
    return [str(clue) for clue in of_config({"components": {"fc": {"_target_": target, **keys}}})]


def test_a_plain_component_tells_nothing() -> None:
    assert told(sources=None, nn_params={"out_features": 3}) == []


@pytest.mark.parametrize("key", CONFIG_KEYS)
def test_a_key_tells_its_time_wherever_it_stands(key: str) -> None:
    clue = CONFIG_KEYS[key]
    expected = str(Clue(f"component 'fc' has `{key}`", clue.since, clue.before))
    assert told(LINEAR, **{key: 1}) == told(LINEAR, nn_params={key: 1}) == [expected]
    assert told("my.Layer", **{key: 1}) == []


@pytest.mark.parametrize(
    ("key", "reading"),
    [
        ("effective_rank_interval", "since E1 (2025-02-20), before E3b (2025-04-22)"),
        ("analyze_weights_interval", "since E3b (2025-04-22)"),
        ("l2_init_weight_update_interval", "since E1 (2025-02-20), before 2025-08-06"),
    ],
)
def test_a_key_of_the_agent_tells_its_time(key: str, reading: str) -> None:
    assert [str(clue) for clue in of_config({key: 300, "components": {}})] == [f"the agent has `{key}`: {reading}"]


@pytest.mark.parametrize(
    ("target", "keys", "reading"),
    [
        (LSTM, {"output_size": 4}, "has its size in `output_size`: since E1 (2025-02-20), before E8 (2025-08-07b)"),
        (LINEAR, {"input_source": "a"}, "has `input_source`: since E1 (2025-02-20), before E4a (2025-05-01)"),
        (
            LINEAR,
            {"sources": [{"source_name": "a"}]},
            "has `source_name` among its sources: since E1 (2025-02-20), before E4a (2025-05-01)",
        ),
        (LINEAR, {"sources": [{"name": "a"}]}, "has `name` among its sources: since E4a (2025-05-01)"),
    ],
)
def test_where_a_size_or_a_source_stands_tells_the_time(target: str, keys: dict[str, Any], reading: str) -> None:
    assert told(target, **keys) == [f"component 'fc' {reading}"]


def test_a_relu_behind_the_core_is_older_than_its_removal() -> None:  # trap 7
    relu = f"{LIB}nn_layer_library.ReLU"
    behind = told(relu, sources=[{"name": "_core_"}])
    assert "component 'fc' is a ReLU behind `_core_`: since E4a (2025-05-01), before 2025-06-27" in behind
    assert len(behind) == len(told(relu, sources=[{"name": "other"}])) + 1


def record(**attributes: Any) -> Record:
    return Record(LINEAR, state=attributes)


def told_by_records(**records: Record) -> list[str]:
    return [str(clue) for clue in of_records(records)]


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_an_attribute_of_a_pickled_component_tells_its_time(attribute: str) -> None:
    clue = ATTRIBUTES[attribute]
    expected = str(Clue(f"component 'fc' has `{attribute}`", clue.since, clue.before))
    assert expected in told_by_records(fc=record(**{attribute: None}))


def test_a_weight_net_was_a_registered_child_until_e2a() -> None:  # trap 44
    assert told_by_records(fc=record(_modules={"weight_net": record()})) == [
        "component 'fc' has registered its `weight_net`: since E1 (2025-02-20), before E2b (2025-02-27b)"
    ]


def test_the_order_in_which_attributes_were_set_tells_the_time() -> None:
    early = record(_sources=None, _ready=True, _nn_params={})
    assert told_by_records(fc=early)[1:] == [
        "component 'fc' was `_ready` before it had `_nn_params`: since E4a (2025-05-01), before E4d (2025-05-20)"
    ]
    assert len(told_by_records(fc=record(_sources=None, _nn_params={}, _ready=True))) == 1
    merge = Record(f"{LIB}merge_layer.AddMergeLayer", state=early.attributes)
    assert len(told_by_records(sum=merge)) == 1


def test_cross_attention_without_a_size_of_its_queries_is_older_than_that_size() -> None:
    cross = Record(f"{LIB}obs_enc.ObsCrossAttn", state={})
    assert told_by_records(obs=cross) == [
        "component 'obs' has no `_query_token_dim`: since E1 (2025-02-20), before 2025-06-04b"
    ]


def test_a_shaper_that_cannot_remap_features_is_older_than_remapping() -> None:  # trap 32
    shaper = Record(f"{LIB}obs_tokenizers.ObsTokenPadStrip", state={})
    assert told_by_records(obs=shaper) == [
        "component 'obs' has no `_remapping_active`: since E1 (2025-02-20), before 2025-07-01"
    ]


@pytest.mark.parametrize(
    ("rows", "padding", "reading"),
    [
        (257, 256, "has 257 rows: since E5a (2025-05-30), before 2025-06-04"),
        (256, 255, "has its padding in row 255: since 2025-06-06"),
        (256, 0, "has 256 rows and its padding in row 0: since 2025-06-04, before 2025-06-06"),
    ],
)
def test_a_table_of_token_attributes_tells_the_time_by_its_padding(rows: int, padding: int, reading: str) -> None:
    table = Record("torch.nn.modules.sparse.Embedding", state={"num_embeddings": rows, "padding_idx": padding})
    found = told_by_records(obs=record(_modules={"_atr_embeds": table}))
    assert found == [f"component 'obs': the table of attributes {reading}"]


def weights(*scales: Any, l2_norm_scale: Any = 1) -> dict[str, Record]:
    return {f"fc{i}": record(_nn_params={}, l2_init_scale=s, l2_norm_scale=l2_norm_scale) for i, s in enumerate(scales)}


NO_SCALE = "an L2 scale of a layer is None: since E1 (2025-02-20), before E5c (2025-06-05)"


@pytest.mark.parametrize(
    ("scales", "reading"),
    [
        ([None, None], NO_SCALE),
        ([1, 1, 0.5], "`l2_init_scale` is 1 in most layers: since E5c (2025-06-05)"),
        ([1, None], NO_SCALE),
        ([1.0, 1.0], None),
        ([None, 1.5], NO_SCALE),
    ],
)
def test_the_default_of_the_anchor_tells_the_time(scales: list[Any], reading: str | None) -> None:
    found = [text for text in told_by_records(**weights(*scales)) if "L2 scale" in text or "in most layers" in text]
    assert found == ([reading] if reading else [])


def test_the_default_of_the_other_scale_tells_the_time_too() -> None:
    assert NO_SCALE in told_by_records(**weights(1, 1, l2_norm_scale=None))


def test_what_a_config_said_of_each_anchor_gives_way_to_what_code_alone_decides() -> None:
    clues = [*of_records({**weights(1, 1, 1), "_obs_": record(input_source=None)})]
    assert [clue.habit for clue in clues if "l2_init_scale" in clue.what] == [True]
    assert era_from(clues, "f").name == "E1"


def test_a_layer_without_l2_norm_scale_is_younger_than_its_removal() -> None:
    layer = record(_nn_params={}, l2_init_scale=0.5)
    assert told_by_records(fc=layer) == ["component 'fc' has no `l2_norm_scale`: since 2025-06-26"]


@pytest.mark.parametrize(
    ("dtype", "reading"),
    [
        (torch.int64, "the table of actions is int64: since E1 (2025-02-20), before 2025-06-02"),
        (torch.int32, "the table of actions is int32: since 2025-06-02"),
    ],
)
def test_the_type_of_the_action_table_tells_the_time(dtype: torch.dtype, reading: str) -> None:  # trap 43
    table = TensorRef("0", dtype, 0, (3, 2), (2, 1), requires_grad=False, parameter=False)
    assert [str(clue) for clue in of_values({"action_index_tensor": table})] == [reading]


LIST = Record("omegaconf.listconfig.ListConfig", state={"_content": []})
DICT = Record("omegaconf.dictconfig.DictConfig", state={"_content": {}})


@pytest.mark.parametrize(
    ("divisors", "reading"),
    [
        ([1.0], "is a list: since E1 (2025-02-20), before E5e (2025-06-16)"),
        (LIST, "is a list: since E1 (2025-02-20), before E5e (2025-06-16)"),
        (DICT, "is a DictConfig: since E5e (2025-06-16), before E7b (2025-07-09)"),
        ({0: 1.0}, "is a dict: since E7b (2025-07-09)"),
    ],
)
def test_what_the_divisors_lie_in_tells_the_time(divisors: Any, reading: str) -> None:
    found = of_values({"agent_attributes": {"feature_normalizations": divisors}})
    assert [str(clue) for clue in found] == [f"`feature_normalizations` {reading}"]


def test_an_agent_without_tables_and_divisors_tells_nothing() -> None:
    assert list(of_values({"agent_attributes": None})) == []
