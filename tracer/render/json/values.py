"""What all objects of JSON share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tracer.graph.lines import Frame
from tracer.report.listing import Listing


def dumps(value: dict[str, Any]) -> str:
    """Returns one JSON object; names of any script are escaped, so that it prints everywhere."""
    return json.dumps(value, indent=2)


def source_of(frame: Frame | None) -> dict[str, Any] | None:
    """Returns a line of Python as objects name it."""
    return None if frame is None else {"file": frame.file, "line": frame.line}


def listed(rows: Listing[Any], convert: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Returns a list of results that says how much of it there is."""
    return {
        "returned": len(rows.items),
        "total": rows.total,
        "truncated": rows.truncated,
        "items": [convert(item) for item in rows.items],
    }
