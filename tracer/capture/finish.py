"""What a session writes when it ends: the later stages of each trace, and the event file that TensorBoard opens."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tracer.capture import tf_private
from tracer.capture.functions import RecordedFunction
from tracer.capture.optimized import optimized_graphs
from tracer.errors import WriteFailed, reason
from tracer.recorded import Run
from tracer.store import layout
from tracer.store.events import read_graph_tags, write_graph_events
from tracer.store.load import load_run, read_graph_def
from tracer.store.writer import RunWriter


def write_stages(writer: RunWriter, recorded: Iterable[RecordedFunction], exported: list[Any]) -> None:
    """Adds the optimised graph of each function, and the HLO of the jitted ones."""
    functions = list(recorded)
    folders = {function.runtime_name: function.folder for function in functions}
    for name, graph in optimized_graphs(functions, exported, _TracedGraphs(writer.path, functions)).items():
        writer.add_stage(folders[name], "optimized", graph.SerializeToString())
    for function in functions:
        for stage in ("hlo", "optimized_hlo"):
            _write_hlo(writer, function, stage)


def _write_hlo(writer: RunWriter, function: RecordedFunction, stage: str) -> None:
    if function.jitted is None:
        function.missing[stage] = "XLA does not compile it: jit_compile is off"
    elif function.jitted is True:
        function.missing[stage] = "it was traced before the session"
    else:
        try:
            writer.add_stage(function.folder, stage, tf_private.hlo(function.jitted, stage).encode())
        except WriteFailed:
            raise
        except Exception as error:  # noqa: BLE001  # XLA refuses in many ways: unknown shapes, unsupported ops
            function.missing[stage] = f"XLA gave none: {reason(error)}"


def write_tags(path: Path) -> int:
    """Writes one tag for each trace, reads everything that the session wrote back, and returns how many functions.

    Raises:
      WriteFailed: a file is missing, empty, or not what was written.
    """
    run = load_run(path)
    tags = tag_names(run)
    graphs = {
        tag: (path / layout.FUNCTIONS / folder / layout.STAGE_FILES["traced"]).read_bytes()
        for folder, tag in tags.items()
    }
    for folder, content in zip(tags, graphs.values(), strict=True):
        if not read_graph_def(content, path / layout.FUNCTIONS / folder).node:
            raise WriteFailed(f"{folder} reads back as an empty graph", hint="check the disk, and record the run again")
    if not graphs:
        return 0
    file = write_graph_events(path, graphs, host=socket.gethostname())
    written = {tag: len(metadata.function_graphs) for tag, metadata in read_graph_tags(file).items()}
    if written != dict.fromkeys(graphs, 1):
        raise WriteFailed(
            f"{file} does not read back as it was written", hint="check the disk, and record the run again"
        )
    return len(run.functions)


def tag_names(run: Run) -> dict[str, str]:
    """Returns TensorBoard's tag for each trace folder: `1 train_step`, `2 loss (2)`.

    TensorBoard sorts tags and opens the first, so the number puts the function first that the program called.
    """
    tags: dict[str, str] = {}
    for function in run.functions.values():
        traces = sorted(function.traces, key=lambda trace: (not trace.calls, trace.order))
        for number, trace in enumerate(traces, 1):
            again = f" ({number})" if number > 1 else ""
            tags[trace.id] = f"{len(tags) + 1} {function.name}{again}"
    return tags


class _TracedGraphs(Mapping[str, Any]):
    """The traced graphs of the session by runtime name, read from its folder when they are asked for."""

    def __init__(self, path: Path, functions: list[RecordedFunction]) -> None:
        self._files = {
            function.runtime_name: path / layout.FUNCTIONS / function.folder / layout.STAGE_FILES["traced"]
            for function in functions
        }

    def __getitem__(self, name: str) -> Any:
        file = self._files[name]
        return read_graph_def(file.read_bytes(), file)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
