"""The formats of `export`: those of graphs, those of profiles, and those of a run at a glance."""

from __future__ import annotations

from tracer.errors import UsageError, did_you_mean
from tracer.render import graph, html, profile

NAMES = (*graph.FORMATS, *profile.FORMATS, *html.FORMATS)


def check_format(name: str) -> None:
    """Checks that there is a format of this name.

    Raises:
      UsageError: there is none.
    """
    if name not in NAMES:
        hint = did_you_mean(name, NAMES, otherwise=f"formats: {', '.join(NAMES)}")
        raise UsageError(f"no format named '{name}'", hint=hint)


def is_binary(name: str) -> bool:
    """Returns whether a format is for programs only: no terminal can show it."""
    return name in profile.FORMATS and profile.FORMATS[name].binary
