from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.action_embedding import ActionEmbeddingModule

NAMES = st.lists(st.sampled_from("abcdefg"), min_size=1, unique=True)


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_rows_are_handed_out_from_one_in_the_order_in_which_names_are_first_seen(history: list[list[str]]) -> None:
    module = ActionEmbeddingModule(8, 2)
    for names in history:
        module.activate(names)
    seen = list(dict.fromkeys(name for names in history for name in names))
    assert module.rows == {name: i + 1 for i, name in enumerate(seen)}
    assert module.active_indices.tolist() == [module.rows[name] for name in history[-1]]


def test_every_row_of_the_batch_gets_the_active_rows() -> None:
    module = ActionEmbeddingModule(4, 2)
    module.activate(["a", "b"])
    result = module({"x": torch.zeros(3, 9)})["output"]
    assert torch.equal(result, module.weight[1:3].expand(3, 2, 2))


def test_no_active_actions_are_still_whole_numbers() -> None:
    module = ActionEmbeddingModule(4, 2)
    module.activate([])
    assert module({"x": torch.zeros(3)})["output"].shape == (3, 0, 2)


def test_more_names_than_rows_are_refused_and_nothing_changes() -> None:
    module = ActionEmbeddingModule(3, 2)
    module.activate(["a", "b"])
    with pytest.raises(ConfigError, match="3 action names need 4 rows, but num_embeddings is 3"):
        module.activate(["c"])
    assert module.rows == {"a": 1, "b": 2}
    assert module.active_indices.tolist() == [1, 2]


def test_a_state_dict_brings_its_own_number_of_active_actions() -> None:
    source, target = ActionEmbeddingModule(4, 2), ActionEmbeddingModule(4, 2)
    source.activate(["a", "b", "c"])
    target.load_state_dict(source.state_dict())
    assert target.active_indices.tolist() == [1, 2, 3]


def test_the_largest_initial_weight_is_a_tenth() -> None:
    assert ActionEmbeddingModule(9, 4).weight.abs().max().item() == pytest.approx(0.1)


def test_sources_are_refused() -> None:
    with pytest.raises(ConfigError, match="takes no sources, got 1"):
        ActionEmbeddingModule.from_context(BuildContext(in_shapes=((3,),)))
