"""Facts about a concrete function, as plain values for `trace.json`."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
import os
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from tracer.capture import hooks, tf_private
from tracer.capture.modules import unique_name
from tracer.capture.trace_types import shape_text, type_text
from tracer.capture.wrappers import true_frame
from tracer.errors import reason
from tracer.graph.names import function_name

_CONTROL_FLOW = frozenset(("If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile"))


def arguments(function_type: Any) -> list[dict[str, str]]:
    """Returns name and type of each argument, captured ones left out."""
    parameters = getattr(function_type, "parameters", {})
    return [{"name": name, "type": type_text(parameter.type_constraint)} for name, parameter in parameters.items()]


def captures(graph: Any) -> list[dict[str, Any]]:
    """Returns the variables and tensors that a function takes from outside, each with the node that stands for it."""
    found = []
    for outer, inner, variable in _captured(graph):
        described = variable if variable is not None else outer
        found.append(
            {
                "node": inner.op.name,
                "name": str(variable.name) if variable is not None else "",
                "kind": "variable" if variable is not None else "tensor",
                "type": f"{described.dtype.name}{shape_text(described.shape)}",
                "trainable": bool(getattr(variable, "trainable", False)),
                "optimizer": False,  # that only the optimizer knows, at the end
            }
        )
    return found


def captured_variables(graph: Any) -> dict[str, str]:
    """Returns the unique names of the variables that a function takes, by the node that stands for each."""
    return {inner.op.name: unique_name(variable) for _, inner, variable in _captured(graph) if variable is not None}


def _captured(graph: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yields what is outside, what stands for it inside, and the variable that it is, if it is one."""
    variables = getattr(graph, "variables", ())
    by_handle = {id(variable.handle): variable for variable in variables if hasattr(variable, "handle")}
    for outer, inner in getattr(graph, "captures", ()):
        yield outer, inner, by_handle.get(id(outer))


def bodies(functions: Iterable[Any]) -> set[str]:
    """Returns the runtime names of what AtomicFunctions run as branches and loops' bodies, and do not call as well."""
    in_control_flow, called = set[str](), set[str]()
    for function in functions:
        for node in function.definition.node_def:
            found = in_control_flow if node.op in _CONTROL_FLOW else called
            for value in node.attr.values():
                found.update(named.name for named in (value.func, *value.list.func) if named.name)
    return in_control_flow - called


def definition(function: Callable[..., Any] | None) -> dict[str, Any] | None:
    """Returns where a Python function is defined."""
    code = getattr(function, "__code__", None)
    if code is None or origin(function) == "tracer":
        return None
    return {"file": code.co_filename, "line": code.co_firstlineno, "function": code.co_name}


def source(function: Callable[..., Any] | None) -> tuple[bytes, str]:
    """Returns the source of a Python function, or why there is none."""
    if function is None:
        return b"", "there is no Python function behind it: it was loaded, or made by TensorFlow"
    if origin(function) == "tracer":
        return b"", "it is an object that is called: there is no one function whose source it is"
    try:
        return inspect.getsource(function).encode("utf-8", "surrogatepass"), ""
    except (OSError, TypeError) as error:
        return b"", f"Python cannot find its source: {error}"


def autograph_code(creation: hooks.Creation) -> tuple[bytes, str]:
    """Returns what AutoGraph made of the function, or why there is nothing."""
    import tensorflow as tf

    function = creation.python_function
    if function is None:
        return b"", "there is no Python function behind it: it was loaded, or made by TensorFlow"
    if origin(function) != "user":
        return b"", f"AutoGraph leaves {origin(function)}'s own functions as they are"
    if not creation.autograph and not function_is_mapped(creation):
        return b"", "AutoGraph is off for this function (autograph=False)"
    try:
        return tf.autograph.to_code(function).encode("utf-8", "surrogatepass"), ""
    except Exception as error:  # noqa: BLE001  # AutoGraph raises what the code it reads makes it raise
        return b"", f"AutoGraph could not convert it and ran it as it is: {reason(error)}"


def function_is_mapped(creation: hooks.Creation) -> bool:
    """Tells a function of a tf.data pipeline: tf.data has AutoGraph convert it inside a wrapper of its own."""
    if creation.concrete is None:
        return False
    name, _ = function_name(text(tf_private.runtime_function(creation.concrete).name))
    return name.startswith("Dataset_")


def origin(function: Callable[..., Any] | None) -> str:
    """Returns whose code a function is: `user`, or the framework's name."""
    code = getattr(function, "__code__", None)
    return "tensorflow" if code is None else file_origin(code.co_filename)


@functools.cache
def file_origin(file: str) -> str:
    """Returns whose code a file is: `user`, `tensorflow`, `keras`, `tf_keras`, `tracer`, or `python`."""
    if Path(file).name in ("trace-scenario", "trace-scenario.exe"):
        return "tracer"  # the installed command
    for name, root in _framework_roots():
        if file.startswith(root):
            return name
    return "python" if file.startswith("<frozen ") else "user"


def is_installed(file: str) -> bool:
    """Tells a file of an installed package from one that the user writes."""
    return f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file


def user_frames(frames: Iterable[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    """Returns the frames that are not a framework's, Python's or ours, in the same order."""
    written = (frame for frame in map(tf_private.written_frame, frames) if frame)
    return [frame for frame in written if file_origin(frame[0]) == "user"]


@functools.cache
def _framework_roots() -> tuple[tuple[str, str], ...]:
    """The folders of code that is not the user's. Installed packages are the user's: their lines matter too."""
    roots = [("tracer", str(Path(__file__).resolve().parents[1]) + os.sep)]
    for name in ("tensorflow", "keras", "tf_keras", "click", "wrapt"):
        with contextlib.suppress(ImportError, ValueError):
            spec = importlib.util.find_spec(name)
            if spec and spec.origin:
                roots.append((name, str(Path(spec.origin).parent) + os.sep))
    standard = sysconfig.get_path("stdlib")
    packages = (os.sep + "site-packages", os.sep + "dist-packages")
    roots += [("python", str(entry)) for entry in sorted(Path(standard).glob("*")) if not str(entry).endswith(packages)]
    return tuple(roots)


class LineTable:
    """Source lines of nodes, each file, frame and stack once: thousands of nodes share a few."""

    def __init__(self) -> None:
        self._files: dict[str, int] = {}
        self._frames: dict[tuple[str, int, str], int] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        self._nodes: dict[str, dict[str, int]] = {}

    @property
    def files(self) -> tuple[str, ...]:
        """The user's files that nodes came from."""
        return tuple(self._files)

    def add(self, function: str, info: Any) -> None:
        """Adds the nodes of one function; `""` is the traced function itself, others are those that it runs."""
        stacks = {
            trace_id: self._stack(
                user_frames(
                    (info.files[frame.file_index], frame.line, frame.func)
                    for frame in (info.frames_by_id[frame_id] for frame_id in trace.frame_id)
                )
            )
            for trace_id, trace in info.traces_by_id.items()
        }
        nodes = {name.partition("@")[0]: stacks[trace_id] for name, trace_id in info.name_to_trace_id.items()}
        self._nodes[function] = dict(sorted(nodes.items()))

    def as_json(self) -> dict[str, Any]:
        """Returns the table: `nodes[function][node]` is an index into `stacks`, outermost frame first."""
        return {
            "files": list(self._files),
            "frames": [[self._files[file], line, function] for file, line, function in self._frames],
            "stacks": [list(stack) for stack in self._stacks],
            "nodes": self._nodes,
        }

    def _stack(self, recorded: list[tuple[str, int, str]]) -> int:
        true = [frame for frame in map(true_frame, recorded) if frame]
        # A lambda or a comprehension is a frame of its own at the line of the frame around it.
        frames = [frame for before, frame in pairwise([("", 0, ""), *true]) if frame[:2] != before[:2]]
        for frame in frames:
            self._files.setdefault(frame[0], len(self._files))
        indexes = tuple(self._frames.setdefault(frame, len(self._frames)) for frame in frames)
        return self._stacks.setdefault(indexes, len(self._stacks))


def lines(function: Any) -> LineTable:
    """Returns the source lines of an AtomicFunction's nodes and of those of the functions that it runs."""
    table = LineTable()
    for name, part in (("", function), *((text(child.name), child) for child in function.children)):
        info = tf_private.debug_info(part)
        if info is not None:
            table.add(name, info)
    return table


def text(name: bytes | str) -> str:
    """Returns a runtime function's name, which TensorFlow keeps as bytes."""
    return name.decode() if isinstance(name, bytes) else name
