"""Arguments to call a function with: from `--input`, from its signature, or from a Keras model's inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tracer.discover.input_spec import InputSpec
from tracer.errors import UsageError
from tracer.recorded import Warned

_FIRST_UNKNOWN = 1  # a batch of one
_OTHER_UNKNOWN = 32  # small, and large enough for the strides of most convolutional networks
_INTEGERS_BELOW = 10  # small enough to be an index into most tables


class Inputs:
    """Makes random tensors; the same seed makes the same ones. `notes` says which sizes were guessed."""

    def __init__(self, seed: int) -> None:
        import numpy as np

        self.notes: list[Warned] = []
        self._random = np.random.default_rng(seed)

    def given(self, specs: Sequence[InputSpec]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Returns positional and keyword arguments for `--input` options."""
        positional = tuple(self._value(spec) for spec in specs if not spec.name)
        return positional, {spec.name: self._value(spec) for spec in specs if spec.name}

    def like(self, specs: Any) -> Any:
        """Returns a nest of tensors like a nest of TensorSpecs or KerasTensors; other values stay as they are."""
        import tensorflow as tf

        return tf.nest.map_structure(self._like, specs)

    def tensor(self, dtype: Any, shape: Iterable[int]) -> Any:
        """Returns a random tensor: normal floats, integers from 0 to 9, booleans, or the string "text"."""
        import tensorflow as tf

        kind, dims = tf.as_dtype(dtype), tuple(shape)
        if kind.is_floating or kind.is_complex:
            return tf.cast(self._random.standard_normal(dims), kind)
        if kind.is_integer:
            return tf.cast(self._random.integers(0, _INTEGERS_BELOW, dims), kind)
        if kind.is_bool:
            return tf.constant(self._random.integers(0, 2, dims) == 1, shape=dims)
        if kind == tf.string:
            return tf.fill(dims, "text")
        raise UsageError(f"no random input of type {kind.name}", hint="record a scenario that makes the argument")

    def _value(self, spec: InputSpec) -> Any:
        return self.tensor(spec.dtype, spec.shape) if spec.dtype else spec.value

    def _like(self, spec: Any) -> Any:
        if not hasattr(spec, "shape") or not hasattr(spec, "dtype"):
            return spec
        name = getattr(spec, "name", None) or "input"
        dims = getattr(spec.shape, "dims", spec.shape)
        if dims is None:
            raise UsageError(
                f"input '{name}' has no known rank, so it cannot be guessed", hint=f"--input {name}=float32[8,32]"
            )
        known = [getattr(dim, "value", dim) for dim in dims]
        sizes = [self._size(index, size) for index, size in enumerate(known)]
        if None in known:
            kind = getattr(spec.dtype, "name", spec.dtype)
            before = ",".join("?" if size is None else str(size) for size in known)
            after = ",".join(map(str, sizes))
            self.notes.append(
                Warned(
                    "guessed-size",
                    f"input '{name}': {kind}[{before}] was taken as [{after}]",
                    f"choose with --input {name}={kind}[{after}]" if getattr(spec, "name", None) else "",
                )
            )
        return self.tensor(spec.dtype, sizes)

    @staticmethod
    def _size(index: int, size: int | None) -> int:
        if size is not None:
            return int(size)
        return _OTHER_UNKNOWN if index else _FIRST_UNKNOWN
