from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from modules.base import BuildContext
from modules.errors import ConfigError
from modules.layers.obs_cross_attn import ObsCrossAttnModule

X = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[True] * 5, [True] * 4 + [False]])


def attended(layer: ObsCrossAttnModule, x: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    q = F.linear(queries, layer.query_weight).expand(2, -1, -1)
    k, v = F.linear(x, layer.key_weight), F.linear(x, layer.value_weight)
    return F.layer_norm(F.scaled_dot_product_attention(q, k, v), (v.shape[-1],))


def test_queries_attend_to_normalised_tokens() -> None:
    layer = ObsCrossAttnModule(4, 6, num_queries=3, query_dim=3, qk_dim=2, v_dim=6)
    torch.testing.assert_close(layer({"input": X})["output"], attended(layer, F.layer_norm(X, (4,)), layer.queries))
    assert layer.output_shape(((5, 4),), {"out_dim": 6, "num_queries": 3}) == (3, 6)


def test_one_query_gives_a_vector() -> None:
    assert ObsCrossAttnModule(4, 4)({"input": X})["output"].shape == (2, 4)
    assert ObsCrossAttnModule.output_shape(((5, 4),), {"out_dim": 4}) == (4,)


def test_a_hidden_layer_comes_behind_if_it_has_a_size() -> None:
    layer = ObsCrossAttnModule(4, 3, mlp_hidden_dim=7)
    hidden = F.linear(attended(layer, F.layer_norm(X, (4,)), layer.queries), layer.hidden_weight, layer.hidden_bias)
    expected = F.linear(hidden.relu(), layer.output_weight, layer.output_bias)[:, 0]
    torch.testing.assert_close(layer({"input": X})["output"], expected)


def test_earlier_versions_project_queries_and_leave_the_first_norm_without_effect() -> None:
    layer = ObsCrossAttnModule(4, 3, query_dim=6, projects_queries=True, input_norm="unused", output="linear")
    queries = F.linear(layer.queries, layer.query_projection_weight, layer.query_projection_bias)
    expected = F.linear(attended(layer, X, queries), layer.output_weight, layer.output_bias)[:, 0]
    torch.testing.assert_close(layer({"input": X})["output"], expected)
    assert layer.input_norm_weight.shape == (6,)


def test_queries_of_the_right_size_are_not_projected() -> None:
    layer = ObsCrossAttnModule(4, 4, query_dim=4, projects_queries=True)
    assert "query_projection_weight" not in layer.state_dict()


def test_a_row_of_masked_tokens_is_attended_uniformly_or_becomes_nan() -> None:
    layer = ObsCrossAttnModule(4, 4, use_mask=True)
    finite = layer({"input": X, "obs_mask": MASK})["output"]
    layer.masked_score = "infinite"
    infinite = layer({"input": X, "obs_mask": MASK})["output"]
    mean = F.linear(F.layer_norm(X[0], (4,)), layer.value_weight).mean(0)
    torch.testing.assert_close(finite[0], F.layer_norm(mean, (4,)))
    assert infinite[0].isnan().all()
    assert torch.equal(finite[1], infinite[1])


def test_the_mask_is_an_input_only_if_it_is_used() -> None:
    assert ObsCrossAttnModule(4, 4).in_keys == ("input",)
    assert ObsCrossAttnModule(4, 4, use_mask=True).in_keys == ("input", "obs_mask")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out_dim": 3}, "^mlp_hidden_dim must be given where v_dim, here 4, is not out_dim, here 3$"),
        ({"mlp_hidden_dim": 0}, "^mlp_hidden_dim must be a positive integer, got 0$"),
        ({"qk_dim": 0}, "^qk_dim must be a positive integer, got 0$"),
        ({"output": "none"}, "^output must be mlp or linear, got 'none'$"),
        ({"input_norm": "none"}, "^input_norm must be used or unused, got 'none'$"),
        ({"masked_score": "nan"}, "^masked_score must be finite or infinite, got 'nan'$"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ObsCrossAttnModule(**{"feature_dim": 4, "out_dim": 4, **options})


def test_a_source_that_is_no_list_of_tokens_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^needs a source with 2 dimension\(s\) besides the batch, got shape \(3,\)$"
    ):
        ObsCrossAttnModule.from_context(BuildContext(in_shapes=((3,),)))
