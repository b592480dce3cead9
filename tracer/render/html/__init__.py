"""Runs to pages and pictures that a browser shows. One table: the command's choices, the docs and the tests read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from tracer.render.html import page, picture
from tracer.report.overview import Overview


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """One way to write a run at a glance."""

    name: str
    suffix: str  # of a file in it: ".html"
    help: str  # in one line
    render: Callable[[Overview], str]


FORMATS: Mapping[str, Format] = {
    entry.name: entry
    for entry in (
        Format("html", ".html", "the run as one page: functions, times, picture; it works offline", page.page),
        Format("svg", ".svg", "a picture of the scopes, as wide as their time", picture.svg),
    )
}
