"""The scope tree as an SVG: boxes below boxes, as wide as their part of the time, the darker the more is their own.

No colour depends on the page's: text has the colour of the text around it, and boxes are one hue that lets the page
shine through, so that the same picture is readable on light and on dark. Boxes are placed in percent, each an `<svg>`
of its own that clips what is in it: so the picture is as wide as its cell, and its letters stay as they are.
"""

from __future__ import annotations

from tracer import text
from tracer.render.html.escape import escaped
from tracer.render.text.columns import View, output_text
from tracer.report.overview import Overview
from tracer.report.picture import NODES, TIME, Box, Picture

HUES = {TIME: "#f76707", NODES: "#228be6"}  # at most HEAT of it: both black and white text stay readable on that
FAINT, HEAT = 0.07, 0.6  # opacity of a box with nothing of its own, and of the one with the most
_ROW = 23  # pixels from one level to the next, of which one is the gap
_NAMED = 0.025  # part of the width from which on a box has room for a few letters
_LABEL = 60  # characters
_XMLNS = "http://www.w3.org/2000/svg"
_FONT = 'font-family="system-ui,-apple-system,Segoe UI,Roboto,sans-serif" font-size="12"'
_ALONE = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"
_WIDE = 10_000  # columns: nothing is shortened for want of room


def svg(report: Overview) -> str:
    """Returns the picture as a file of its own; of a run without a graph a line that says so."""
    if report.picture is None:
        body = f'<text x="4" y="16" fill="currentColor" {_FONT}>{escaped(report.run.name)}: no graph to draw</text>'
        return f'<svg xmlns="{_XMLNS}" width="100%" height="24">{_ALONE}{body}</svg>\n'
    title = report.show.shown_name if report.show else ""
    return drawing(report.picture, title, alone=True) + "\n"


def drawing(picture: Picture, title: str, *, alone: bool = False) -> str:
    """Returns the picture of the scopes of the function that is called `title`."""
    height = _ROW * (max(box.level for box in picture.boxes) + 1)
    most = max(box.own for box in picture.boxes)
    label = escaped(f"scopes of {title} by {picture.measure}")
    head = f'<svg xmlns="{_XMLNS}" role="img" aria-label="{label}" width="100%" height="{height}" {_FONT}>'
    boxes = [_box(box, picture, most) for box in picture.boxes]
    return "\n".join([head + (_ALONE if alone else ""), *boxes, "</svg>"])


def _box(box: Box, picture: Picture, most: float) -> str:
    heat = FAINT + (HEAT - FAINT) * (box.own / most) ** 0.5 if most else FAINT
    fill = f'fill="{HUES[picture.measure]}" fill-opacity="{heat:.2f}"'
    place = f'x="{_percent(box.begin)}" y="{_ROW * box.level}" width="{_percent(box.share)}" height="{_ROW - 1}"'
    frame = f'<rect width="100%" height="100%" {fill} stroke="currentColor" stroke-opacity=".3"/>'
    return f"<svg {place}><title>{_tooltip(box, picture)}</title>{frame}{_words(box, picture)}</svg>"


def _words(box: Box, picture: Picture) -> str:
    """Returns what is written in a box: its name first, as the box may have room for no more."""
    if box.share < _NAMED:
        return ""
    row = box.row
    name = escaped(row.pattern or row.label or '""', _LABEL)
    behind = [f"x{text.count(row.scopes)}"] if row.pattern else []
    behind.append(text.nanoseconds(row.total_ns) if picture.measure == TIME else text.plural(row.nodes, "node"))
    behind.append(_output(box))
    faint = escaped(" · ".join(filter(None, behind)))
    return f'<text x="5" y="15" fill="currentColor">{name}<tspan dx="8" opacity=".75">{faint}</tspan></text>'


def _tooltip(box: Box, picture: Picture) -> str:
    """Returns what a box tells in full, a line for each thing."""
    row = box.row
    runs = f" = {row.runs}" if row.runs else ""
    lines = [(row.path or row.label) + runs]
    if row.pattern:
        lines.append(f"{text.count(row.scopes)} scopes of the same structure: {row.label}")
    if picture.measure == TIME:
        own = f"{text.nanoseconds(round(box.own * picture.whole))} of its own"
        lines.append(f"{text.nanoseconds(row.total_ns)}, {text.percent(box.share)} of all; {own}")
    lines.append(text.plural(row.nodes, "node"))
    lines += [f"output: {_output(box)}"] if _output(box) else []
    lines += [f"{text.quantity(row.parameters)} parameters"] if row.parameters else []
    ops = ", ".join(f"{op} x{number}" if number > 1 else op for op, number in row.ops)
    lines += [f"ops: {ops}"] if ops else []
    return "\n".join(map(escaped, lines))


def _output(box: Box) -> str:
    return output_text(box.row, View(_WIDE, ""))


def _percent(part: float) -> str:
    return f"{100 * part:.2f}".rstrip("0").rstrip(".") + "%"
