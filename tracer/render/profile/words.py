"""Stacks of Python as names of frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tracer.graph.lines import Frame

NO_LINE = "(no line of yours)"  # nodes that a library made: no stack of the user's leads to them
UNKNOWN_OP = "(unknown op)"


def short_files(files: Iterable[str]) -> Mapping[str, str]:
    """Returns the end of each path that tells it apart from the others: `net.py`; `a/net.py` and `b/net.py`."""
    parts = {file: file.replace("\\", "/").split("/") for file in files}
    found: dict[str, str] = {}
    level = 1
    while len(found) < len(parts):
        ends = Counter("/".join(each[-level:]) for each in parts.values())
        for file, each in parts.items():
            end = "/".join(each[-level:])
            if file not in found and (ends[end] == 1 or level >= len(each)):
                found[file] = end if ends[end] == 1 else file
        level += 1
    return found


def frame_text(frame: Frame, short: Mapping[str, str]) -> str:
    """Returns a frame as one name: `net.py:__call__:46`."""
    return f"{short[frame.file]}:{frame.function}:{frame.line}"


def op_text(op: str) -> str:
    """Returns the name of the frame that an op is."""
    return op or UNKNOWN_OP
