"""A run's folder to a `Run`. What is there is read, whatever state the run was left in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracer.errors import Unreadable
from tracer.graph.model import Graph
from tracer.graph.parse import parse_graph
from tracer.recorded import Argument, Frame, Run, Trace, Warned, Window, group_functions
from tracer.store import layout
from tracer.store.files import read_json
from tracer.store.process import is_alive


def load_run(path: Path) -> Run:
    """Reads a run; its graphs are read when they are asked for.

    Raises:
      Unreadable: `run.json` or a `trace.json` is damaged, or was written by a newer version.
    """
    facts = read_header(path)
    try:
        return _run(path, facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(
            f"{path} is not as a run is written: {type(error).__name__} {error}",
            hint="the file is damaged; record the run again",
        ) from error


def _run(path: Path, facts: dict[str, Any]) -> Run:
    outcomes = facts.get("traces") or {}
    traces = [
        _trace(path, folder, _checked(read_json(folder / layout.TRACE_FILE), folder), outcomes.get(folder.name) or {})
        for folder in sorted((path / layout.FUNCTIONS).glob("[0-9]*"))
    ]
    window = facts.get("window")
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
        window=Window(window["steps"], window["warmup"], window["wall_ns"]) if window else None,
        error=str(facts.get("error") or ""),
        traceback=str(facts.get("traceback") or ""),
        calls=tuple(facts.get("calls") or ()),
        warnings=tuple(
            Warned(item["code"], item["message"], item.get("hint", "")) for item in facts.get("warnings") or ()
        ),
        functions=group_functions(traces),
    )


def read_header(path: Path) -> dict[str, Any]:
    """Reads `run.json` alone.

    Raises:
      Unreadable: it is damaged, or was written by a newer version.
    """
    return _checked(read_json(path / layout.RUN_FILE), path)


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
        raise Unreadable(
            f"{path} was written in format {version}; this version reads up to {layout.FORMAT}",
            hint="pip install --upgrade trace-scenario",
        )
    return facts


def _trace(run: Path, folder: Path, facts: Mapping[str, Any], outcome: Mapping[str, Any]) -> Trace:
    missing = {**(facts.get("missing") or {}), **(outcome.get("missing") or {})}
    stages = {
        stage: ""
        if (folder / file).is_file()
        else missing.get(stage, "its file is gone" if stage == "traced" else "it was not recorded")
        for stage, file in layout.STAGE_FILES.items()
    }
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
        _read=lambda trace, stage: _read_stage(run / layout.FUNCTIONS / trace, stage),
    )


def _frame(facts: Mapping[str, Any] | None) -> Frame | None:
    return Frame(facts["file"], facts["line"], facts["function"]) if facts else None


def _read_stage(folder: Path, stage: str) -> Graph | str:
    path = folder / layout.STAGE_FILES[stage]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error
    if stage not in layout.GRAPH_STAGES:
        return content.decode("utf-8", "replace")
    return parse_graph(read_graph_def(content, path))


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
