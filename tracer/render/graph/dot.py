"""A view in Graphviz's language (graphviz.org/doc/info/lang.html): scopes as clusters, types on the edges."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.graph.references import CONTROL
from tracer.render.graph.fold import folded
from tracer.render.graph.words import LABEL, reads_text, source_text, type_text, visible
from tracer.report.export import Edge, GraphView, ViewNode

# Clusters within clusters. Graphviz's parser gives up at some thousand levels, and nobody sees more than a few.
DEPTH = 50

_HEAD = """\
digraph {name} {{
  graph [label={name}, labelloc=t, compound=true, fontname="Helvetica"];
  node [shape=box, style="rounded,filled", fillcolor="#f5f5f5", fontname="Helvetica", fontsize=10];
  edge [fontname="Helvetica", fontsize=8, color="#555555"];
"""


def render(view: GraphView) -> str:
    """Returns a `digraph`; nodes are `n0`, `n1`, ... in the order of the graph, and so are clusters."""
    name = quoted(f"{view.trace.name}, {view.stage}" + (f", {view.scope}" if view.scope else ""))
    view = folded(view)
    lines = [*_clusters(view), *(_edge(edge) for edge in view.edges)]
    return _HEAD.format(name=name) + "".join(f"{line}\n" for line in lines) + "}\n"


def quoted(text: str, width: int = LABEL) -> str:
    """Returns `text` as a quoted string that shows as it is.

    `\\` starts one of Graphviz's own escapes, `\\N` is a node's name; `&` starts an HTML entity.
    """
    shown = visible(text, width).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{shown}"'


def _clusters(view: GraphView) -> Iterator[str]:
    """Yields the nodes, those of a scope inside its cluster; without recursion, as scopes nest deep."""
    boxes = _boxes(view)
    inside: list[list[int]] = [[] for _ in view.groups]
    below: list[list[int]] = [[] for _ in view.groups]
    for number, node in enumerate(view.nodes):
        inside[boxes[node.group]].append(number)
    for number, group in enumerate(view.groups):
        if boxes[number] == number and number:
            below[group.parent].append(number)
    waiting = [(0, False)]
    while waiting:
        number, done = waiting.pop()
        indent = "  " * view.groups[number].depth
        if done:
            yield f"{indent}}}"
            continue
        if number:
            yield f"{indent}subgraph cluster_{number} {{"
            yield f'{indent}  graph [label={quoted(view.groups[number].label)}, style=rounded, color="#888888"];'
            waiting.append((number, True))
        yield from (_node(at, view.nodes[at], indent + "  ") for at in inside[number])
        waiting += [(child, False) for child in reversed(below[number])]


def _boxes(view: GraphView) -> list[int]:
    """Returns, for each scope, the scope whose cluster holds its nodes: its own, or of those too deep the last one."""
    boxes: list[int] = []
    for number, group in enumerate(view.groups):
        boxes.append(number if group.depth <= DEPTH else boxes[group.parent])
    return boxes


def _node(number: int, node: ViewNode, indent: str) -> str:
    # `\n` between the parts is Graphviz's line break.
    parts = [node.label, *([node.op] if node.op != node.label else []), *([reads_text(node)] if node.reads else [])]
    label = '"' + "\\n".join(quoted(part)[1:-1] for part in parts) + '"'
    told = "\n".join(filter(None, (node.path, source_text(node), node.device)))
    tooltip = "\\n".join(quoted(part, 10 * LABEL)[1:-1] for part in told.split("\n"))
    style = ', style="rounded,dashed"' if node.outside else ""
    return f'{indent}n{number} [label={label}, tooltip="{tooltip}"{style}];'


def _edge(edge: Edge) -> str:
    ends = f"  n{edge.source} -> n{edge.target}"
    if edge.port == CONTROL:
        return f"{ends} [style=dashed, constraint=false];"
    text = type_text(edge.type)
    port = f"{edge.port}: " if edge.port else ""  # the first output goes without saying
    return f"{ends} [label={quoted(port + text)}];" if port or text else f"{ends};"
