"""A run's folder to a `Run`. What is there is read, whatever state the run was left in."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tracer.errors import Unreadable
from tracer.graph.lines import Frame, Lines
from tracer.graph.model import Graph, TensorType, Variable
from tracer.recorded import Argument, Key, ModuleScope, Part, Raised, Run, Trace, Warned, Window, group_functions
from tracer.store import layout
from tracer.store.files import read_json
from tracer.store.graph_def import read_graph
from tracer.store.process import is_alive
from tracer.store.profiles import ProfileReader, profile_files
from tracer.store.schema import RUN, TRACE, check
from tracer.store.sources import open_source

_TYPE = re.compile(r"(?P<dtype>\w+)\[(?P<dims>\.\.\.|[\d?, ]*)\]")
GONE = "its file is gone"  # of a traced graph, which every trace has if nobody says why not
_AGAIN = "the file is damaged; record the run again"


class NewerFormat(Unreadable):
    """A later version of this tool wrote it."""


def load_run(path: Path) -> Run:
    """Reads a run; its graphs are read when they are asked for.

    Raises:
      Unreadable: `run.json` is damaged, or was written by a newer version. A damaged `trace.json` is a warning.
    """
    facts = read_header(path)
    try:
        return _run(path, facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"{path} is not as a run is written: {type(error).__name__} {error}", hint=_AGAIN) from error


def _run(path: Path, facts: dict[str, Any]) -> Run:
    outcomes = facts.get("traces") or {}
    warnings = [Warned(item["code"], item["message"], item.get("hint", "")) for item in facts.get("warnings") or ()]
    traces = []
    for folder in sorted((path / layout.FUNCTIONS).glob("[0-9]*")):
        trace, damage = _readable_trace(path, folder, outcomes.get(folder.name) or {})
        traces.append(trace)
        warnings += damage
    for gone in sorted({*outcomes}.difference(trace.id for trace in traces)):
        warnings.append(Warned("damaged", f"{path / layout.FUNCTIONS / gone} is gone", "record the run again"))
    window = _window(facts["window"]) if facts.get("window") else None
    raised = facts.get("raised")
    reader = ProfileReader()
    return Run(
        path=str(path),
        name=f"{path.parent.name}/{path.name}",
        status=status(facts),
        scenario=str(facts.get("scenario", "")),
        target=str(facts.get("target", "")),
        parameters=facts.get("parameters") or {},
        started=str(facts.get("started", "")),
        seconds=facts.get("seconds"),
        versions=facts.get("versions") or {},
        host=facts.get("host") or {},
        window=window,
        error=str(facts.get("error") or ""),
        traceback=str(facts.get("traceback") or ""),
        calls=tuple(facts.get("calls") or ()),
        warnings=tuple(warnings),
        functions=group_functions(traces),
        profiles=profile_files(path, [each["session"] for each in facts.get("windows") or () if each.get("counted")]),
        unprofiled_ns=tuple(facts.get("bare_step_ns") or ()),
        unprofiled_cpu_ns=tuple(facts.get("bare_cpu_ns") or ()),
        warmup=int(facts.get("warmup") or 0),
        raised=Raised(raised["pass"], raised["step"]) if raised else None,
        _open_profile=reader.profile,
        _open_steps=reader.steps,
        _open_source=functools.partial(open_source, path),
    )


def _window(facts: Mapping[str, Any]) -> Window:
    return Window(
        steps=facts["steps"],
        warmup=facts["warmup"],
        wall_ns=facts["wall_ns"],
        step_ns=tuple(facts.get("step_ns") or ()),
        bare_step_ns=tuple(facts.get("bare_step_ns") or ()),
        fresh=bool(facts.get("fresh")),
        incomplete=str(facts.get("incomplete") or ""),
        function=str(facts.get("function") or ""),
        windows=facts.get("windows") or 1,
        others=facts.get("others") or 0,
        bare_cpu_ns=tuple(facts.get("bare_cpu_ns") or ()),
    )


def read_header(path: Path) -> dict[str, Any]:
    """Reads `run.json` alone.

    Raises:
      Unreadable: it is damaged, or was written by a newer version.
    """
    facts = _checked(read_json(path / layout.RUN_FILE), path)
    try:
        check(facts, RUN)
    except ValueError as error:
        raise Unreadable(f"{path} is not as a run is written: {error}", hint=_AGAIN) from None
    return facts


def status(facts: Mapping[str, Any]) -> str:
    """Returns the state of a run; one that is `recording` in a process that is gone was interrupted."""
    state = str(facts.get("status", "interrupted"))
    process = facts.get("process")
    if state == "recording" and not (isinstance(process, Mapping) and is_alive(process)):
        return "interrupted"
    return state


def _checked(facts: dict[str, Any], path: Path) -> dict[str, Any]:
    version = facts.get("format")
    if not isinstance(version, int):
        raise Unreadable(f"{path} does not say its format", hint="the file is damaged, or no run's")
    if version > layout.FORMAT:
        raise NewerFormat(
            f"{path} was written in format {version}; this version reads up to {layout.FORMAT}",
            hint="pip install --upgrade trace-scenario",
        )
    return facts


def _readable_trace(run: Path, folder: Path, outcome: Mapping[str, Any]) -> tuple[Trace, list[Warned]]:
    """Returns a trace; if its `trace.json` is damaged, what the files beside it tell, and a warning."""
    path = folder / layout.TRACE_FILE
    try:
        facts = _checked(read_json(path), folder)
        check(facts, TRACE)
        return _trace(run, folder, facts, outcome), []
    except NewerFormat:
        raise
    except Unreadable as error:
        problem = error.message
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        problem = f"{path} is not as a trace is written: {type(error).__name__} {error}"
    name = folder.name.partition("-")[2]
    hint = f"'{name}' is shown with what its other files tell; record the run again"
    return _trace(run, folder, {"name": name}, outcome), [Warned("damaged", problem, hint)]


def _trace(run: Path, folder: Path, facts: Mapping[str, Any], outcome: Mapping[str, Any]) -> Trace:
    missing = {**(facts.get("missing") or {}), **(outcome.get("missing") or {})}
    stages = {
        stage: ""
        if (folder / file).is_file()
        else missing.get(stage, GONE if stage == "traced" else "it was not recorded")
        for stage, file in layout.STAGE_FILES.items()
    }
    captures = captured_variables(facts.get("captures") or ())
    return Trace(
        id=folder.name,
        name=str(facts.get("name", "")),
        qualname=str(facts.get("qualname", "")),
        runtime_name=str(facts.get("runtime_name", "")),
        kind=str(facts.get("kind", "inference")),
        origin=str(facts.get("origin", "user")),
        arguments=tuple(Argument(item["name"], item["type"]) for item in facts.get("arguments") or ()),
        returns=str(facts.get("returns", "")),
        definition=_frame(facts.get("definition")),
        call_site=_frame(facts.get("call_site")),
        cause=str(facts.get("cause", "")),
        seconds=facts.get("seconds"),
        calls=outcome.get("calls"),
        stages=stages,
        _read=lambda trace, stage: _read_stage(run / layout.FUNCTIONS / trace, stage, captures),
        jit_compile=bool(facts.get("jit_compile")),
        captures=captures,
        lines=_lines(facts.get("lines") or {}),
        modules=tuple(
            ModuleScope(item["scope"], item["name"], item["class"], item["kind"]) for item in facts.get("modules") or ()
        ),
        object=facts.get("object") or 0,
        key=_key(facts),
    )


def _key(facts: Mapping[str, Any]) -> Key:
    """Returns what a trace is told from others by; of an older run the arguments alone, without what is in them."""
    key = facts.get("key") or {}
    arguments = facts.get("arguments") or ()
    return Key(
        parts=tuple(Part(part["path"], part["type"], part["depth"], part["object"]) for part in key.get("parts") or ())
        or tuple(Part(item["name"], item["type"]) for item in arguments),
        at_s=key.get("at_s"),
        replaces=key.get("replaces") or 0,
        context=key.get("context") or {},
        closure=tuple(Part(item["name"], item["type"], 0, item["object"]) for item in key.get("closure") or ()),
        captured=key.get("captured") or {},
        signature=bool(key.get("signature")),
        reduce_retracing=bool(key.get("reduce_retracing")),
    )


def captured_variables(facts: Iterable[Mapping[str, Any]]) -> dict[str, Variable]:
    """Returns what a function takes from outside, as `trace.json` has it, by the node that stands for it."""
    return {item["node"]: _variable(item) for item in facts}


def _frame(facts: Mapping[str, Any] | None) -> Frame | None:
    return Frame(facts["file"], facts["line"], facts["function"]) if facts else None


def _lines(facts: Mapping[str, Any]) -> Lines:
    files = facts.get("files") or ()
    lines = Lines(
        frames=tuple(Frame(files[file], line, function) for file, line, function in facts.get("frames") or ()),
        stacks=tuple(map(tuple, facts.get("stacks") or ())),
        nodes=facts.get("nodes") or {},
    )
    for frame in lines.frames:
        check(dataclasses.asdict(frame), TRACE["definition"], "lines.frames")
    if max(map(max, filter(None, lines.stacks)), default=-1) >= len(lines.frames):
        raise ValueError("a stack has a line that is not there")
    if max((max(nodes.values(), default=-1) for nodes in lines.nodes.values()), default=-1) >= len(lines.stacks):
        raise ValueError("a node has a stack that is not there")
    return lines


def _read_stage(folder: Path, stage: str, captures: Mapping[str, Variable]) -> Graph | str:
    path = folder / layout.STAGE_FILES[stage]
    try:
        if stage not in layout.GRAPH_STAGES:
            return path.read_bytes().decode("utf-8", "replace")
        graph = _read_graph(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error
    return dataclasses.replace(graph, captures=captures)


@functools.lru_cache(maxsize=2)  # the traced and the optimised graph of the trace that is looked at
def _read_graph(path: Path, _modified_ns: int) -> Graph:
    return read_graph(path.read_bytes(), path)


def _variable(facts: Mapping[str, Any]) -> Variable:
    kind, optimizer = facts["kind"], bool(facts.get("optimizer"))
    return Variable(facts["name"], _tensor_type(facts["type"]), bool(facts["trainable"]), kind, optimizer)


def _tensor_type(text: str) -> TensorType:
    """Reads `float32[2, ?]`, and `float32[...]` where not even the rank is known."""
    match = _TYPE.fullmatch(text)
    if not match:
        return TensorType(text, None)
    dims = match["dims"]
    shape = None if dims == "..." else tuple(None if dim == "?" else int(dim) for dim in dims.split(", ") if dim)
    return TensorType(match["dtype"], shape)


def read_graph_def(content: bytes, path: Path) -> Any:
    """Returns the GraphDef message in `content`.

    Raises:
      Unreadable: it is empty, or no GraphDef.
    """
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto import graph_pb2

    damaged = Unreadable(f"{path} holds no graph", hint="the file is damaged; record the run again")
    if not content:
        raise damaged
    try:
        return graph_pb2.GraphDef.FromString(content)
    except DecodeError:
        raise damaged from None
