"""What a graph is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple


class Body(NamedTuple):
    """A function that a node runs: the callee of a call, a branch of an `If`, the body of a loop."""

    label: str  # the scope that stands for it in a node path: "then", "body"; empty for a plain call
    function: str  # its name in `Graph.functions`


class Node(NamedTuple):
    """One operation. A tuple, because a graph has up to a million of them."""

    name: str
    op: str
    inputs: tuple[str, ...]  # as GraphDef writes them: "a", "a:1", "^a" for a control edge
    device: str
    bodies: tuple[Body, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """A function's nodes, and the functions that they run."""

    nodes: tuple[Node, ...]
    functions: Mapping[str, tuple[Node, ...]] = dataclasses.field(default_factory=dict)
