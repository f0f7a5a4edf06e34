from __future__ import annotations

from typing import Any

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_attr_embed_fourier import ObsAttrEmbedFourierModule

TOKENS = torch.tensor([[[7 * 16 + 2, 3, 200], [255, 255, 255]]], dtype=torch.uint8)


def test_feature_waves_of_row_and_column_and_value_follow_each_other() -> None:
    embed = ObsAttrEmbedFourierModule(4, 2)
    result = embed({"input": TOKENS})["output"][0, 0]
    row, column = 0.4 * embed.frequencies, -0.6 * embed.frequencies
    waves = torch.cat([row.cos(), row.sin(), column.cos(), column.sin()])
    assert torch.equal(result[:4], embed.feature_embedding[3])
    torch.testing.assert_close(result[4:12], waves)
    assert result[12] == 200


def test_frequencies_double() -> None:
    assert ObsAttrEmbedFourierModule(4).frequencies.tolist() == [1, 2, 4]


def test_the_vector_of_padding_is_never_trained() -> None:
    embed = ObsAttrEmbedFourierModule(4)
    embed({"input": TOKENS})["output"].sum().backward()
    gradient = embed.feature_embedding.grad
    assert gradient is not None
    assert gradient[3].all()
    assert not gradient[255].any()


@pytest.mark.parametrize(("options", "size"), [({}, 17), ({"num_frequencies": 5}, 25)])
def test_it_announces_waves_and_value_too(options: dict[str, Any], size: int) -> None:
    assert ObsAttrEmbedFourierModule.output_shape(((7, 3),), {"embedding_dim": 4, **options}) == (7, size)


@pytest.mark.parametrize("name", ["embedding_dim", "num_frequencies"])
def test_a_size_that_is_not_positive_is_refused(name: str) -> None:
    sizes: dict[str, Any] = {"embedding_dim": 4, name: 0}
    with pytest.raises(ConfigError, match=f"{name} must be a positive integer, got 0"):
        ObsAttrEmbedFourierModule(**sizes)


def test_a_source_that_gives_no_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"needs a source of tokens, \(M, 3\), got shape \(0, 4\)"):
        ObsAttrEmbedFourierModule.from_context(BuildContext(in_shapes=((0, 4),)))
