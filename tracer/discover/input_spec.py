"""`--input x=float32[8,32]`: what to call a function with, as text."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from tracer.errors import UsageError, did_you_mean

DTYPES = (
    *("bool", "string", "complex64", "complex128", "bfloat16", "float16", "float32", "float64", "half", "double"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
_FORM = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)=)?(?P<value>.+)", re.DOTALL)
_TENSOR = re.compile(r"(?P<dtype>[A-Za-z]\w*)\[(?P<shape>[^\]]*)\]")


@dataclasses.dataclass(frozen=True, slots=True)
class InputSpec:
    """One argument: a random tensor of a type and shape, or a Python value."""

    name: str  # empty: by position
    dtype: str  # empty: `value` is the argument
    shape: tuple[int, ...]
    value: Any = None


def parse_inputs(texts: Sequence[str]) -> tuple[InputSpec, ...]:
    """Returns the arguments that `--input` options describe.

    Raises:
      UsageError: one is neither `float32[8,32]` nor a Python literal, or its type or shape is none.
    """
    specs = tuple(_parse(text) for text in texts)
    names = [spec.name for spec in specs if spec.name]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--input {name} is given twice", hint="give each input once")
    return specs


def _parse(text: str) -> InputSpec:
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise _wrong(text)
    name, value = form["name"] or "", form["value"].strip()
    tensor = _TENSOR.fullmatch(value)
    if tensor is None:
        try:
            return InputSpec(name, "", (), ast.literal_eval(value))
        except (ValueError, SyntaxError):
            raise _wrong(text) from None
    if tensor["dtype"] not in DTYPES:
        hint = did_you_mean(tensor["dtype"], DTYPES, otherwise=f"one of {', '.join(DTYPES)}")
        raise UsageError(f"--input {text}: no dtype named '{tensor['dtype']}'", hint=hint)
    try:
        shape = tuple(int(dim) for dim in tensor["shape"].split(",") if dim.strip())
    except ValueError:
        raise _wrong(text) from None
    if any(dim < 0 for dim in shape):
        raise UsageError(f"--input {text}: a dimension is negative", hint="give every size: x=float32[8,32]")
    return InputSpec(name, tensor["dtype"], shape)


def _wrong(text: str) -> UsageError:
    return UsageError(
        f"--input {text} is no input", hint="a tensor as x=float32[8,32], or a Python value as training=True"
    )
