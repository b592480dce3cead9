"""The user's source files as they were when they were recorded."""

from __future__ import annotations

from pathlib import Path

from tracer.recorded import Source
from tracer.store import layout

_NOT_KEPT = "not kept: record without --no-source to see its lines"
_NO_TEXT = "it had no text when it was recorded"  # code that was made as a string
_CHANGED = "changed since: this is the file as it was recorded"
_GONE = "gone since: this is the file as it was recorded"


def open_source(run: Path, file: str) -> Source:
    """Returns a source file as the run kept it, and in a note whether it is another one today."""
    try:
        kept = (run / layout.SOURCES / layout.source_name(file)).read_bytes()
    except (OSError, ValueError):
        return Source(file, (), _NO_TEXT if (run / layout.SOURCES).is_dir() else _NOT_KEPT)
    lines = tuple(kept.decode("utf-8", "replace").splitlines())
    if file.startswith("<") or "ipython-input" in file or "ipykernel" in file:  # a cell of a notebook has no file
        return Source(file, lines, "")
    try:
        today = Path(file).read_bytes()
    except (OSError, ValueError):
        return Source(file, lines, _GONE)
    same = tuple(today.decode("utf-8", "replace").splitlines()) == lines
    return Source(file, lines, "" if same else _CHANGED)
