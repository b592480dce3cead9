"""Names of the files and folders of a run. Nobody else spells them.

logs/demo_module/20261123-021530/        scenario / local time stamp
  run.json                               state, target, versions, outcome
  events.out.tfevents.*                  one tag a trace, for TensorBoard
  raw/events.out.tfevents.*              what `tf.summary.trace_export` wrote, untouched
  plugins/profile/<session>/<host>.xplane.pb
  functions/000-addprint/                one folder a trace: trace.json, graph.pb, autograph.py, ...
  sources/                               the user's files that lines refer to
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

FORMAT = 1  # of run.json and trace.json; a reader refuses a newer one

RUN_FILE = "run.json"
REMOVED = ".{}.removed"  # what a run's folder is called while it is being removed: nobody lists it any more
FUNCTIONS = "functions"
SOURCES = "sources"
RAW_EXPORT = "raw"
PROFILES = "plugins/profile"
WINDOW_ASIDE = ".window"  # where the profiler writes while a window is open, so that each appears whole
OWN_ASIDE = ".own"  # and a profiler that the program turned on without saying where to
TRACE_FILE = "trace.json"
EVENT_PREFIX = "events.out.tfevents."

STAGE_FILES = {
    "source": "source.py",
    "autograph": "autograph.py",
    "traced": "graph.pb",
    "optimized": "optimized.pb",
    "hlo": "hlo.txt",
    "optimized_hlo": "optimized_hlo.txt",
}
GRAPH_STAGES = frozenset({"traced", "optimized"})

DEFAULT_LOGDIR = "logs"
LOGDIR_VARIABLE = "TRACE_SCENARIO_LOGDIR"

_UNSAFE = re.compile(r"[^\w.-]+")


def default_logdir() -> Path:
    """Returns the log folder to use where none is named."""
    return Path(os.environ.get(LOGDIR_VARIABLE) or DEFAULT_LOGDIR)


def slug(name: str) -> str:
    """Returns `name` as one file name that any file system takes: no separators, at most 60 characters, 180 bytes."""
    # 180 bytes leave room for what is put around it (`write_bytes`), up to the 255 that most file systems take.
    short = _UNSAFE.sub("_", name).strip("._-")[:60].encode()[:180].decode(errors="ignore")
    return short.rstrip("._-") or "unnamed"


def trace_folder(index: int, name: str) -> str:
    """Returns the name of the folder of the trace that was recorded as number `index`."""
    return f"{index:03d}-{slug(name)}"


def source_name(file: str) -> str:
    """Returns the name under which a source file is kept; two files of one name stay apart."""
    return f"{hashlib.sha256(file.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}-{slug(Path(file).name)}"
