"""What other libraries and torch's own transforms need, without importing any: an object of theirs came with them.

Only `torchrl_actor` and `torchrl_critic`, which make objects of tensordict's, import it, when they are called.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from modules.actions import evaluate_actions, sample_actions
from modules.errors import ConfigError

# N rows, L recurrent layers, H hidden, A flat actions


def batch_dims(data: Any) -> int:
    """Leading dimensions that all entries of a `TensorDict` share; 0 for a `dict`."""
    return len(getattr(data, "batch_size", ()))


def mapping_for(module: nn.Module, data: dict[str, Any]) -> MutableMapping[str, Any]:
    """`data` as `module` wants it: tensordict's own modules take any other mapping for a tensor argument."""
    library = sys.modules.get("tensordict.nn")
    if library is None or not isinstance(module, library.TensorDictModuleBase):
        return data
    as_tensordict: MutableMapping[str, Any] = sys.modules["tensordict"].TensorDict(data, batch_size=[])
    return as_tensordict


_AROUND = {"OptimizedModule": "_orig_mod", "DistributedDataParallel": "module", "DataParallel": "module"}
"""Class around a module -> the name under which it holds it, which its state dict puts before each key."""


def unwrapped(module: nn.Module) -> Any:
    """The module that `torch.compile` or torch's parallel classes were given; any other itself."""
    while name := _AROUND.get(type(module).__name__):
        module = module.get_submodule(name)
    return module


def inside_vmap() -> bool:
    """Whether `torch.vmap` batches what is computed now; some kernels have no rule for it. Not told to a compiler."""
    functorch = torch._C._functorch
    if torch.compiler.is_compiling() or functorch.maybe_current_level() is None:
        return False
    return any(each.key() == functorch.TransformType.Vmap for each in functorch.get_interpreter_stack() or ())


class ActionDistribution(Distribution):
    """Actions `(type, parameter)` `[..., 2]`, drawn and scored as the agent itself does.

    Args:
        logits: `[..., A]`.
        space: which action is which logit, as an `ActionSpace` says.
        log_probs: see `modules.actions.sample_actions`.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {}

    def __init__(self, logits: Tensor, space: Any, log_probs: str = "log_softmax") -> None:
        super().__init__(logits.shape[:-1], torch.Size([2]), validate_args=False)
        self._logits, self._space, self._how = logits.reshape(-1, logits.shape[-1]), space, log_probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """One action per row, from the global generator."""
        if tuple(sample_shape):
            raise NotImplementedError("an action is drawn once per observation: give no sample_shape")
        return self._action(sample_actions(self._logits, self._how)[0])

    @property
    def mode(self) -> Tensor:
        """The likeliest action."""
        return self._action(self._logits.argmax(-1))

    deterministic_sample = mode

    def log_prob(self, value: Tensor) -> Tensor:
        """`[...]`."""
        index = self._space.to_index(value.reshape(-1, 2))
        return evaluate_actions(self._logits, index, self._how)[0].reshape(self.batch_shape)

    def entropy(self) -> Tensor:
        """`[...]`."""
        anything = torch.zeros_like(self._logits[:, 0], dtype=torch.int64)
        return evaluate_actions(self._logits, anything, self._how)[1].reshape(self.batch_shape)

    def _action(self, index: Tensor) -> Tensor:
        action: Tensor = self._space.to_action(index)
        return action.reshape(*self.batch_shape, 2)


class _ActiveActions:
    """The actions of an agent as they are now: activating others makes another action space."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def to_index(self, action: Tensor) -> Tensor:
        index: Tensor = self._agent.action_space.to_index(action)
        return index

    def to_action(self, index: Tensor) -> Tensor:
        action: Tensor = self._agent.action_space.to_action(index)
        return action


class BatchFirst(nn.Module):
    """One head of an agent, with any leading dimensions and a state `[..., L, H]`; TorchRL keeps a state per step.

    Args:
        agent: a `MettaAgent`.
        head: the component whose output is wanted.
        sequences: whether the last leading dimension is time; then only the first state of it counts, and gradients
            flow through the steps. Otherwise, and where the agent's config says `sequences: single_steps`, each
            observation begins with its own state.
    """

    def __init__(self, agent: Any, head: str, *, sequences: bool) -> None:
        super().__init__()
        self.agent, self.head, self.sequences = agent, head, sequences

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """`x` `[..., *obs_shape]`, `state` `[..., L, H]` twice -> `[..., A]` or `[..., 1]`, next state unless time."""
        from modules.inputs import NEXT_STATE, SINGLE_STEPS, STATE, graph_inputs

        obs_shape = self.agent.environment.obs_shape
        batch = x.shape[: -len(obs_shape)]
        through_time = self.sequences and self.agent.config.get("sequences") != SINGLE_STEPS
        steps = batch[-1:] if through_time else ()
        first = [each.select(len(batch) - 1, 0) if through_time else each for each in state]
        rows = [each.reshape(-1, *each.shape[-2:]).transpose(0, 1) for each in first]
        data = {"x": x.reshape(-1, *steps, *obs_shape), **dict(zip(STATE, rows, strict=False))}
        inputs = graph_inputs(data, obs_shape, self.agent.core)
        kept = NEXT_STATE if state and not self.sequences else ()
        self.agent.components.execute(inputs, outputs=(self.head, *kept))
        next_state = [inputs[key].transpose(0, 1) for key in kept]
        return tuple(each.reshape(*batch, *each.shape[1:]) for each in (inputs[self.head], *next_state))


def _module(agent: Any, head: str, key: str, *, sequences: bool) -> Any:
    """A head as tensordict's own module, which reads and writes the state under the agent's names."""
    from tensordict.nn import TensorDictModule

    state = ["lstm_h", "lstm_c"] if agent.core is not None else []
    following: Sequence[Any] = [] if sequences else [("next", each) for each in state]
    head_alone = BatchFirst(agent, head, sequences=sequences)
    return TensorDictModule(head_alone, in_keys=["x", *state], out_keys=[key, *following])


def torchrl_actor(agent: Any, *, sequences: bool = False) -> Any:
    """An agent as TorchRL's losses and collectors want an actor: it has `get_dist`, and draws `action`.

    It reads `x`, `lstm_h` and `lstm_c`, and writes `logits`, `action`, its log-probability and the next state, below
    `next`. It shares the agent's parameters.

    Args:
        agent: a `MettaAgent` with actions active.
        sequences: see `BatchFirst`.

    Raises:
        ConfigError: "activate the agent's actions ...", of which an agent with two heads has none.
    """
    from tensordict.nn import InteractionType, ProbabilisticTensorDictModule, ProbabilisticTensorDictSequential

    if agent.action_space is None:
        raise ConfigError("activate the agent's actions first; agents that draw type and parameter apart have no actor")
    draw = ProbabilisticTensorDictModule(
        in_keys=["logits"],
        out_keys=["action"],
        distribution_class=ActionDistribution,
        distribution_kwargs={"space": _ActiveActions(agent), "log_probs": agent._log_probs},
        return_log_prob=True,
        default_interaction_type=InteractionType.RANDOM,
    )
    return ProbabilisticTensorDictSequential(_module(agent, "_action_", "logits", sequences=sequences), draw)


def torchrl_critic(agent: Any, *, sequences: bool = False) -> Any:
    """An agent as TorchRL's losses and advantages want a critic: `state_value`, off what the actor reads.

    Args:
        agent: a `MettaAgent`, whose parameters it shares.
        sequences: see `BatchFirst`.
    """
    return _module(agent, "_value_", "state_value", sequences=sequences)
