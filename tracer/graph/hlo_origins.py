"""From XLA's instructions back to the nodes that they were made from, by the `op_name` in their metadata.

XLA compiles each body of a loop and each branch by itself, and has the nodes of plain calls in their places. So an
`op_name` is a node path that begins behind the last label: `net/while/Tanh` of `net/while/body/net/while/Tanh`. Where a
name is that of several nodes, as in the branches of one condition, the instruction's place decides: it stands in what
the `while` or `conditional` runs that was made from the branch's own `If`. A function that is to be compiled itself
(`jit_compile`) is no plain call; in it names begin anew. A `;` parts several names; a node from an inlined function has
its name there before it too, "in/Tanh;call/in/Tanh" (original_node_names in tensorflow/core/framework/node_def.proto).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracer.graph.inline import Inlined
from tracer.graph.model import Kind
from tracer.graph.names import node_path
from tracer.graph.references import index_by_name

_COPIED = re.compile(r"/_\d+$")

Places = tuple[int, ...]
Origins = tuple[int, ...]


def named_origins(traced: Inlined, program: Inlined) -> list[Origins]:
    """Returns for each instruction the traced nodes that it names, by their numbers.

    Args:
      traced: the graph of the function that was compiled.
      program: its HLO, as `read_hlo` reads it, inlined.
    """
    return _Join(traced, program).run()


def hlo_origins(traced: Inlined, program: Inlined) -> list[Origins]:
    """Returns for each instruction the traced nodes that it was made from, by their numbers.

    A fusion was made from the node that it names, which comes first, and from those that the instructions in it name;
    any other instruction from those that it names itself.

    Args:
      traced: the graph of the function that was compiled.
      program: its HLO, as `read_hlo` reads it, inlined.
    """
    found = named_origins(traced, program)
    index = index_by_name(program.nodes.names)
    inside: list[list[int]] = [[] for _ in program.places]
    for number, place in enumerate(program.place_of):
        inside[place].append(number)
    for place in range(len(program.places) - 1, 0, -1):  # a fusion in a fusion is done before it
        caller = index[_caller(program, place)]
        if program.nodes.kinds[caller].op == "fusion":
            nodes = [node for number in inside[place] for node in found[number]]
            found[caller] = tuple(dict.fromkeys((*found[caller], *nodes)))
    return found


class _Join:
    """Goes through the computations, those that run others first."""

    def __init__(self, traced: Inlined, program: Inlined) -> None:
        self._traced = traced
        self._program = program
        self._homes = _homes(traced)
        self._by_name = _by_name(traced, self._homes)
        self._by_own_name = _by_name(traced, range(len(traced.places)))
        self._by_path = index_by_name(traced.nodes.names)
        self._by_text: dict[str, Sequence[int]] = {}
        self._labelled = _labelled_places(traced)
        self._index = index_by_name(program.nodes.names)
        self._known: dict[tuple[str, str, Places], Origins] = {}

    def run(self) -> list[Origins]:
        """Returns the origins of every instruction."""
        program = self._program
        around: list[Places] = []
        for number, place in enumerate(program.places):  # a place comes behind the one that it is run from
            around.append(self._entered(around[place.parent], number) if number else (0,))
        where = zip(program.nodes.kinds, program.place_of, strict=True)
        return [self._found(kind, around[place]) for kind, place in where]

    def _entered(self, around: Places, number: int) -> Places:
        """Returns the places of the traced graph that a computation is the program of."""
        kind = self._program.nodes.kinds[self._index[_caller(self._program, number)]]
        if kind.op not in ("while", "conditional"):
            return around
        run = [inner for node in self._found(kind, around) for inner in self._labelled.get(node, ())]
        label = self._program.places[number].label
        alike = [inner for inner in run if self._traced.places[inner].label == label]
        return tuple(alike or run) or around

    def _found(self, kind: Kind, around: Places) -> Origins:
        """Returns the nodes that an instruction names, those nearest to the places that it is made from."""
        name = str(kind.attributes.get("op_name") or "")
        key = name, str(kind.attributes.get("op_type") or ""), around
        if name and key not in self._known:
            parts = self._parts(name)
            of_each = [self._named(part) for part in parts]
            if not any(of_each):
                of_each = [self._by_own_name.get(part, []) for part in parts]
            near = (node for nodes in of_each for node in self._near(self._of_op(nodes, key[1]), around))
            self._known[key] = tuple(dict.fromkeys(near))
        return self._known[key] if name else ()

    def _parts(self, name: str) -> list[str]:
        """Returns the names in an `op_name`, without the one that the last node has in its own function."""
        *parts, last = name.split(";")
        own = {self._traced.local_name(node) for node in self._named(last)} if parts else set()
        opened = tuple(f"/{local}" for local in own)  # behind the name of a branch
        return [
            *(part for part in parts if part not in own and (part in self._by_name or not part.endswith(opened))),
            last,
        ]

    def _of_op(self, nodes: Sequence[int], op: str) -> Sequence[int]:
        return [node for node in nodes if self._traced.nodes.kinds[node].op == op] or nodes

    def _named(self, name: str) -> Sequence[int]:
        if name not in self._by_text:
            self._by_text[name] = self._by_name.get(name) or self._elsewhere(name)
        return self._by_text[name]

    def _elsewhere(self, name: str) -> Sequence[int]:
        """Returns the nodes of a name that does not begin behind a label.

        Where XLA opens a branch it writes the name of the branch before those in it: `cond/cond/mul`. A constant that a
        branch takes stands in it as `zeros/_0` (PropagateConstIntoFunctionalNodes in compiler/tf2xla/tf2xla_util.cc).
        Where TensorFlow lowered a loop before XLA saw it, names are whole paths.
        """
        path = node_path(name)
        if path in self._by_path:
            return [self._by_path[path]]
        for end in (at for at, sign in enumerate(name) if sign == "/"):
            run = [inner for node in self._by_name.get(name[:end], ()) for inner in self._labelled.get(node, ())]
            nodes = (
                [node for node in self._named(name[end + 1 :]) if self._lies_in(self._home(node), run)] if run else []
            )
            if nodes:
                return nodes
        stem = _COPIED.sub("", name)
        return self._named(stem) if stem != name else []

    def _near(self, nodes: Sequence[int], around: Places) -> Sequence[int]:
        """Returns those nodes that are in the places themselves, else below them, else around them.

        XLA opens loops and branches, and moves instructions out of them and into them.
        """
        while len(nodes) > 1:
            inside = [node for node in nodes if self._home(node) in around]
            inside = inside or [node for node in nodes if self._lies_in(self._home(node), around)]
            if inside or around == (0,):
                return inside or nodes
            around = tuple({self._parent(place): None for place in around})
        return nodes

    def _lies_in(self, place: int, around: Sequence[int]) -> bool:
        while place and place not in around:
            place = self._parent(place)
        return place in around

    def _home(self, node: int) -> int:
        return self._homes[self._traced.place_of[node]]

    def _parent(self, home: int) -> int:
        return self._homes[self._traced.places[home].parent] if home else 0


def _caller(graph: Inlined, place: int) -> str:
    """Returns the path of the node that runs what stands in a place."""
    own = graph.places[place]
    return graph.places[own.parent].prefix + own.call


def _homes(traced: Inlined) -> list[int]:
    """Returns for each place the innermost one around it that XLA compiles by itself, which those of calls are not."""
    homes: list[int] = []
    for number, place in enumerate(traced.places):
        homes.append(number if place.label or not number else homes[place.parent])
    return homes


def _by_name(traced: Inlined, starts: Sequence[int]) -> dict[str, list[int]]:
    """Returns the nodes by their names behind the prefix of the place that `starts` has for theirs."""
    found: dict[str, list[int]] = {}
    lengths = [len(traced.places[place].prefix) for place in starts]
    for node, (path, place) in enumerate(zip(traced.nodes.names, traced.place_of, strict=True)):
        found.setdefault(path[lengths[place] :], []).append(node)
    return found


def _labelled_places(traced: Inlined) -> dict[int, list[int]]:
    """Returns by node the places of what it runs under labels."""
    index = index_by_name(traced.nodes.names)
    found: dict[int, list[int]] = {}
    for number, place in enumerate(traced.places):
        if place.label:
            found.setdefault(index[_caller(traced, number)], []).append(number)
    return found
