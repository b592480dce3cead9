"""The text of `-p key=value`, as a value of the parameter's type."""

from collections.abc import Sequence
from typing import Any, Literal, Optional, Union

import pytest

from tracer.discover.parameters import Parameter, parse_value
from tracer.errors import UsageError


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "-3", -3),
        (float, "2", 2.0),
        (float, "1e-3", 1e-3),
        (str, "3", "3"),
        (str, "", ""),
        (bool, "Yes", True),
        (bool, "off", False),
        (Literal["relu", "gelu"], "gelu", "gelu"),
        (Literal[1, 2], "2", 2),
        (Optional[int], "None", None),  # noqa: UP045  # users of Python 3.9 habits write so
        (Optional[int], "7", 7),  # noqa: UP045
        (int | None, "7", 7),
        (Union[int, float], "0.5", 0.5),  # noqa: UP007
        (int | str, "x", "x"),
        (tuple[int, ...], "1, 2,3", (1, 2, 3)),
        (tuple[int, ...], "(4,)", (4,)),
        (tuple[int, ...], "", ()),
        (tuple[int, str], "1,a", (1, "a")),
        (list[float], "[1,2]", [1.0, 2.0]),
        (Sequence[str], "a,b", ("a", "b")),
        (tuple, "1,a", (1, "a")),
        (list, "1,a", [1, "a"]),
        (Any, "[1, 2]", [1, 2]),
        (Any, "relu", "relu"),
    ],
)
def test_text_becomes_a_value_of_the_type(kind: Any, text: str, value: Any):
    """Each type reads the text that one would write for it, and gives a value of just that type."""
    parsed = parse_value(Parameter("p", kind, None, required=True), text)

    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "default", "text", "message", "hint"),
    [
        (int, 3, "x", "parameter 'p' takes int, not 'x'", "give a value of type int, such as -p p=3"),
        (int, 3, "1.5", "parameter 'p' takes int, not '1.5'", "give a value of type int, such as -p p=3"),
        (bool, True, "maybe", "parameter 'p' takes bool, not 'maybe'", "give a value of type bool, such as -p p=True"),
        (
            tuple[int, ...],
            (1, 2),
            "1,x",
            "parameter 'p' takes tuple[int, ...], not '1,x'",
            "give a value of type tuple[int, ...], such as -p p=1,2",
        ),
        (
            tuple[int, str],
            (1, "a"),
            "1",
            "parameter 'p' takes tuple[int, str], not '1'",
            "give a value of type tuple[int, str], such as -p p=1,a",
        ),
        (
            int | None,
            None,
            "x",
            "parameter 'p' takes int | None, not 'x'",
            "give a value of type int | None, such as -p p=None",
        ),
    ],
)
def test_a_wrong_value_names_the_type(kind: Any, default: Any, text: str, message: str, hint: str):
    """A value of the wrong type is an error that shows one of the right type."""
    with pytest.raises(UsageError) as caught:
        parse_value(Parameter("p", kind, default, required=False), text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_wrong_value_of_a_required_parameter_shows_no_default():
    """Where there is no default the hint names the type alone."""
    with pytest.raises(UsageError) as caught:
        parse_value(Parameter("p", float, None, required=True), "x")
    assert caught.value.hint == "give a value of type float"


def test_a_wrong_choice_names_the_choices():
    """A value that is none of the literals is answered with all of them."""
    with pytest.raises(UsageError) as caught:
        parse_value(Parameter("p", Literal["relu", "gelu"], "relu", required=False), "tanh")
    assert "Literal['relu', 'gelu']" in caught.value.message


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (Parameter("a", float, 5.0, required=False), "a: float = 5.0"),
        (Parameter("a", int, None, required=True), "a: int"),
        (Parameter("a", Any, None, required=True), "a"),
        (Parameter("a", Any, None, required=False), "a = None"),
        (Parameter("a", Literal["x"], "x", required=False), "a: Literal['x'] = 'x'"),
        (Parameter("a", tuple[int, ...], (1,), required=False), "a: tuple[int, ...] = (1,)"),
        (Parameter("a", "float", "5.0", required=False), "a: float = 5.0"),
        (Parameter("a", "", None, required=True), "a"),
    ],
)
def test_a_parameter_reads_as_in_python(parameter: Parameter, text: str):
    """A parameter is shown as its function declares it, from types or from their source."""
    assert parameter.text == text
