from __future__ import annotations

from typing import Any

import pytest
import torch

from legacy.layers.action_embedding import ActionEmbedding
from tests.legacy._build import build, run


def embedding(rows: int = 6, **config: Any) -> Any:
    return build(ActionEmbedding, nn_params={"num_embeddings": rows, "embedding_dim": 3}, **config)


def test_rows_are_handed_out_from_one_in_the_order_of_first_sight() -> None:  # trap 1
    layer = embedding()
    layer.activate_actions(["b", "a"], "cpu")
    layer.activate_actions(["a", "c"], "cpu")
    assert layer._reserved_action_embeds == {"b": 1, "a": 2, "c": 3}
    assert layer.active_indices.tolist() == [2, 3]
    assert layer.num_actions == 2


def test_the_index_of_names_is_not_in_the_state_dict() -> None:  # trap 1
    trained, fresh = embedding(), embedding()
    trained.activate_actions(["a", "b"], "cpu")
    fresh.activate_actions(["b", "a"], "cpu")
    fresh.load_state_dict(trained.state_dict())
    assert fresh._reserved_action_embeds != trained._reserved_action_embeds
    assert list(fresh.state_dict()) == ["active_indices", "_net.weight"]


def test_the_active_rows_are_in_it_and_change_size() -> None:  # trap 2
    trained = embedding()
    assert trained.state_dict()["active_indices"].shape == (0,)
    trained.activate_actions(["a", "b"], "cpu")
    with pytest.raises(RuntimeError, match="size mismatch for active_indices"):
        embedding().load_state_dict(trained.state_dict())


def test_the_rows_are_repeated_over_batch_and_time() -> None:
    layer = embedding()
    layer.activate_actions(["a", "b"], "cpu")
    td: dict[str, Any] = {"_BxTT_": 4}
    output = layer(td)["tested"]
    assert torch.equal(output, layer._net.weight[1:3].expand(4, 2, 3))
    assert td["_num_actions_"] == 2
    assert layer._out_tensor_shape == [0, 3]


def test_too_many_names_fail_at_forward_and_not_before() -> None:
    layer = embedding(rows=2)
    layer.activate_actions(["a", "b"], "cpu")
    with pytest.raises(IndexError, match="index out of range"):
        run(layer, _BxTT_=1)


def test_the_initialization_is_stored_and_ignored() -> None:
    layer = embedding(initialization="zeros")
    assert layer.initialization == "zeros"
    assert layer._net.weight.abs().max().item() == pytest.approx(0.1)
