"""A view as a table: a row for each node."""

from __future__ import annotations

import csv
import io
import json

from tracer.render.graph.words import plain, reads_text, type_text
from tracer.report.export import Cost, GraphView, ViewNode

COLUMNS = (
    "path",
    "op",
    "label",
    "scope",
    "device",
    "inputs",
    "outputs",
    "variable",
    "reads",
    "source_file",
    "source_line",
    "source_function",
    "functions",
    "not_followed",
    "outside",
    "attributes",
    "calls",
    "self_ns",
    "total_ns",
    "allocated_bytes",
    "phase",
    "module",
)

# What makes a cell a formula to a spreadsheet (owasp.org/www-community/attacks/CSV_Injection), and the quote itself,
# so that a reader who takes one leading quote away gets every cell back as it was. The last four are the wide forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render(view: GraphView) -> str:
    """Returns a header and a row for each node, in the order of the graph; lines end as RFC 4180 wants, with CRLF."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    attributes: dict[int, str] = {}
    for node in view.nodes:
        if id(node.attributes) not in attributes:  # shared by all nodes of a kind
            attributes[id(node.attributes)] = json.dumps(plain(node.attributes), allow_nan=False)
        writer.writerow([_cell(text) for text in _row(node, attributes[id(node.attributes)])])
    return out.getvalue()


def _row(node: ViewNode, attributes: str) -> tuple[str, ...]:
    line = node.line
    return (
        node.path,
        node.op,
        node.label,
        node.scope,
        node.device,
        " ".join(node.inputs),
        "; ".join(map(type_text, node.outputs)),
        node.variable.name if node.variable else "",
        reads_text(node),
        line.file if line else "",
        str(line.line) if line else "",
        line.function if line else "",
        ", ".join(node.functions),
        node.not_followed,
        "yes" if node.outside else "",
        attributes,
        *(map(str, node.cost) if node.cost else ("",) * len(Cost._fields)),
    )


def _cell(text: str) -> str:
    """Returns the text of a cell: no formula, no NUL, and no half of a surrogate pair, which UTF-8 cannot hold."""
    if not text.isprintable():
        text = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
    return f"'{text}" if text.startswith(_FORMULA) else text
