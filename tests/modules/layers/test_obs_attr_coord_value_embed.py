from __future__ import annotations

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_attr_coord_value_embed import ObsAttrCoordValueEmbedModule

TOKENS = torch.tensor([[[18, 3, 200], [255, 255, 255]]], dtype=torch.uint8)


def test_vectors_of_feature_cell_and_value_are_added() -> None:
    embed = ObsAttrCoordValueEmbedModule(4)
    result = embed({"input": TOKENS})["output"]
    place = embed.feature_embedding[3] + embed.cell_embedding[18]
    assert torch.equal(result[0, 0], place + embed.value_embedding[200])


def test_values_beyond_a_byte_count_as_the_last_ones() -> None:
    embed = ObsAttrCoordValueEmbedModule(4)
    wide, near = torch.tensor([[[18, 3, 300], [18, 3, -5]]]), torch.tensor([[[18, 3, 255], [18, 3, 0]]])
    assert torch.equal(embed({"input": wide})["output"], embed({"input": near})["output"])


def test_the_vector_of_padding_is_never_trained() -> None:
    embed = ObsAttrCoordValueEmbedModule(4)
    embed({"input": TOKENS})["output"].sum().backward()
    gradient = embed.feature_embedding.grad
    assert gradient is not None
    assert gradient[3].all()
    assert not gradient[255].any()


def test_it_announces_one_vector_per_token() -> None:
    assert ObsAttrCoordValueEmbedModule.output_shape(((7, 3),), {"embedding_dim": 4}) == (7, 4)


def test_a_size_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ConfigError, match="embedding_dim must be a positive integer, got 0"):
        ObsAttrCoordValueEmbedModule(0)


def test_a_source_that_gives_no_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"needs a source of tokens, \(M, 3\), got shape \(0, 4\)"):
        ObsAttrCoordValueEmbedModule.from_context(BuildContext(in_shapes=((0, 4),)))
