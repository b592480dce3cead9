"""Graphs to files that other tools open. One table: the command's choices, the docs and the tests read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tracer.errors import UsageError, did_you_mean
from tracer.render.graph import csv, dot, json, mermaid, model_explorer
from tracer.report.export import GraphView, TextView


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """One way to write a view."""

    name: str
    suffix: str  # of a file in it: ".dot"
    help: str  # in one line
    render: Callable[[Any], str]  # of a `GraphView`; of a `TextView` too, if `texts`
    texts: bool = False
    costs: bool = False  # whether it has room for what nodes took


FORMATS: Mapping[str, Format] = {
    entry.name: entry
    for entry in (
        Format("json", ".json", "all that is known of nodes, edges and scopes", json.render, texts=True, costs=True),
        Format("dot", ".dot", "for Graphviz: dot -Tsvg graph.dot", dot.render),
        Format("csv", ".csv", "a table with a row for each node", csv.render, costs=True),
        Format(
            "model-explorer", ".json", "for Google's Model Explorer: model-explorer graph.json", model_explorer.render
        ),
        Format(
            "mermaid", ".mmd", "a flowchart for Markdown pages; large graphs with their scopes closed", mermaid.render
        ),
    )
}


def check_format(name: str) -> Format:
    """Returns the format of this name.

    Raises:
      UsageError: there is none.
    """
    if name not in FORMATS:
        hint = did_you_mean(name, FORMATS, otherwise=f"formats: {', '.join(FORMATS)}")
        raise UsageError(f"no format named '{name}'", hint=hint)
    return FORMATS[name]


def render_view(view: GraphView | TextView, name: str) -> str:
    """Returns a view in the format of this name, as text that UTF-8 can hold.

    Raises:
      UsageError: there is no such format, or it is for graphs and the view is a text.
    """
    chosen = check_format(name)
    if isinstance(view, TextView) and not chosen.texts:
        raise UsageError(
            f"the stage '{view.stage}' is a text, and '{name}' is for graphs",
            hint="--format json gives the text; graphs are: traced, optimized, hlo, optimized_hlo",
        )
    return chosen.render(view)
