"""Observations that a user recorded, from a `.safetensors` file: made inputs are not a user's data."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from equivalence.strategies import AgentSizes
from migrate.errors import UnusableFileError

NAMES = ("obs", "observations", "x", "env_obs", "grid_obs")
"""What the tensor may be called, if there are several in the file."""


def read_observations(path: Path, sizes: AgentSizes) -> Tensor:
    """The observations in a file, one behind the other.

    Args:
        path: a `.safetensors` file with one tensor, or one of `NAMES`.
        sizes: what they must fit.

    Returns:
        `[N, *obs_shape]`; leading dimensions, such as batch and time, are flattened.

    Raises:
        UnusableFileError: no such file, no such tensor, another shape, none in it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UnusableFileError(f"cannot be read as safetensors: {error}", where=path) from error
    name = next((name for name in NAMES if name in tensors), next(iter(tensors), None) if len(tensors) == 1 else None)
    if name is None:
        held = ", ".join(tensors) or "nothing"
        raise UnusableFileError(f"holds no observations, but {held}", where=path, fix=f"call the tensor {NAMES[0]!r}")
    found, shape = tensors[name], sizes.obs_shape
    if tuple(found.shape[-len(shape) :]) != tuple(shape) or found.dim() == len(shape) or not found.numel():
        wanted = ", ".join(map(str, shape))
        raise UnusableFileError(
            f"{name!r} is {list(found.shape)}, this agent's observations are [N, {wanted}]",
            where=path,
            fix="record observations of the environment that the policy was trained in",
        )
    return found.reshape(-1, *shape)
