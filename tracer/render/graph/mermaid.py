"""A view in Mermaid's language (mermaid.js.org/syntax/flowchart.html): scopes as subgraphs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tracer.graph.references import CONTROL
from tracer.render.graph.fold import folded
from tracer.render.graph.words import type_text, visible
from tracer.report.export import GraphView
from tracer.text import count, plural

# What Mermaid draws at most unless a page configures it otherwise: `maxTextSize` and `maxEdges` in its schema.
MAX_TEXT = 50_000
MAX_EDGES = 500
DEPTH = 20  # subgraphs within subgraphs: more are too small to be read
LABEL = 40  # characters
_PLAIN = frozenset(" _/,()[]")  # besides letters and digits. All others are syntax somewhere: "- a" is a list
# What Mermaid itself writes for `&` and `;` before it draws (`encodeEntities` in its utils.ts), and takes back twice.
_MARKS = (("ﬂ°", "\\ufb02°"), ("¶ß", "¶\\xdf"))


@dataclasses.dataclass(frozen=True, slots=True)
class _Picture:
    """What is drawn if the scopes are open down to some depth. A box is a node's number, or ~number of a scope."""

    boxes: dict[int, list[int]]  # by open scope, in the order of the graph
    edges: dict[tuple[int, int], list[str]]  # by the two boxes: the types of what flows; nothing of a control edge


def render(view: GraphView) -> str:
    """Returns a `flowchart TD`. Of a view too large for Mermaid, the scopes below the depth that fits stay closed.

    A comment in the first line says so, and what is left out where not even the outermost scopes fit.
    """
    view = folded(view)
    deepest = max(group.depth for group in view.groups)
    low, high = 0, min(deepest, DEPTH)  # each level that is opened adds boxes and edges: so halving finds the deepest
    best = _draw(view, high)
    if not best:
        while low < high:
            middle = (low + high) // 2
            text = _draw(view, middle)
            best, low, high = (text, middle + 1, high) if text else (best, low, middle)
    return best or _cut(view)


def quoted(text: str, width: int = LABEL) -> str:
    """Returns `text` as a quoted string that shows as it is: by its number each character that could be syntax."""
    shown = visible(text, width)
    for mark, escaped in _MARKS:
        shown = shown.replace(mark, escaped)
    return '"' + "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in shown) + '"'


def _draw(view: GraphView, depth: int) -> str:
    """Returns the picture with scopes open down to `depth`; empty if it is too large."""
    picture = _picture(view, depth)
    if len(picture.edges) > MAX_EDGES or sum(map(len, picture.boxes.values())) > MAX_TEXT // 10:
        return ""
    closed = [~box for boxes in picture.boxes.values() for box in boxes if box < 0]
    hidden = sum(view.groups[number].nodes for number in closed)
    notes = [f"scopes are closed from level {depth + 1} on, so {plural(hidden, 'node')} have no box"] if closed else []
    text = _text(view, picture, notes)
    return text if len(text) <= MAX_TEXT else ""


def _cut(view: GraphView) -> str:
    """Returns as much of the outermost level as fits: the largest scopes first."""
    picture = _picture(view, 0)
    boxes = sorted(picture.boxes[0], key=lambda box: -view.groups[~box].nodes if box < 0 else 0)
    size = min(len(boxes), MAX_TEXT // 10)
    while True:
        kept = set(boxes[:size])
        edges = {ends: types for ends, types in picture.edges.items() if kept.issuperset(ends)}
        part = _Picture({0: [box for box in picture.boxes[0] if box in kept]}, edges)
        note = f"too large: {count(size)} of {plural(len(boxes), 'box', 'boxes')} of the outermost level are drawn"
        text = _text(view, part, [note])
        if len(text) <= MAX_TEXT and len(edges) <= MAX_EDGES:
            return text
        size = size * 3 // 4


def _picture(view: GraphView, depth: int) -> _Picture:
    closed: list[int] = []  # for each scope, the closed scope that it lies in; -1 if it is open
    boxes: dict[int, list[int]] = {}
    for number, group in enumerate(view.groups):
        if group.depth <= depth:
            closed.append(-1)
            boxes[number] = []
        else:
            closed.append(number if closed[group.parent] < 0 else closed[group.parent])
    box_of: list[int] = []
    seen: set[int] = set()
    for index, node in enumerate(view.nodes):
        scope = closed[node.group]
        box_of.append(index if scope < 0 else ~scope)
        if scope < 0:
            boxes[node.group].append(index)
        elif scope not in seen:
            seen.add(scope)
            boxes[view.groups[scope].parent].append(~scope)
    edges: dict[tuple[int, int], list[str]] = {}
    for edge in view.edges:
        ends = box_of[edge.source], box_of[edge.target]
        if ends[0] != ends[1] or ends[0] >= 0:
            types = edges.setdefault(ends, [])
            if edge.port != CONTROL:
                types.append(type_text(edge.type))
    return _Picture(boxes, edges)


def _text(view: GraphView, picture: _Picture, notes: list[str]) -> str:
    lines = [f"%% {note}" for note in notes]
    lines += ["flowchart TD", *_boxes(view, picture)]
    lines += [_edge(_id(ends[0]), _id(ends[1]), types) for ends, types in picture.edges.items()]
    return "".join(f"{line}\n" for line in lines)


def _boxes(view: GraphView, picture: _Picture) -> Iterator[str]:
    below: dict[int, list[int]] = {number: [] for number in picture.boxes}
    for number in picture.boxes:
        if number and view.groups[number].nodes:
            below[view.groups[number].parent].append(number)
    waiting = [(0, False)]
    while waiting:
        number, done = waiting.pop()
        indent = "  " * view.groups[number].depth
        if done:
            yield f"{indent}end"
            continue
        if number:
            yield f"{indent}subgraph s{number} [{quoted(view.groups[number].label)}]"
            waiting.append((number, True))
        yield from (f"{indent}  {_box(view, box)}" for box in picture.boxes[number])
        waiting += [(child, False) for child in reversed(below[number])]


def _box(view: GraphView, box: int) -> str:
    if box < 0:
        group = view.groups[~box]
        return f'{_id(box)}[[{quoted(group.label)[:-1]} ({plural(group.nodes, "node")})"]]'
    node = view.nodes[box]
    return (
        f"{_id(box)}([{quoted(node.label)}])" if node.variable or node.outside else f"{_id(box)}[{quoted(node.label)}]"
    )


def _id(box: int) -> str:
    return f"n{box}" if box >= 0 else f"s{~box}"


def _edge(source: str, target: str, types: list[str]) -> str:
    if not types:
        return f"  {source} -.-> {target}"
    kinds = set(types)
    text = f"{count(len(types))} tensors" if len(kinds) > 1 else types[0] + (f" ({len(types)})" if types[1:] else "")
    return f"  {source} -->|{quoted(text)}| {target}" if text else f"  {source} --> {target}"
