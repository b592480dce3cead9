"""How a scenario is written: a decorated function that returns the calls to record.

@scenario(tags=("module", "book"))
def demo_module(*, init_value: float = 0.0, a: float = 5.0) -> Call:
    '''A tf.Module that wraps a variable and a tf.function.'''
    return Call(DemoModule(init_value).addprint, tf.constant(a))
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tracer.discover.parameters import Parameter, parse_value
from tracer.errors import UsageError, did_you_mean


class Call:
    """One call to record: `fn(*args, **kwargs)`.

    `raising(TypeError)` says that the call is meant to fail so: the error is shown as the lesson that it is, and
    anything else, success included, fails the run.
    """

    __slots__ = ("args", "expects", "fn", "kwargs", "name")

    def __init__(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self.expects: type[BaseException] | None = None
        self.name = callable_name(fn)

    def raising(self, error: type[BaseException]) -> Call:
        """Returns the same call, expected to raise `error`."""
        call = Call(self.fn, *self.args, **self.kwargs)
        call.expects, call.name = error, self.name
        return call

    def named(self, name: str) -> Call:
        """Returns the same call under another name in the report."""
        call = Call(self.fn, *self.args, **self.kwargs)
        call.expects, call.name = self.expects, name
        return call

    def __call__(self) -> Any:
        """Makes the call."""
        return self.fn(*self.args, **self.kwargs)

    def __repr__(self) -> str:
        return f"Call({self.name})"


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """A named function that builds the calls to record; calling it builds them."""

    name: str
    build: Callable[..., Call | Sequence[Call]]
    tags: tuple[str, ...] = ()
    steps: int | None = None  # how often each call runs in the window, unless the user says
    warmup: int | None = None  # how often it runs before the window

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return first_line(inspect.getdoc(self.build))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What `-p key=value` sets: the function's arguments with their types and defaults."""
        return signature_parameters(self.build)

    def __call__(self, *args: Any, **kwargs: Any) -> Call | Sequence[Call]:
        """Builds the calls, as the undecorated function would."""
        return self.build(*args, **kwargs)

    def calls(self, given: Mapping[str, Any]) -> tuple[Call, ...]:
        """Builds the calls with the parameters in `given`.

        Raises:
          UsageError: the function returned something else than a `Call` or a sequence of them.
        """
        built = self.build(**given)
        calls = (built,) if isinstance(built, Call) else tuple(built or ())
        if not calls or not all(isinstance(call, Call) for call in calls):
            raise UsageError(
                f"scenario '{self.name}' returned {type(built).__name__}, not a Call",
                hint="return Call(function, *arguments), or a list of them",
            )
        return calls


@typing.overload
def scenario(build: Callable[..., Any], /) -> Scenario: ...


@typing.overload
def scenario(
    *,
    name: str | None = None,
    tags: Sequence[str] = (),
    steps: int | None = None,
    warmup: int | None = None,
) -> Callable[[Callable[..., Any]], Scenario]: ...


def scenario(
    build: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    tags: Sequence[str] = (),
    steps: int | None = None,
    warmup: int | None = None,
) -> Scenario | Callable[[Callable[..., Any]], Scenario]:
    """Makes a scenario of a function that returns the `Call`s to record.

    The function's keyword arguments become its parameters, its docstring's first line its summary.
    `name`, `tags`, `steps` and `warmup` are literals: `trace-scenario list` reads them without importing the file.
    """

    def decorate(function: Callable[..., Any]) -> Scenario:
        return Scenario(name or function.__name__, function, tuple(tags), steps, warmup)

    return decorate if build is None else decorate(build)


def signature_parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Returns the parameters of `function` by name, with their types as Python resolves them."""
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError):
        hints = {}
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        kind = hints.get(parameter.name, Any)
        required = parameter.default is parameter.empty
        if kind is Any and not required and parameter.default is not None:
            kind = type(parameter.default) | None  # guessed from the default, so None must be possible too
        found.append(Parameter(parameter.name, kind, None if required else parameter.default, required))
    return tuple(found)


def parse_parameters(parameters: Sequence[Parameter], given: Mapping[str, str], *, owner: str) -> dict[str, Any]:
    """Returns the values of `-p key=value` options, checked against `parameters`.

    Raises:
      UsageError: a key that is no parameter, a value of the wrong type, or a required parameter that is missing.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for key in given:
        if key not in known:
            listing = ", ".join(known) or "none"
            raise UsageError(
                f"{owner} has no parameter '{key}'",
                hint=did_you_mean(key, known, otherwise=f"its parameters: {listing}"),
            )
    missing = [name for name, parameter in known.items() if parameter.required and name not in given]
    if missing:
        raise UsageError(
            f"{owner} needs a value for {', '.join(missing)}",
            hint=" ".join(f"-p {name}=..." for name in missing),
        )
    return {key: parse_value(known[key], text) for key, text in given.items()}


def callable_name(fn: Any) -> str:
    """Returns the name that a person would use for a callable: `DemoModule.addprint`, `step`, `Sequential`."""
    for candidate in (fn, getattr(fn, "python_function", None), getattr(fn, "func", None)):
        name = getattr(candidate, "__qualname__", None) or getattr(candidate, "__name__", None)
        if isinstance(name, str):
            return name.rpartition("<locals>.")[2]
    return type(fn).__name__


def first_line(docstring: str | None) -> str:
    """Returns the first line of a docstring, or nothing."""
    return (docstring or "").strip().split("\n", 1)[0].strip()
