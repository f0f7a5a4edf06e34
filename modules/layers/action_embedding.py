"""`ActionEmbeddingModule`: one row per action name and parameter, handed out in the order in which names are seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.base import BuildContext, MettaModule, Shape, positive
from modules.errors import ConfigError


class ActionEmbeddingModule(MettaModule):
    """A tensor `[N, ...]`, of which only N matters -> `[N, A, E]`: the rows of the A active actions, expanded.

    `rows` says which row belongs to which name. It depends on the order of all activations so far, so it is saved with
    the policy; rows start at 1, as they did in the old stack.

    Args:
        num_embeddings: rows of the table; row 0 stays unused.
        embedding_dim: E.

    Raises:
        ConfigError: a size that is not positive.
    """

    fixed_in_keys = ("x",)
    io_sizes = ("embedding_dim",)
    saved_attributes = ("rows",)
    active_indices: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        in_keys: Sequence[str] = ("x",),
        out_keys: Sequence[str] = ("output",),
    ) -> None:
        positive(num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        super().__init__(in_keys, out_keys)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.rows: dict[str, int] = {}
        self.register_buffer("active_indices", torch.empty(0, dtype=torch.long))
        weight = nn.Embedding(num_embeddings, embedding_dim).weight
        nn.init.orthogonal_(weight)
        with torch.no_grad():
            weight.mul_(0.1 / weight.abs().max())
        self.weight = weight

    def activate(self, names: Sequence[str]) -> None:
        """Makes `names`, in this order, the active actions; each unseen name gets the next free row.

        Raises:
            ConfigError: "... action names need ... rows ...", "the rows that are active ...", with nothing changed.
        """
        rows = dict(self.rows)
        for name in names:
            rows.setdefault(name, len(rows) + 1)
        if len(rows) >= self.num_embeddings:
            raise ConfigError(
                f"{len(rows)} action names need {len(rows) + 1} rows, but num_embeddings is {self.num_embeddings}"
            )
        indices = [rows[name] for name in names]
        active = [] if self.active_indices.is_meta else self.active_indices.tolist()
        if not self.rows and active not in ([], indices):
            raise ConfigError(
                f"the rows that are active, {active}, came with a state dict, which has no names, and these names "
                f"would get {indices}: use load_agent, with_config or copy.deepcopy, which keep them"
            )
        self.rows = rows
        with torch.inference_mode(mode=False):  # an evaluation must not leave what cannot be trained with
            self.active_indices = torch.tensor(indices, dtype=torch.long, device=self.weight.device)

    def compute(self, x: Tensor) -> Tensor:
        """`x` `[N, ...]` -> `[N, A, E]`, a view that repeats `[A, E]`."""
        return F.embedding(self.active_indices, self.weight).unsqueeze(0).expand(x.shape[0], -1, -1)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The number of active actions is part of what is loaded, not of how this module was built.
        saved = state_dict.get(f"{prefix}active_indices")
        if saved is not None:
            self.active_indices = torch.empty_like(saved, device=self.weight.device)
        super()._load_from_state_dict(state_dict, prefix, *args)

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Nothing but the check that there is no source."""
        if context.in_shapes:
            raise ConfigError(f"takes no sources, got {len(context.in_shapes)}")
        return {}

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """`(0, embedding_dim)`: the number of actions is not known before they are activated."""
        return (0, options["embedding_dim"])
