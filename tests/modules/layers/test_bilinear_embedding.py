"""`BilinearModule` and `EmbeddingModule`."""

from __future__ import annotations

import pytest
import torch

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.bilinear import BilinearModule
from modules.layers.embedding import EmbeddingModule


def test_the_bilinear_form_is_that_of_its_formula() -> None:
    form, a, b = BilinearModule(2, 3, 4), torch.randn(5, 2), torch.randn(5, 3)
    assert form.bias is not None
    expected = torch.einsum("ni,oij,nj->no", a, form.weight, b) + form.bias
    torch.testing.assert_close(form.compute(a, b), expected)


@pytest.mark.parametrize("shapes", [(), ((2,),), ((2,), (3, 1)), ((2,), (3,), (4,))])
def test_a_bilinear_form_needs_two_vectors(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ConfigError, match="needs two sources that are vectors, got shapes"):
        BilinearModule.from_context(BuildContext(in_shapes=shapes))


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_an_embedding_announces_the_shape_that_it_has(shape: tuple[int, ...]) -> None:
    table = EmbeddingModule(5, 2)
    x = torch.randint(0, 5, (4, *shape))
    result = table({"input": x})["output"]
    assert torch.equal(result, table.weight[x])
    assert table.output_shape((shape,), {"embedding_dim": 2}) == tuple(result.shape[1:])
