"""`--input`, as text."""

from typing import Any

import pytest

from tracer.discover.input_spec import InputSpec, parse_inputs
from tracer.errors import UsageError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("x=float32[8,32]", InputSpec("x", "float32", (8, 32))),
        ("float32[8, 32]", InputSpec("", "float32", (8, 32))),
        (" int64[3,] ", InputSpec("", "int64", (3,))),
        ("bool[]", InputSpec("", "bool", ())),
        ("x=string[0]", InputSpec("x", "string", (0,))),
        ("training=True", InputSpec("training", "", (), True)),
        ("x=None", InputSpec("x", "", (), None)),
        ("3.5", InputSpec("", "", (), 3.5)),
        ("x=[1, 2]", InputSpec("x", "", (), [1, 2])),
        ("x='a=b'", InputSpec("x", "", (), "a=b")),
    ],
)
def test_an_input_is_a_tensor_or_a_value(text: str, spec: InputSpec):
    """A type with a shape is a tensor, anything else a Python literal; a name goes before."""
    assert parse_inputs([text]) == (spec,)


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (["x=hello"], "--input x=hello is no input", None),
        ([""], "--input  is no input", None),
        (["x=float32[a]"], "--input x=float32[a] is no input", None),
        (["x=float32[?]"], "--input x=float32[?] is no input", None),
        (["float33[2]"], "--input float33[2]: no dtype named 'float33'", "did you mean 'float32'"),
        (["x=float32[-1]"], "--input x=float32[-1]: a dimension is negative", "give every size: x=float32[8,32]"),
        (["x=1", "y=2", "x=3"], "--input x is given twice", "give each input once"),
    ],
)
def test_a_wrong_input_says_what_one_looks_like(texts: list[str], message: str, hint: Any):
    """An input that is none is an error that shows one that is."""
    with pytest.raises(UsageError) as caught:
        parse_inputs(texts)
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint or "a tensor as x=float32[8,32], or a Python value as training=True")
