"""How much of a graph a profile can have seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from tracer.graph.edges import edges_of
from tracer.graph.grappler import is_impure
from tracer.graph.inline import Inlined
from tracer.graph.model import Kind
from tracer.graph.names import node_path
from tracer.graph.op_sets import LOOP_OPS
from tracer.graph.references import CONTROL
from tracer.profile.model import FOLDING, Profile

# Kernels that TensorFlow's executor writes no event for: it holds them for inexpensive whatever they cost
# (`OpKernel::IsExpensive`), hands out constants itself, or knows them for control flow. Measured with TensorFlow 2.21.
UNTRACED = frozenset(
    {
        *(
            "_Arg",
            "_Retval",
            "Const",
            "NoOp",
            "Identity",
            "IdentityN",
            "StopGradient",
            "PreventGradient",
            "VarHandleOp",
            "Placeholder",
        ),
        *LOOP_OPS,
        *("Reshape", "Squeeze", "ExpandDims", "EnsureShape", "Rank", "Shape", "ShapeN", "Size"),
    }
)
_PLAIN = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
# Made from constants they are constants themselves, to the executor: Grappler leaves them, as it can't write them down.
_LISTS = frozenset({"TensorListReserve", "EmptyTensorList"})
# In their places the functions' own nodes run; a call that stays a call is seen, but who knows which does.
_CALLS = _PLAIN | {"If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase"}


class Seen(NamedTuple):
    """Nodes of a graph that ran in the window."""

    expected: int  # nodes that the executor writes events for
    seen: int
    missing: tuple[str, ...]  # the others' paths: they did not run, or TensorFlow had stopped to trace them

    @property
    def coverage(self) -> float:
        """The part of the expected nodes that was seen; 1 if none was expected."""
        return self.seen / self.expected if self.expected else 1.0


def seen(nodes: Iterable[tuple[str, str]], executed: Container[str]) -> Seen:
    """Returns which nodes of a graph ran.

    Args:
      nodes: path and op of each node of an optimised graph, inlined: the one that is executed.
      executed: the node paths that have executions.
    """
    expected = [path for path, op in nodes if op not in UNTRACED]
    missing = tuple(path for path in expected if path not in executed)
    return Seen(len(expected), len(expected) - len(missing), missing)


class Untraced(NamedTuple):
    """A node with fewer executions in the profile than it had."""

    path: str
    op: str
    calls: int  # in the profile
    runs: int  # how often it ran: as often as what else stands in its body

    @property
    def missing(self) -> int:
        """Executions that TensorFlow did not trace."""
        return self.runs - self.calls


def function_runs(profile: Profile) -> dict[str, int]:
    """Returns how often each function that Python called ran, by its runtime name."""
    return dict(Counter(run.function for run in profile.runs if run.number not in (0, FOLDING) and not run.prefix))


def untraced(
    nodes: Iterable[tuple[str, str]], calls: Mapping[str, int], bodies: Iterable[tuple[str, str]] = (), runs: int = 0
) -> tuple[Untraced, ...]:
    """Returns the nodes of a function that TensorFlow did not trace each time, those with the most missing first.

    TensorFlow's executor traces a node while it holds it for expensive. What it holds for cheap when the window begins
    is not traced in it at all; what is dearer than it thought is, from then on. But all nodes of a body run equally
    often, whatever they cost: so a body ran as often as the node in it with the most executions, and where all of a
    loop's are cheap, as often as its condition was true. A body of which nothing is known is left out: a branch that is
    not taken looks the same. Not for functions that XLA compiles, which run no nodes.

    Args:
      nodes: path and op of each node that is executed: those of `executable`.
      calls: executions by node path.
      bodies: prefix and label of the bodies in the graph, `("net/while/body/", "body")`: those of `bodies_of`.
      runs: how often the function itself ran, if that is known: `function_runs`.
    """
    owners = _Bodies(bodies)
    expected = [(path, op, owners.around(path)) for path, op in nodes]
    known = Counter({"": runs})
    for path, _, body in expected:
        known[body] = max(known[body], calls.get(path, 0))
    owners.conclude(known)
    rows = (Untraced(path, op, calls.get(path, 0), known[body]) for path, op, body in expected)
    return tuple(sorted((row for row in rows if row.missing > 0), key=lambda row: (-row.missing, row.path)))


def executable(inlined: Inlined) -> list[tuple[str, str]]:
    """Returns path and op of the nodes of an optimised graph that the executor runs, and may trace.

    Those in a call that XLA compiles are not among them: it runs instructions of its own. Nor are those that the
    runtime makes constants of before it runs the graph, as it does with what Grappler left for it: `x * 0` and what
    comes of it.
    """
    nodes, compiled = inlined.nodes, _compiled(inlined)
    folded = _folded(inlined)
    found = []
    for index, (name, kind) in enumerate(zip(nodes.names, nodes.kinds, strict=True)):
        if kind.op in UNTRACED or kind.op in _CALLS or folded[index] or compiled[inlined.place_of[index]]:
            continue
        found.append((node_path(name), kind.op))
    return found


def _folded(inlined: Inlined) -> list[bool]:
    """Tells of each node whether nothing but constants goes into it, so that it runs once, when the graph is made.

    What a function is given is no constant: in a loop it changes.
    """
    nodes, places, edges = inlined.nodes, inlined.place_of, edges_of(inlined.nodes)
    folds = {kind: _folds(kind) for kind in set(nodes.kinds)}
    missing = [len(data) for data in edges.data]
    known = [index for index, kind in enumerate(nodes.kinds) if kind.op == "Const"]
    folded = [False] * len(nodes)
    for index in known:  # grows while it is walked
        folded[index] = True
        for reader, position in edges.readers[index]:
            if position != CONTROL and places[reader] == places[index]:
                missing[reader] -= 1
                if not missing[reader] and folds[nodes.kinds[reader]]:
                    known.append(reader)
    return folded


def _folds(kind: Kind) -> bool:
    """Tells whether the runtime folds nodes of a kind: nothing but a value may come of them."""
    if kind.op in _LISTS:
        return True
    if is_impure(kind.op) or kind.bodies or kind.op in LOOP_OPS:
        return False
    return not any(output.dtype in ("resource", "variant") for output in kind.outputs)


def _compiled(inlined: Inlined) -> list[bool]:
    """Tells of each place whether it is in a call of a function with `jit_compile=True`."""
    kinds = zip(inlined.nodes.names, inlined.nodes.kinds, strict=True)
    calls = {name for name, kind in kinds if kind.bodies and kind.attributes.get("_XlaMustCompile")}
    found = [False]  # a place comes behind the one that it is run from
    for place in inlined.places[1:]:
        call = inlined.places[place.parent].prefix + place.call
        found.append(found[place.parent] or call in calls)
    return found


def bodies_of(inlined: Inlined) -> list[tuple[str, str]]:
    """Returns prefix and label of the functions in a graph that do not simply run as often as what is around them."""
    plain = {
        name
        for name, kind in zip(inlined.nodes.names, inlined.nodes.kinds, strict=True)
        if kind.bodies and kind.op in _PLAIN
    }
    return [
        (place.prefix, place.label)
        for place in inlined.places[1:]
        if place.label or place.prefix.removesuffix("/") not in plain
    ]


class _Bodies:
    """Which body a node is in, by its path."""

    def __init__(self, bodies: Iterable[tuple[str, str]]) -> None:
        self._labels = dict(bodies)
        self._known: dict[str, str] = {}

    def around(self, path: str) -> str:
        """Returns the prefix of the innermost body that a path is in; empty if it is in none."""
        scope, slash, _ = path.rpartition("/")
        chain: list[str] = []
        prefix = scope + slash
        while prefix not in self._known and prefix not in self._labels and prefix:
            chain.append(prefix)
            scope, slash, _ = scope.rpartition("/")
            prefix = scope + slash
        found = self._known.get(prefix, prefix)
        self._known.update(dict.fromkeys(chain, found))
        return found

    def conclude(self, known: Counter[str]) -> None:
        """Adds what a loop's condition says of its body, and the other way round: it is asked once more a loop."""
        for prefix, label in sorted(self._labels.items()):  # what is around comes before what is inside
            if label != "body":
                continue
            condition = f"{prefix[: -len('body/')]}cond/"
            loops = known[self.around(prefix.removesuffix("/"))]
            if known[condition] and not known[prefix]:
                known[prefix] = max(known[condition] - loops, 0) if loops else 0
            elif known[prefix] and not known[condition] and condition in self._labels:
                known[condition] = known[prefix] + loops
