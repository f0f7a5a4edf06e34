from __future__ import annotations

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_attr_coord_embed import ObsAttrCoordEmbedModule

TOKENS = torch.tensor([[[18, 3, 200], [255, 255, 255]]], dtype=torch.uint8)


def test_vectors_of_feature_and_cell_are_added_and_the_value_follows() -> None:
    embed = ObsAttrCoordEmbedModule(4)
    result = embed({"input": TOKENS})["output"]
    assert torch.equal(result[0, 0, :4], embed.feature_embedding[3] + embed.cell_embedding[18])
    assert result[0, :, 4].tolist() == [200, 255]


def test_the_vector_of_padding_is_never_trained() -> None:
    embed = ObsAttrCoordEmbedModule(4)
    embed({"input": TOKENS})["output"].sum().backward()
    gradient = embed.feature_embedding.grad
    assert gradient is not None
    assert gradient[3].all()
    assert not gradient[255].any()


def test_it_announces_the_value_too() -> None:
    assert ObsAttrCoordEmbedModule.output_shape(((7, 3),), {"embedding_dim": 4}) == (7, 5)


def test_a_size_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ConfigError, match="embedding_dim must be a positive integer, got 0"):
        ObsAttrCoordEmbedModule(0)


def test_a_source_that_gives_no_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"needs a source of tokens, \(M, 3\), got shape \(0, 4\)"):
        ObsAttrCoordEmbedModule.from_context(BuildContext(in_shapes=((0, 4),)))
