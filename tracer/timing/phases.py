"""Which part of training a node belongs to, by the graph alone.

TensorFlow's tape puts what it makes below `gradient_tape`. An update is what comes out of gradients and into no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from tracer.graph.model import Nodes
from tracer.graph.references import data_of, find, index_by_name

FORWARD = "forward"
BACKWARD = "backward"
OPTIMIZER = "optimizer"
INPUT = "input"
OTHER = "other"
PHASES = (FORWARD, BACKWARD, OPTIMIZER, INPUT, OTHER)

_GRADIENT = re.compile(r"(?:^|/)gradient(?:_tape|s)(?:_\d+)?(?=/)")
_UPDATE = re.compile(r"Assign\w*VariableOp|Resource(?:Sparse)?Apply\w+|ResourceScatter\w+")
_INPUT = re.compile(r"IteratorGetNext\w*|\w*Dataset(?:V\d+)?")
_LEVELS = 16  # of scopes in which an optimizer's is looked for: paths may be thousands of levels deep


def without_tape(name: str) -> str:
    """Returns a node's name without the scopes of gradient tapes: `gradient_tape/net/MatMul` is of `net`."""
    return _GRADIENT.sub("", name).lstrip("/")


def phases(nodes: Nodes) -> list[str]:
    """Returns the phase of each node of an inlined graph.

    A node is `backward` if a tape made it, or if it stands between two nodes that a tape made; `optimizer` if it comes
    from such nodes and leads to none, or feeds only nodes of the optimizer, or stands in the same scope as an update
    and apart from the forward pass; `input` if it takes a batch out of a dataset; else `forward`.
    """
    backward = [bool(_GRADIENT.search(name)) for name in nodes.names]
    if not any(backward):
        return [INPUT if _INPUT.fullmatch(kind.op) else FORWARD for kind in nodes.kinds]
    inputs = _indexes(nodes)
    after = _reached(inputs, backward)
    before = _reached(_reversed(inputs), backward)
    for index, kind in enumerate(nodes.kinds):
        sums = kind.op == "AddN" and bool(inputs[index]) and all(backward[producer] for producer in inputs[index])
        backward[index] |= after[index] and (before[index] or sums)
    optimizer = [after[index] and not backward[index] for index in range(len(backward))]
    _add_scopes(nodes, optimizer, before, backward)
    _add_feeders(optimizer, backward, before, inputs)
    return [
        BACKWARD if back else OPTIMIZER if update else INPUT if _INPUT.fullmatch(kind.op) else FORWARD
        for back, update, kind in zip(backward, optimizer, nodes.kinds, strict=True)
    ]


def _indexes(nodes: Nodes) -> list[list[int]]:
    """Returns the producers of each node's data inputs: control edges order updates, and hand on nothing."""
    index = index_by_name(nodes.names)
    return [[at for text in data_of(inputs) if (at := find(text, index)[0]) is not None] for inputs in nodes.inputs]


def _reversed(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in edges]
    for index, others in enumerate(edges):
        for other in others:
            found[other].append(index)
    return found


def _reached(edges: Sequence[Sequence[int]], marked: Sequence[bool]) -> list[bool]:
    """Returns which nodes have a marked one among those that `edges` lead to, however far, themselves left out."""
    back = _reversed(edges)
    reached = [False] * len(edges)
    waiting = [index for index, mark in enumerate(marked) if mark]
    while waiting:
        for other in back[waiting.pop()]:
            if not reached[other]:
                reached[other] = True
                waiting.append(other)
    return reached


def _add_scopes(nodes: Nodes, optimizer: list[bool], before: Sequence[bool], backward: Sequence[bool]) -> None:
    """Adds what stands in the outermost scope around an update in which nothing of the forward or backward pass is."""
    taken = {
        scope
        for name, ahead, back in zip(nodes.names, before, backward, strict=True)
        if ahead or back
        for scope in _scopes(name)
    }
    updates = (
        name
        for name, kind, mine in zip(nodes.names, nodes.kinds, optimizer, strict=True)
        if mine and _UPDATE.fullmatch(kind.op)
    )
    scopes = {next((scope for scope in _scopes(name) if scope not in taken), "") for name in updates} - {""}
    for index, name in enumerate(nodes.names):
        if not (optimizer[index] or before[index] or backward[index]):
            optimizer[index] = any(scope in scopes for scope in _scopes(name))


def _scopes(name: str) -> Iterator[str]:
    """Yields the scopes around a node, the outermost first."""
    return islice(_prefixes(name), _LEVELS)


def _prefixes(name: str) -> Iterator[str]:
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def _add_feeders(
    optimizer: list[bool], backward: Sequence[bool], before: Sequence[bool], inputs: Sequence[Sequence[int]]
) -> None:
    """Adds what is read by nodes of the optimizer only: learning rates, decays."""
    others = [0] * len(inputs)  # consumers that are not the optimizer's
    for index, producers in enumerate(inputs):
        if not optimizer[index]:
            for producer in producers:
                others[producer] += 1
    waiting = [index for index, mine in enumerate(optimizer) if mine]
    while waiting:
        for producer in inputs[waiting.pop()]:
            if not (others[producer] or optimizer[producer] or backward[producer] or before[producer]):
                optimizer[producer] = True
                waiting.append(producer)
                for further in inputs[producer]:
                    others[further] -= 1
