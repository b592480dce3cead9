"""What leaves a scope: the tensors that are made in it and read outside."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.graph.inline import Inlined
from tracer.graph.model import Kind, TensorType
from tracer.graph.scopes import ScopeTree

_NO_RESULTS = frozenset({"Const", "Placeholder", "PlaceholderWithDefault", "_Arg"})


def leaving(graph: Inlined, tree: ScopeTree, owners: Sequence[int]) -> list[dict[str, TensorType]]:
    """Returns, for each scope, the tensors that leave it, `net/add` or `net/split:1`, in the order of their reading.

    A function's results leave all scopes. They are what `_Retval` reads; else each `Identity` that nobody reads, as
    TensorFlow ends a function with; else whatever nobody reads, but for arguments and constants. Control edges carry
    nothing.

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
            returned = kinds[reader].op == "_Retval"
            if returned or owners[at] != owners[reader]:
                type_ = _type(kinds[at].outputs, int(port) if port.isdecimal() else 0)
                _leave(found, tree, owners[at], -1 if returned else owners[reader], text, type_)
    for at in _results([at for at in range(len(names)) if at not in read], kinds):
        for number, output in enumerate(kinds[at].outputs):
            _leave(found, tree, owners[at], -1, f"{names[at]}:{number}" if number else names[at], output)
    return found


def _results(unread: Sequence[int], kinds: Sequence[Kind]) -> list[int]:
    """Returns which of the nodes that nobody reads are a function's results."""
    ends = [at for at in unread if kinds[at].op in ("Identity", "IdentityN")]
    return ends or [at for at in unread if kinds[at].op not in _NO_RESULTS]


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
