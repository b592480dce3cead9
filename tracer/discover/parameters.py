"""Parameters of scenarios: their types, and the text of `-p key=value` turned into a value of that type."""

from __future__ import annotations

import ast
import collections.abc
import dataclasses
import types
import typing
from typing import Any

from tracer.errors import UsageError

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a scenario: `init_value: float = 0.0`."""

    name: str
    kind: Any  # a type, a typing form such as `Literal["a", "b"]`, or its source text where nothing was imported
    default: Any
    required: bool

    @property
    def kind_text(self) -> str:
        """The type as one writes it."""
        if isinstance(self.kind, str):
            return self.kind
        if self.kind is Any:
            return "any"
        return self.kind.__name__ if isinstance(self.kind, type) and not typing.get_args(self.kind) else str(self.kind)

    @property
    def text(self) -> str:
        """The parameter as one would read it in Python."""
        head = self.name if self.kind in (Any, "") else f"{self.name}: {self.kind_text.replace('typing.', '')}"
        if self.required:
            return head
        shown = self.default if isinstance(self.kind, str) else repr(self.default)
        return f"{head} = {shown}"


def parse_value(parameter: Parameter, text: str) -> Any:
    """Returns `text` as a value of the parameter's type.

    Raises:
      UsageError: the text is no such value; the message names the type and the hint shows one that is.
    """
    try:
        return _convert(parameter.kind, text)
    except (ValueError, SyntaxError, TypeError):
        shown = "" if parameter.required else f", such as -p {parameter.name}={_plain(parameter.default)}"
        raise UsageError(
            f"parameter '{parameter.name}' takes {parameter.kind_text}, not '{text}'",
            hint=f"give a value of type {parameter.kind_text}{shown}",
        ) from None


def _convert(kind: Any, text: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is bool:
        return _boolean(text)
    if kind in (int, float, str):
        return kind(text)
    if origin is typing.Literal:
        return _one_of(arguments, text)
    if origin in (typing.Union, types.UnionType):
        return _first_that_fits(arguments, text)
    if origin in (tuple, list, collections.abc.Sequence) or kind in (tuple, list):
        return _sequence(kind, arguments, text)
    return _literal_or_text(text)


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(text)


def _one_of(choices: tuple[Any, ...], text: str) -> Any:
    for choice in choices:
        if str(choice) == text:
            return choice
    raise ValueError(text)


def _first_that_fits(kinds: tuple[Any, ...], text: str) -> Any:
    if type(None) in kinds and text.lower() in ("none", "null", ""):
        return None
    for kind in kinds:
        if kind is not type(None):
            try:
                return _convert(kind, text)
            except (ValueError, SyntaxError, TypeError):
                continue
    raise ValueError(text)


def _sequence(kind: Any, arguments: tuple[Any, ...], text: str) -> Any:
    items = [part.strip() for part in text.strip("()[] ").split(",") if part.strip()]
    if (typing.get_origin(kind) or kind) is tuple and arguments and arguments[-1] is not Ellipsis:
        return tuple(_convert(element, item) for element, item in zip(arguments, items, strict=True))
    element = arguments[0] if arguments else Any
    values = [_convert(element, item) for item in items]
    return values if (typing.get_origin(kind) or kind) is list else tuple(values)


def _literal_or_text(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
