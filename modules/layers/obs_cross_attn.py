"""`ObsCrossAttnModule`: learned queries attend to tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import Shape, TokenAttentionModule, one_of, positive
from modules.errors import ConfigError

# N batch times time, M tokens, D features of a token, Q queries

OUTPUTS = ("mlp", "linear")
INPUT_NORMS = ("used", "unused")
MASKED_SCORES = ("finite", "infinite")


class ObsCrossAttnModule(TokenAttentionModule):
    """Tokens `[N, M, D]` and perhaps a mask `[N, M]`, true for what is ignored -> `[N, Q, out_dim]`.

    For one query, the output is `[N, out_dim]`. There is no residual sum. Sizes that are None are D.

    Args:
        feature_dim: D.
        out_dim: size of the output's last dimension.
        use_mask: whether there is a mask.
        num_queries: Q.
        query_dim: size of the learned queries.
        qk_dim: size in which queries and tokens are compared.
        v_dim: size of what the queries gather.
        mlp_hidden_dim: size of the hidden layer behind the attention; None for no layers there.
        output: `mlp`, or `linear` for a single layer where `out_dim` is not `v_dim`, as until 2025-06-04.
        projects_queries: whether queries are mapped to D first if they are of another size, as until 2025-06-04.
        input_norm: `unused` leaves the weights of the first norm without effect, as until 2025-06-03.
        masked_score: what masked tokens score: `finite`, so that a row of them only is attended uniformly, or
            `infinite`, as in the old stack, where such a row becomes NaN.

    Raises:
        ConfigError: a size that is not positive, "mlp_hidden_dim must be given ...", "... must be ... or ...".
    """

    io_sizes = ("feature_dim", "out_dim", "num_queries")
    input_norm_weight: Tensor
    input_norm_bias: Tensor
    query_projection_weight: Tensor
    query_projection_bias: Tensor
    output_norm_weight: Tensor
    output_norm_bias: Tensor
    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor
    output_bias: Tensor

    def __init__(  # noqa: PLR0913 - four versions of the old class
        self,
        feature_dim: int,
        out_dim: int,
        *,
        use_mask: bool = False,
        num_queries: int = 1,
        query_dim: int | None = None,
        qk_dim: int | None = None,
        v_dim: int | None = None,
        mlp_hidden_dim: int | None = None,
        output: str = "mlp",
        projects_queries: bool = False,
        input_norm: str = "used",
        masked_score: str = "finite",
        in_keys: Sequence[str] | None = None,
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        query_dim, qk_dim, v_dim = (feature_dim if size is None else size for size in (query_dim, qk_dim, v_dim))
        positive(feature_dim=feature_dim, out_dim=out_dim, num_queries=num_queries)
        positive(query_dim=query_dim, qk_dim=qk_dim, v_dim=v_dim)
        one_of("output", output, OUTPUTS)
        one_of("input_norm", input_norm, INPUT_NORMS)
        one_of("masked_score", masked_score, MASKED_SCORES)
        super().__init__(use_mask, in_keys, out_keys)
        self.feature_dim, self.out_dim, self.num_queries = feature_dim, out_dim, num_queries
        self.query_dim, self.qk_dim, self.v_dim = query_dim, qk_dim, v_dim
        self.masked_score, self.normalizes_input = masked_score, input_norm == "used"
        self.projects_queries = projects_queries and query_dim != feature_dim
        self.queries = nn.Parameter(torch.randn(1, num_queries, query_dim))
        self._own_norm("input_norm", feature_dim if self.normalizes_input else query_dim)
        if self.projects_queries:
            self._own("query_projection", nn.Linear(query_dim, feature_dim))
        compared_dim = feature_dim if projects_queries else query_dim
        self.query_weight = nn.Linear(compared_dim, qk_dim, bias=False).weight
        self.key_weight = nn.Linear(feature_dim, qk_dim, bias=False).weight
        self.value_weight = nn.Linear(feature_dim, v_dim, bias=False).weight
        self._own_norm("output_norm", v_dim)
        self._own_output(output, mlp_hidden_dim)

    def _own(self, name: str, layer: nn.Linear) -> None:
        self.register_parameter(f"{name}_weight", cast(nn.Parameter, layer.weight))
        self.register_parameter(f"{name}_bias", layer.bias)

    def _own_norm(self, name: str, size: int) -> None:
        self.register_parameter(f"{name}_weight", nn.Parameter(torch.ones(size)))
        self.register_parameter(f"{name}_bias", nn.Parameter(torch.zeros(size)))

    def _own_output(self, output: str, hidden_dim: int | None) -> None:
        """One layer, two, or none.

        Raises:
            ConfigError: "mlp_hidden_dim must be given ...", "mlp_hidden_dim must be a positive integer ...".
        """
        self.mlp_hidden_dim = hidden_dim if output == "mlp" else None
        self.projects_output = self.v_dim != self.out_dim or self.mlp_hidden_dim is not None
        if self.mlp_hidden_dim is not None:
            positive(mlp_hidden_dim=self.mlp_hidden_dim)
            self._own("hidden", nn.Linear(self.v_dim, self.mlp_hidden_dim))
        elif self.projects_output and output == "mlp":
            raise ConfigError(
                f"mlp_hidden_dim must be given where v_dim, here {self.v_dim}, is not out_dim, here {self.out_dim}"
            )
        if self.projects_output:
            self._own("output", nn.Linear(self.mlp_hidden_dim or self.v_dim, self.out_dim))

    def compute(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x` `[N, M, D]`, `mask` `[N, M]` bool -> `[N, out_dim]` for one query, otherwise `[N, Q, out_dim]`."""
        if self.normalizes_input:
            x = F.layer_norm(x, (self.feature_dim,), self.input_norm_weight, self.input_norm_bias)
        queries = self.queries.expand(x.shape[0], -1, -1)
        if self.projects_queries:
            queries = F.linear(queries, self.query_projection_weight, self.query_projection_bias)
        queries = F.linear(queries, self.query_weight)
        keys, values = F.linear(x, self.key_weight), F.linear(x, self.value_weight)
        scores = torch.einsum("nqd,nkd->nqk", queries, keys) / self.qk_dim**0.5
        if mask is not None:
            lowest = float("-inf") if self.masked_score == "infinite" else torch.finfo(scores.dtype).min
            scores = scores.masked_fill(mask.unsqueeze(1), lowest)
        attended = torch.einsum("nqk,nkd->nqd", torch.softmax(scores, dim=-1), values)
        result = F.layer_norm(attended, (self.v_dim,), self.output_norm_weight, self.output_norm_bias)
        if self.mlp_hidden_dim is not None:
            result = torch.relu(F.linear(result, self.hidden_weight, self.hidden_bias))
        if self.projects_output:
            result = F.linear(result, self.output_weight, self.output_bias)
        return result.squeeze(1) if self.num_queries == 1 else result

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(out_dim,)` for one query, otherwise `(num_queries, out_dim)`."""
        queries = options.get("num_queries", 1)
        return (options["out_dim"],) if queries == 1 else (queries, options["out_dim"])
