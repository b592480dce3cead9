"""Single files: what one is, by its content, and the run that it becomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.errors import Unreadable
from tracer.graph.model import Graph
from tracer.recorded import Run
from tracer.store.foreign.event_files import MARK, read_event_file
from tracer.store.foreign.keras_json import keras_graph
from tracer.store.foreign.saved_model import MODEL_FILE, saved_model_run
from tracer.store.foreign.values import Found, foreign_run, read_bytes, shown
from tracer.store.graph_def import graph_of, parse_message, paused_collector

_READS = "event files (*tfevents*), GraphDef .pb and .pbtxt, saved_model.pb, the JSON of a Keras model"
_RECORD = "trace-scenario run FILE records it"
# First bytes, their offset, what a file with them is, and what to do about it.
_OTHERS = (
    (b"\x89HDF\r\n\x1a\n", 0, "an HDF5 file: Keras weights, or a whole model", _RECORD),
    (b"PK\x03\x04", 0, "a zip archive, such as Keras 3's .keras files", f"of a .keras file, {_RECORD}"),
    (b"TFL3", 4, "a TensorFlow Lite model: it holds no GraphDef", "read the SavedModel that it was made from"),
    (b"\x1f\x8b", 0, "compressed with gzip", "unpack it: gunzip FILE"),
    (b"\x0a\x0d\x0d\x0a", 0, "a network capture", ""),
)
_FIELD = re.compile(r"\s*(?:#[^\n]*\n\s*)*(?:node|library|versions|version|meta_info_def|graph_def)\s*[:{]")
_TOP = {"GraphDef": ("node", "library")}


def read_file(path: Path) -> Run:
    """Returns the run of a single file: an event file by its name, anything else by its content.

    Raises:
      Unreadable: it may not be read, is damaged, or is of a kind that holds no graph; the message says which.
    """
    if MARK in path.name and path.is_file():
        return read_event_file(path)
    content = read_bytes(path)
    if not content:
        raise Unreadable(f"{path} is empty", hint="its writer was cut off; make the file again")
    for mark, offset, kind, hint in _OTHERS:
        if content[offset : offset + len(mark)] == mark:
            raise Unreadable(f"{path} is {kind}", hint=hint or _looks_for())
    if path.name.endswith(".xplane.pb"):
        raise Unreadable(f"{path} is a profile: it holds events, and no graph", hint="name the run that it belongs to")
    text = _as_text(content)
    return _read_text(path, text) if text is not None else _read_message(path, content)
