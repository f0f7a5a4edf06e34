"""The one exception hierarchy: whatever this project raises on purpose is a `MettaError`."""


class MettaError(Exception):
    """Base class; its message says what is wrong, where, and what to do."""


class GraphError(MettaError, ValueError):
    """Components that do not fit together: missing producer, cycle, two writers, incompatible swap."""


class ConfigError(MettaError, ValueError):
    """A configuration that cannot be built: unknown or missing key, impossible size."""


class CheckpointError(MettaError, ValueError):
    """A `.safetensors` policy that cannot be loaded into the new stack."""


class InputError(MettaError, ValueError):
    """Observations, states or actions that do not fit the agent."""


class MissingInputError(InputError, KeyError):
    """A key that a module reads and a mapping lacks; a `KeyError` too, as of any mapping."""

    __str__ = Exception.__str__  # KeyError's own shows a message as a literal


class SafetyError(MettaError, ValueError):
    """A tensor that should not be: NaN, infinite, or of another shape."""


class ConfigWarning(UserWarning):
    """A configuration that may mean something else than it says: a key that looks misspelt."""


class SafetyWarning(UserWarning):
    """A tensor that is suspicious: an extreme value."""


class WeightWarning(UserWarning):
    """A weight that is suspicious: dead units, a large norm."""
