"""How scenarios are declared."""

import functools
from typing import Any

import pytest

from tracer import Call, Scenario, scenario
from tracer.discover.declare import callable_name, parse_parameters, signature_parameters
from tracer.discover.parameters import Parameter
from tracer.errors import UsageError


def double(x: int) -> int:
    """Returns twice `x`."""
    return 2 * x


class Model:
    def __call__(self, x: int) -> int:  # noqa: D102
        return x

    def step(self, x: int) -> int:  # noqa: D102
        return x


def test_a_call_is_made_with_its_arguments():
    """A call holds a function and its arguments, those by keyword too."""
    assert Call(int, "ff", base=16)() == 255


def test_a_bare_decorator_makes_a_scenario():
    """`@scenario` takes name and summary from the function."""

    @scenario
    def demo(*, a: float = 5.0):
        """Shows a thing.

        At length.
        """
        return Call(double, a)

    assert isinstance(demo, Scenario)
    assert (demo.name, demo.summary, demo.tags, demo.steps, demo.warmup) == ("demo", "Shows a thing.", (), None, None)
    assert demo.parameters == (Parameter("a", float, 5.0, required=False),)


def test_a_decorator_with_options_sets_them():
    """`@scenario(...)` sets name, tags, steps and warm-up."""

    @scenario(name="other", tags=["a", "b"], steps=20, warmup=2)
    def demo():
        return Call(double, 1)

    assert (demo.name, demo.summary, demo.tags, demo.steps, demo.warmup) == ("other", "", ("a", "b"), 20, 2)


def test_a_scenario_can_still_be_called():
    """The decorated function gives what the undecorated one would."""
    assert scenario(lambda a: Call(double, a))(4)() == 8  # type: ignore[operator]


def test_a_scenario_gives_a_tuple_of_calls():
    """One call, a list of calls: both become a tuple, built with the parameters that were given."""
    one = Scenario("one", lambda a: Call(double, a))
    two = Scenario("two", lambda a: [Call(double, a), Call(double, a + 1)])

    assert [call() for call in one.calls({"a": 1})] == [2]
    assert [call() for call in two.calls({"a": 1})] == [2, 4]


@pytest.mark.parametrize(
    ("built", "kind"), [(None, "NoneType"), ([], "list"), ([double], "list"), (("x",), "tuple"), ("x", "str")]
)
def test_a_scenario_must_return_calls(built: Any, kind: str):
    """Anything but a call, or some calls, is an error that shows how to write it."""
    with pytest.raises(UsageError) as caught:
        Scenario("demo", lambda: built).calls({})
    assert caught.value.message == f"scenario 'demo' returned {kind}, not a Call"
    assert caught.value.hint == "return Call(function, *arguments), or a list of them"


@pytest.mark.parametrize(
    ("fn", "name"),
    [
        (double, "double"),
        (Model().step, "Model.step"),
        (Model(), "Model"),
        (functools.partial(double, 1), "double"),
        (len, "len"),
    ],
)
def test_a_call_is_named_as_a_person_would(fn: Any, name: str):
    """Functions and methods have their own name, objects that of their class, partials that of what they call."""
    assert callable_name(fn) == name


def test_a_local_function_is_named_without_where_it_stands():
    """A function in a function is named as the reader wrote it."""

    def inner() -> None: ...

    assert callable_name(inner) == "inner"


def test_a_call_can_be_renamed_and_expected_to_raise():
    """`named` and `raising` give a new call that keeps everything else."""
    call = Call(double, 1)
    changed = call.named("twice").raising(TypeError)

    assert (changed.name, changed.expects, changed(), repr(changed)) == ("twice", TypeError, 2, "Call(twice)")
    assert call.raising(TypeError).named("twice").expects is TypeError
    assert (call.name, call.expects) == ("double", None)


def test_parameters_come_from_the_signature():
    """Types come from annotations, else from defaults, then None fits too; `*args` and `**kwargs` are no parameters."""

    def build(a, b: "int", *args, c=1.5, d=None, **kwargs): ...

    assert signature_parameters(build) == (
        Parameter("a", Any, None, required=True),
        Parameter("b", int, None, required=True),
        Parameter("c", float | None, 1.5, required=False),
        Parameter("d", Any, None, required=False),
    )


def test_types_that_do_not_resolve_are_guessed():
    """An annotation that names nothing leaves the type to the default."""

    def build(a: "Missing" = 3): ...  # type: ignore[name-defined]  # noqa: F821

    assert signature_parameters(build) == (Parameter("a", int | None, 3, required=False),)


PARAMETERS = (Parameter("size", int, None, required=True), Parameter("rate", float, 0.1, required=False))


def test_given_parameters_are_converted():
    """Only what was given is in the result, so that defaults stay the function's own."""
    assert parse_parameters(PARAMETERS, {"size": "3"}, owner="scenario 'demo'") == {"size": 3}


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"size": "1", "rat": "2"}, "scenario 'demo' has no parameter 'rat'", "did you mean 'rate'?"),
        ({"size": "1", "zzz": "2"}, "scenario 'demo' has no parameter 'zzz'", "its parameters: size, rate"),
        ({"rate": "2"}, "scenario 'demo' needs a value for size", "-p size=..."),
        ({"size": "x"}, "parameter 'size' takes int, not 'x'", "give a value of type int"),
    ],
)
def test_wrong_parameters_are_named(given: dict[str, str], message: str, hint: str):
    """An unknown key, a missing one and a wrong value each say which and what to do."""
    with pytest.raises(UsageError) as caught:
        parse_parameters(PARAMETERS, given, owner="scenario 'demo'")
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_key_where_there_are_none_says_so():
    """A scenario without parameters has none to offer."""
    with pytest.raises(UsageError) as caught:
        parse_parameters((), {"a": "1"}, owner="scenario 'demo'")
    assert caught.value.hint == "its parameters: none"
