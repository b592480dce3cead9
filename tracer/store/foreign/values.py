"""Runs and traces of what was not recorded by us."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tracer.errors import Unreadable
from tracer.graph.model import Graph
from tracer.recorded import STAGES, Run, Trace, Warned, group_functions
from tracer.store import layout
from tracer.text import byte_size

MESSAGE_LIMIT = (1 << 31) - 1  # protobuf's own, in bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A graph that was found, before it has its number in the run."""

    name: str
    graphs: Mapping[str, Callable[[], Graph]]  # by stage; each is read when it is asked for
    missing: str  # why there are no other stages
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # more fields of `Trace`


def foreign_run(
    path: Path,
    kind: str,
    found: Iterable[Found],
    *,
    warnings: Iterable[Warned] = (),
    started: str = "",
    versions: Mapping[str, str] | None = None,
) -> Run:
    """Returns a run of the graphs that were found, in their order.

    Args:
      path: where they were found.
      kind: what that is: `SavedModel`.
      found: the graphs.
      warnings: what could not be read.
      started: when it was written, ISO 8601, if known.
      versions: which versions of what wrote it, if known.
    """
    return Run(
        path=str(path),
        name=shown(path.name or str(path.resolve().name)),
        status="complete",
        scenario=kind,
        target=shown(str(path)),
        parameters={},
        started=started,
        seconds=None,
        versions=versions or {},
        host={},
        window=None,
        error="",
        traceback="",
        calls=(),
        warnings=tuple(warnings),
        functions=group_functions([_trace(index, item) for index, item in enumerate(found)]),
    )


def _trace(index: int, found: Found) -> Trace:
    graphs = found.graphs
    defaults: dict[str, Any] = {
        "id": layout.trace_folder(index, found.name),
        "name": found.name,
        "qualname": "",
        "runtime_name": "",
        "kind": "inference",
        "origin": "user",
        "arguments": (),
        "returns": "",
        "definition": None,
        "call_site": None,
        "cause": "",
        "seconds": None,
        "calls": None,
        "stages": {stage: "" if stage in graphs else found.missing for stage in STAGES},
        "_read": lambda _, stage: graphs[stage](),
    }
    return Trace(**{**defaults, **found.facts})


def shown(name: str) -> str:
    """Returns a file's name as text: bytes of it that are no UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_bytes(path: Path) -> bytes:
    """Returns the content of a file that is to be one message.

    Raises:
      Unreadable: it is no file, may not be read, or is larger than any message can be.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():  # a pipe, or a device, may never end
            raise Unreadable(f"{path} is no file", hint="name a file, or a folder")
        if size > MESSAGE_LIMIT:
            raise Unreadable(
                f"{path} has {byte_size(size)}: a protobuf message cannot have more than 2 GB",
                hint="it was cut off, or is of another kind",
            )
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}", hint="check the path and its permissions") from error
