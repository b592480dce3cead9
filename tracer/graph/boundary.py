"""What leaves a scope: the tensors that are made in it and read outside."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.graph.inline import Inlined
from tracer.graph.model import TensorType
from tracer.graph.scopes import ScopeTree

_NO_RESULTS = frozenset({"Const", "Placeholder", "PlaceholderWithDefault", "_Arg"})


def leaving(graph: Inlined, tree: ScopeTree, owners: Sequence[int]) -> list[dict[str, TensorType]]:
    """Returns, for each scope, the tensors that leave it, `net/add` or `net/split:1`, in the order of their reading.

    What nobody reads leaves all scopes: it is a result; but an argument or a constant that nobody reads is none.
    Control edges carry nothing.

    Args:
      graph: the graph whose edges are followed; nodes that are not in it neither read nor are read.
      tree: its scopes, or those of a graph that it is a part of.
      owners: for each node of the graph, the scope that it lies in.
    """
    found: list[dict[str, TensorType]] = [{} for _ in range(len(tree))]
    names, kinds = graph.nodes.names, graph.nodes.kinds
    index = dict(zip(names, range(len(names)), strict=True))
    read: set[int] = set()
    for reader, inputs in enumerate(graph.nodes.inputs):
        for text in inputs:
            name, _, port = text.partition(":")
            at = index.get(name)  # a control edge, "^net/init", is no node's name
            if at is None:
                continue
            read.add(at)
            if owners[at] != owners[reader]:
                outputs = kinds[at].outputs
                number = int(port) if port.isdecimal() else 0
                _leave(found, tree, owners[at], owners[reader], text, _type(outputs, number))
    for at, kind in enumerate(kinds):
        if at not in read and kind.op not in _NO_RESULTS:
            for number, output in enumerate(kind.outputs):
                _leave(found, tree, owners[at], -1, f"{names[at]}:{number}" if number else names[at], output)
    return found


def _type(outputs: tuple[TensorType, ...], number: int) -> TensorType:
    return outputs[number] if number < len(outputs) else TensorType("", None)


def _leave(
    found: list[dict[str, TensorType]], tree: ScopeTree, scope: int, reader: int, text: str, type_: TensorType
) -> None:
    """Adds a tensor to every scope that it leaves on its way to the reader's scope; to all of them, if that is -1."""
    parents, depths = tree.parents, tree.depths
    while scope != reader and scope >= 0:
        deeper = reader >= 0 and depths[reader] > depths[scope]
        if deeper:
            reader = parents[reader]
            continue
        found[scope].setdefault(text, type_)
        scope = parents[scope]
