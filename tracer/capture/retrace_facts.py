"""What TensorFlow tells the traces of a function apart by, as plain values: so that one can say why it traced again.

TensorFlow looks a call up by the types of its arguments and by where it is made (`function_context`), in a cache of
each tf.function object. All of it is written down the moment that a trace begins, while the Python objects live.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from tracer.capture import tf_private
from tracer.capture.trace_types import nest, shape_text, type_text

_PLAIN = (bool, int, float, complex, str, bytes)
_SHOWN = 60  # characters of a Python value


class Identities:
    """Numbers of the Python objects of each class: one for as long as an object lives, and never used again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._numbers: dict[str, Iterator[int]] = {}  # by the class's name, which stands before the number

    def number(self, value: Any) -> int:
        """Returns the number of an object; 0 of one that nothing can refer to weakly, as of an int."""
        place = id(value)
        known = self._known.get(place)
        if known is not None and known[0]() is value:
            return known[1]
        try:
            reference = weakref.ref(value, lambda _: self._known.pop(place, None))
        except TypeError:
            return 0
        numbers = self._numbers.setdefault(type(value).__name__, itertools.count(1))
        self._known[place] = (reference, next(numbers))
        return self._known[place][1]


class Replacements:
    """The tf.function objects of one definition: which are gone, and which of these a new one takes the place of."""

    none_of: ClassVar[weakref.WeakSet[Any]] = (
        weakref.WeakSet()
    )  # those that this tool makes, each for one graph: they take none

    def __init__(self) -> None:
        self._gone: dict[Any, list[int]] = {}
        self._watched: dict[int, weakref.ref[Any]] = {}

    def replaced_by(self, owner: Any, number: int, definition: Any) -> int:
        """Returns the number of a tf.function that is gone, for a new one of the same definition; 0 if none is."""
        if owner in self.none_of:
            return 0
        gone = self._gone.setdefault(definition, [])

        def ended(_: Any) -> None:
            gone.append(number)
            del self._watched[number]

        self._watched[number] = weakref.ref(owner, ended)
        return gone.pop() if gone else 0


class KeyReader:
    """Reads what a trace under way is told apart by."""

    def __init__(self) -> None:
        self._identities = Identities()

    def begun(self, function_type: Any, options: Any, function: Callable[..., Any] | None) -> dict[str, Any]:
        """Returns what is known when the trace begins.

        Args:
          function_type: the types that it is made for.
          options: TensorFlow's TracingOptions.
          function: the Python function, if it is known.
        """
        return {
            "parts": self.parts(function_type),
            "context": _context(options, self._identities),
            "closure": [
                *self._bound(tf_private.traced_callable(options.python_function), function),
                *self._closure(function),
            ],
            "signature": getattr(options, "input_signature", None) is not None,
            "reduce_retracing": bool(getattr(options, "reduce_retracing", False)),
        }

    def captured(self, graph: Any) -> dict[str, int]:
        """Returns the numbers of the variables and tensors that a graph takes from outside, by its node for each."""
        by_handle = {id(variable.handle): variable for variable in graph.variables if hasattr(variable, "handle")}
        return {
            inner.op.name: self._identities.number(by_handle.get(id(outer), outer)) for outer, inner in graph.captures
        }

    def parts(self, function_type: Any) -> list[dict[str, Any]]:
        """Returns the arguments and what is in them, each before what is in it: `batch`, `batch['x']`."""
        aliases: dict[Any, str] = {}  # what has the variable of each alias
        return [
            part
            for name, parameter in getattr(function_type, "parameters", {}).items()
            for part in self._parts(name, parameter.type_constraint, 0, aliases)
        ]

    def _parts(self, path: str, kind: Any, depth: int, aliases: dict[Any, str]) -> Iterator[dict[str, Any]]:
        inside = nest(kind)
        if inside is None:
            yield {"path": path, "depth": depth, **self._leaf(path, kind, aliases)}
            return
        yield {"path": path, "type": type_text(kind), "depth": depth, "object": 0}
        for suffix, _, inner in inside.items:
            yield from self._parts(path + suffix, inner, depth + 1, aliases)

    def _leaf(self, path: str, kind: Any, aliases: dict[Any, str]) -> dict[str, Any]:
        reference = getattr(kind, "_ref", None)
        if type(kind).__name__ == "Weakref" and callable(reference) and reference() is not None:
            held = reference()
            return {"type": _object_text(held), "object": self._identities.number(held)}
        written = type_text(kind)
        if type(kind).__name__ == "VariableSpec":
            first = aliases.setdefault(kind.alias_id, path)
            written += "" if kind.trainable else ", not trainable"
            written += "" if first == path else f", the same as {first}"
        return {"type": written, "object": 0}

    def _bound(self, traced: Any, function: Any) -> Iterator[dict[str, Any]]:
        """Yields the object of a method, and what a `functools.partial` has bound."""
        # TensorFlow binds a method to a TfMethodTarget, which holds the object weakly.
        held = getattr(getattr(traced, "__self__", None), "target", None)
        if held is not None:
            yield self._value("self", held)
        if isinstance(traced, functools.partial):
            names = getattr(getattr(function, "__code__", None), "co_varnames", ())
            given = {**dict(zip(names, traced.args, strict=False)), **traced.keywords}
            yield from (self._value(name, value) for name, value in given.items())

    def _closure(self, function: Any) -> Iterator[dict[str, Any]]:
        """Yields what a function has of the scopes around it; of the module's only plain values."""
        code = getattr(function, "__code__", None)
        for name, cell in zip(
            getattr(code, "co_freevars", ()), getattr(function, "__closure__", None) or (), strict=False
        ):
            with contextlib.suppress(ValueError):  # it is empty as yet
                yield self._value(name, cell.cell_contents)
        around = getattr(function, "__globals__", {})
        for name in getattr(code, "co_names", ()):
            if isinstance(around.get(name), _PLAIN):
                yield self._value(name, around[name])

    def _value(self, name: str, value: Any) -> dict[str, Any]:
        if value is None or isinstance(value, _PLAIN):
            return {"name": name, "type": repr(value)[:_SHOWN], "object": 0}
        if hasattr(value, "dtype") and hasattr(value, "shape") and hasattr(value.shape, "rank"):
            sort = "Variable " if hasattr(value, "assign") else ""
            written = f"{sort}{value.dtype.name}{shape_text(value.shape)}"
        else:
            written = _object_text(value)
        return {"name": name, "type": written, "object": self._identities.number(value)}


def _object_text(value: Any) -> str:
    """Returns what a Python object is, without a call of anything that its user wrote."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    code = getattr(value, "__code__", None)
    if code is not None:
        return "lambda" if code.co_name == "<lambda>" else f"function {code.co_name}"
    if isinstance(value, type):
        return f"class {value.__name__}"
    import tensorflow as tf

    return f"TensorShape {shape_text(value)}" if isinstance(value, tf.TensorShape) else type(value).__name__


def _context(options: Any, identities: Identities) -> dict[str, str]:
    """Returns where the call is made, as far as TensorFlow's key has it, and two things that it has not.

    The keys: `graph` of TensorFlow 1, `device`, `colocation`, `cross_replica`, `variable_policy`, `xla`, `scope`; the
    name of the `strategy` in scope, and the graph `inside` of which the call stands, by name and number. What is as
    usual is left out.
    """
    import tensorflow as tf

    found: dict[str, str] = {"scope": getattr(getattr(options, "scope_type", None), "name", "")}
    place = tf_private.function_context(options)
    if place is not None:
        graph = getattr(place, "parent_graph", None)
        found["graph"] = f"graph {identities.number(graph)}" if graph is not None else ""
        found["device"] = ", ".join(map(_device_text, getattr(place, "device_functions", ())))
        colocated = getattr(place, "colocation_stack", ())
        found["colocation"] = ", ".join(str(getattr(each, "name", type(each).__name__)) for each in colocated)
        found["cross_replica"] = "yes" if getattr(place, "in_cross_replica_context", False) else ""
        found["variable_policy"] = str(getattr(place, "variable_policy", None) or "")
        found["xla"] = str(getattr(place, "xla_context_id", 0) or "")
    if tf.distribute.has_strategy():
        found["strategy"] = type(tf.distribute.get_strategy()).__name__
    if not tf.executing_eagerly():
        around = tf.compat.v1.get_default_graph()
        found["inside"] = f"{getattr(around, 'name', '')} {identities.number(around)}".strip()
    return {name: value for name, value in found.items() if value}


def _device_text(function: Any) -> str:
    """Returns a device, or the function that chooses one."""
    spec: Any = getattr(function, "_spec", None)
    named = spec.to_string() if hasattr(spec, "to_string") else spec
    return str(named or getattr(function, "__name__", type(function).__name__))
