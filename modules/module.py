"""`MettaModule`: pure computation between named tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar, cast, final

from torch import Tensor, nn

from modules.errors import ConfigError, GraphError, InputError, MissingInputError
from modules.shapes import BuildContext, Shape, only_source


def _no_compute(self: nn.Module, *_: Tensor) -> Any:
    raise NotImplementedError(f"{type(self).__name__} has no compute()")


class MettaModule(nn.Module):
    """Reads the tensors named `in_keys`, writes those named `out_keys`, and knows nothing else.

    Subclasses implement `compute`. `forward` works on any mutable mapping, a `dict` as well as a `TensorDict`.

    Args:
        in_keys: names of the inputs, in the order of `compute`'s arguments.
        out_keys: names of the outputs, in the order of `compute`'s results.

    Raises:
        ConfigError: "in_keys must be a sequence of names ...".
    """

    # A class may fix its keys instead of taking them as arguments.
    in_keys: Sequence[str] = ()
    out_keys: Sequence[str] = ()

    fixed_in_keys: ClassVar[tuple[str, ...]] = ()
    """Inputs that every instance reads after its sources, such as a recurrent state."""
    fixed_out_keys: ClassVar[tuple[str, ...]] = ()
    """Outputs that every instance writes after its own."""
    source_keys: ClassVar[tuple[str, ...]] = ()
    """What `from_context` reads of a source in a config besides its `name`; of any other key there is a warning."""
    io_sizes: ClassVar[tuple[str, ...]] = ()
    """Attributes that fix the sizes of inputs and outputs; a hot swap must keep them.

    Those of two classes are compared by position, so a size of both input and output stands twice."""
    saved_attributes: tuple[str, ...] = ()
    """Attributes outside the state dict that belong to a trained policy; an instance may have fewer than its class."""

    def __init__(self, in_keys: Sequence[str] | None = None, out_keys: Sequence[str] | None = None) -> None:
        super().__init__()
        self.in_keys = _names("in_keys", type(self).in_keys if in_keys is None else in_keys)
        self.out_keys = _names("out_keys", type(self).out_keys if out_keys is None else out_keys)

    compute: Callable[..., Any] = _no_compute
    """Tensors in, a tensor or one tensor per out key back. Subclasses implement it, each with its own inputs."""

    @final  # type: ignore[misc]  # torch declares a writable attribute
    def forward(self, data: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Computes and writes the outputs into `data`; returns `data` itself.

        Raises:
            GraphError: "... computed ... output(s) for ...", with nothing written.
            InputError: "... reads ..., which the input lacks ...", "... takes a mapping ...".
        """
        try:
            inputs = [data[key] for key in self.in_keys]
        except (KeyError, IndexError, TypeError) as error:
            raise _lacking(self, data) from error
        result = self.compute(*inputs)
        for key, value in zip(self.out_keys, one_per_key(self, result), strict=True):
            data[key] = value
        self._add_losses(data)
        return data

    def _add_losses(self, data: MutableMapping[str, Any]) -> None:
        """Adds the losses of `RegularizedModule`s, in a module alone; a container adds those of all of its own."""

    def extra_repr(self) -> str:
        """Keys and sizes, for `print`."""
        sizes = "".join(f", {name}={getattr(self, name)}" for name in dict.fromkeys(self.io_sizes))
        return f"{', '.join(self.in_keys)} -> {', '.join(self.out_keys)}{sizes}"

    @property
    def draws_random_numbers(self) -> bool:
        """Whether `compute` draws random numbers in the present mode."""
        return False

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Constructor arguments that the graph or the environment decides.

        Raises:
            ConfigError: sources whose number or shape does not fit.
        """
        return {}

    @classmethod
    def in_keys_for(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Inputs besides the sources, which may depend on the constructor arguments `options`."""
        return cls.fixed_in_keys

    @classmethod
    def output_shape(cls, in_shapes: tuple[Shape, ...], options: Mapping[str, Any]) -> Shape:
        """Shape of the first output, from the input shapes and all constructor arguments; the first input's if alike.

        Raises:
            ConfigError: sizes that give no valid shape, or no input shape to repeat.
        """
        if not in_shapes:
            raise ConfigError(f"has no sources, so {cls.__name__} must define output_shape")
        return in_shapes[0]


class OneSourceModule(MettaModule):
    """A module that reads one source of any shape, and takes nothing from the graph but that it is there."""

    @classmethod
    def from_context(cls, context: BuildContext) -> dict[str, Any]:
        """Nothing but the check that there is one source."""
        only_source(context)
        return {}


def _names(what: str, keys: Any) -> tuple[str, ...]:
    if isinstance(keys, str) or not all(isinstance(key, str) for key in keys or ()):
        raise ConfigError(f"{what} must be a sequence of names such as ('input',), got {keys!r}")
    return tuple(keys or ())


def _lacking(module: MettaModule, data: Any) -> InputError:
    """What to say where a module's inputs cannot be taken out of `data`."""
    name = type(module).__name__
    if not hasattr(data, "keys"):
        return InputError(f"{name} takes a mapping with {', '.join(module.in_keys)}, got {type(data).__name__}")
    present = [*data.keys()]
    absent = [key for key in module.in_keys if key not in present]
    return MissingInputError(
        f"{name} reads {', '.join(map(repr, absent))}, which the input lacks; "
        f"the input has: {', '.join(map(str, present)) or 'nothing'}"
    )


def one_per_key(module: nn.Module, result: Any) -> tuple[Tensor, ...]:
    """What `compute` returned, as one value per out key.

    Raises:
        GraphError: "... computed ... output(s) for ...", "... computed None for ...", "... computed a dict ...".
    """
    outputs = tuple(result) if isinstance(result, (tuple, list)) else (result,)
    keys = cast(Any, module).out_keys
    if len(outputs) != len(keys):
        raise GraphError(
            f"{type(module).__name__} computed {len(outputs)} output(s) for {len(keys)} out_keys {keys}; "
            f"compute() must return one tensor per key"
        )
    for key, output in zip(keys, outputs, strict=True):
        if output is None:
            raise GraphError(f"{type(module).__name__} computed None for {key!r}; does compute() return its result?")
        if isinstance(output, dict):
            raise GraphError(f"{type(module).__name__} computed a dict for {key!r}; it must return tensors")
    return outputs
