"""What `run.json` and `trace.json` hold, and whether a file does.

So a damaged one is found out when it is read, and not in the middle of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Leaf(NamedTuple):
    """A value that is one thing."""

    name: str  # with its article: "a text"
    test: Callable[[Any], bool]


class Either(NamedTuple):
    """A value that may be null."""

    schema: Any


EACH = "*"  # the key that stands for every key


def _whole(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


_TEXT = Leaf("a text", lambda value: isinstance(value, str))
_TRUTH = Leaf("true or false", lambda value: isinstance(value, bool))
_COUNT = Leaf("a whole number", _whole(2**63))
# A thousand years and more are a damaged number, as are NaN and the infinite, which Python's JSON has.
_SECONDS = Leaf("a time in seconds", lambda value: isinstance(value, int | float) and 0 <= value < 1e11)
_ANYTHING = Leaf("a value", lambda _: True)
_FRAME = {"file": _TEXT, "line": _COUNT, "function": _TEXT}
_MISSING = Either({EACH: _TEXT})
_WINDOW = {
    "steps": _COUNT,
    "warmup": _COUNT,
    "wall_ns": _COUNT,
    "step_ns": [_COUNT],
    "bare_step_ns": [_COUNT],
    "bare_cpu_ns": [_COUNT],
    "fresh": _TRUTH,
    "incomplete": _TEXT,
    "function": _TEXT,
    "windows": _COUNT,
    "others": _COUNT,
}
_WINDOWS = {
    "session": _TEXT,
    "function": _TEXT,
    "first_step": _COUNT,
    "steps": _COUNT,
    "began_s": _SECONDS,
    "wall_ns": _COUNT,
    "step_ns": [_COUNT],
    "bytes": _COUNT,
    "complete": _TRUTH,
    "counted": _TRUTH,
    "stopped": _TEXT,
}
_KEY = {
    "at_s": Either(_SECONDS),
    "replaces": _COUNT,
    "parts": [{"path": _TEXT, "type": _TEXT, "depth": _COUNT, "object": _COUNT}],
    "context": {EACH: _TEXT},
    "closure": [{"name": _TEXT, "type": _TEXT, "object": _COUNT}],
    "captured": {EACH: _COUNT},
    "signature": _TRUTH,
    "reduce_retracing": _TRUTH,
}

# Of a mapping the keys that readers know, which may be absent; a list stands for any number of such items.
RUN: Mapping[str, Any] = {
    "status": _TEXT,
    "scenario": _TEXT,
    "started": _TEXT,
    "target": _TEXT,
    "parameters": Either({EACH: _ANYTHING}),
    "versions": Either({EACH: _ANYTHING}),
    "host": Either({EACH: _ANYTHING}),
    "seconds": Either(_SECONDS),
    "window": Either(_WINDOW),
    "windows": Either([_WINDOWS]),
    "bare_step_ns": Either([_COUNT]),
    "bare_cpu_ns": Either([_COUNT]),
    "warmup": Either(_COUNT),
    "raised": Either({"pass": _TEXT, "step": _COUNT}),
    "calls": Either([{"name": _TEXT, "status": _TEXT, "error": _TEXT}]),
    "warnings": Either([{"code": _TEXT, "message": _TEXT, "hint": _TEXT}]),
    "traces": Either({EACH: {"calls": Either(_COUNT), "missing": _MISSING}}),
    "steps": Either(_COUNT),
    "functions": _COUNT,
    "bytes": _COUNT,
    "error": Either(_TEXT),
    "traceback": Either(_TEXT),
}
TRACE: Mapping[str, Any] = {
    **dict.fromkeys(("name", "qualname", "runtime_name", "kind", "origin", "returns", "cause"), _TEXT),
    "arguments": Either([{"name": _TEXT, "type": _TEXT}]),
    "captures": Either(
        [{"node": _TEXT, "name": _TEXT, "type": _TEXT, "trainable": _TRUTH, "kind": _TEXT, "optimizer": _TRUTH}]
    ),
    "modules": Either([{"scope": _TEXT, "name": _TEXT, "class": _TEXT, "kind": _TEXT}]),
    "definition": Either(_FRAME),
    "call_site": Either(_FRAME),
    "object": Either(_COUNT),
    "key": Either(_KEY),
    "seconds": Either(_SECONDS),
    "missing": _MISSING,
    "lines": Either({"files": [_TEXT], "frames": [_ANYTHING], "stacks": [[_COUNT]], "nodes": {EACH: {EACH: _COUNT}}}),
}


def check(value: Any, schema: Any, place: str = "") -> None:
    """Checks a value out of a JSON file.

    Args:
      value: the value.
      schema: `RUN`, `TRACE`, or a part of one.
      place: where it stands: `window.steps`.

    Raises:
      ValueError: it is something else than the schema says.
    """
    if isinstance(schema, Either):
        if value is not None:
            check(value, schema.schema, place)
    elif isinstance(schema, Leaf):
        _require(schema.test(value), place, schema.name)
    elif isinstance(schema, list):
        _require(isinstance(value, list), place, "a list")
        for number, item in enumerate(value):
            check(item, schema[0], f"{place}[{number}]")
    else:
        _require(isinstance(value, dict), place, "an object")
        inner = dict.fromkeys(value, schema[EACH]) if EACH in schema else schema
        for key, part in inner.items():
            if key in value:
                check(value[key], part, f"{place}.{key}" if place else key)


def _require(holds: bool, place: str, name: str) -> None:
    if not holds:
        raise ValueError(f"its '{place}' is not {name}" if place else f"it is not {name}")
