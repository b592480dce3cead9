"""Writes one run, piece by piece, so that what is there at any moment can be read."""

from __future__ import annotations

import contextlib
import datetime
import linecache
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracer.store import layout
from tracer.store.files import read_json, write_bytes, write_errors, write_json
from tracer.store.process import this_process
from tracer.store.usage import folder_bytes


class RunWriter:
    """The folder of a run that is being recorded."""

    def __init__(self, logdir: Path, scenario: str, facts: Mapping[str, Any], *, keep_sources: bool = True) -> None:
        """Makes the folder and its `run.json`, in the state `recording`.

        Raises:
          WriteFailed: the log folder cannot be made or written.
        """
        now = datetime.datetime.now().astimezone()
        self.path = _fresh_folder(logdir / layout.slug(scenario), now.strftime("%Y%m%d-%H%M%S"))
        self.bytes_of_traces = 0
        self._begun = time.perf_counter()
        self._keep_sources = keep_sources
        self._sources: set[str] = set()
        self._lock = threading.Lock()
        self._indexes = iter(range(1_000_000_000))
        self._facts: dict[str, Any] = {
            "format": layout.FORMAT,
            "status": "recording",
            "scenario": scenario,
            "started": now.isoformat(timespec="milliseconds"),
            "process": this_process(),
            **facts,
        }
        write_json(self.path / layout.RUN_FILE, self._facts)

    def add_trace(self, name: str, facts: Mapping[str, Any], stages: Mapping[str, bytes]) -> str:
        """Writes the folder of one trace, whole or not at all, and returns its name: `000-addprint`."""
        with self._lock:
            folder = layout.trace_folder(next(self._indexes), name)
        target = self.path / layout.FUNCTIONS / folder
        aside = target.with_name(f".{folder}.tmp")
        with write_errors(target):
            aside.mkdir(parents=True, exist_ok=True)
            for stage, content in stages.items():
                write_bytes(aside / layout.STAGE_FILES[stage], content)
            size = write_json(aside / layout.TRACE_FILE, {"format": layout.FORMAT, "name": name, **facts})
            aside.rename(target)
        self.bytes_of_traces += size + sum(map(len, stages.values()))
        return folder

    def add_stage(self, trace: str, stage: str, content: bytes) -> None:
        """Adds a stage that is only known later: what became of the graph when it first ran."""
        write_bytes(self.path / layout.FUNCTIONS / trace / layout.STAGE_FILES[stage], content)
        self.bytes_of_traces += len(content)

    def complete_trace(self, trace: str, **facts: Any) -> None:
        """Adds to a trace's `trace.json` what is only known later."""
        path = self.path / layout.FUNCTIONS / trace / layout.TRACE_FILE
        write_json(path, {**read_json(path), **facts})

    def add_source(self, file: str) -> None:
        """Keeps a copy of a source file as Python read it, once; `linecache` also knows the cells of a notebook."""
        with self._lock:
            if not self._keep_sources or file in self._sources:
                return
            self._sources.add(file)
        lines = linecache.getlines(file)
        if lines:
            folder = self.path / layout.SOURCES
            with write_errors(folder):
                folder.mkdir(exist_ok=True)
            write_bytes(folder / layout.source_name(file), "".join(lines).encode("utf-8", "surrogatepass"))

    def update(self, **facts: Any) -> None:
        """Adds to `run.json` while the run is being recorded."""
        self._facts.update(facts)
        write_json(self.path / layout.RUN_FILE, self._facts)

    def finish(self, status: str, **facts: Any) -> None:
        """Ends the run: `complete`, `failed` or `interrupted`; says its size too, so that a list need not walk it."""
        seconds = round(time.perf_counter() - self._begun, 6)
        size = {"bytes": folder_bytes(self.path)}
        self.update(status=status, seconds=seconds, **size, **facts)


def _fresh_folder(parent: Path, stamp: str) -> Path:
    """Makes a folder that nobody else has: two processes of one second get `stamp` and `stamp-2`."""
    with write_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for number in range(1, 10_000):
            path = parent / (stamp if number == 1 else f"{stamp}-{number}")
            try:
                path.mkdir(parents=True)  # a removal may just have taken the scenario's folder away
            except FileExistsError:
                continue
            return path.resolve()
    raise RuntimeError(f"10,000 runs of {parent} in one second")


def remove_run(path: Path) -> None:
    """Removes a run's folder, and its scenario's folder where that was the last run.

    The folder is renamed first: a removal that is cut off leaves nothing that reads as a run, and the next one in
    that scenario clears it away. Links in it are removed, what they lead to is not.

    Raises:
      WriteFailed: it may not be removed, or not all of it.
    """
    aside = path.with_name(layout.REMOVED.format(path.name))
    with write_errors(path), contextlib.suppress(FileNotFoundError):  # another process removes it too
        path.rename(aside)
        shutil.rmtree(aside)
    for leftover in path.parent.glob(layout.REMOVED.format("[0-9]*-[0-9]*")):
        shutil.rmtree(leftover, ignore_errors=True)
    with contextlib.suppress(OSError):  # other runs, one that is just being made, or a file of the user's
        path.parent.rmdir()
