"""How large a graph becomes with its functions in their places: counted function by function, before that is done."""

from __future__ import annotations

from tracer.errors import Unreadable
from tracer.graph.model import Body, Graph, Kind, Nodes
from tracer.text import count

LIMIT = 2_000_000  # nodes; unrolled models stay below, and twice as many do not fit into a small machine
# For each node of the limit: nests of tens of thousands of functions have long paths, and functions that return
# thousands of results many edges, whatever the number of nodes. Ordinary graphs have half of it.
_CHARACTERS = 250  # of names and inputs
_EDGES = 4


class TooLarge(Unreadable):
    """Inlined, the graph would have more nodes than the limit."""


def inlined_nodes(graph: Graph) -> int:
    """Returns how many nodes the inlined graph has: counted function by function, without inlining it.

    Not counted are nodes that stand for arguments which a call does not give.

    Raises:
      TooLarge: functions call each other, and it has more than `LIMIT`: they are counted one by one.
    """
    calls = Calls(graph)
    nodes, _, recursive = _size(graph, calls)
    if recursive:
        nodes = _count(graph, calls, LIMIT)
        if nodes > LIMIT:
            raise _too_large(LIMIT, 0, 2 * LIMIT)
    return nodes


def check_size(graph: Graph, calls: Calls, limit: int) -> None:
    """Refuses a graph that is known to become too large.

    Raises:
      TooLarge: there would be more than `limit` nodes, or paths too long to hold.
    """
    nodes, characters, recursive = _size(graph, calls)
    if recursive and _count(graph, calls, limit) > limit:
        raise _too_large(limit, 0, 2 * limit)
    # Inputs have paths too, and are counted as they are made: about one for each node.
    if not recursive and (nodes > limit or characters > max(limit, LIMIT) * _CHARACTERS):
        raise _too_large(limit, nodes, max(nodes, 2 * characters // _CHARACTERS))


def check_growth(nodes: int, characters: int, edges: int, limit: int) -> None:
    """Refuses to go on where functions that call each other made more of themselves than was counted before.

    Args:
      nodes: that there are by now.
      characters: of their paths and inputs.
      edges: between them.
      limit: of the nodes.

    Raises:
      TooLarge: they are too many.
    """
    allowed = max(limit, LIMIT)
    if nodes > limit:
        raise _too_large(limit, 0, 2 * limit)
    if characters > allowed * _CHARACTERS or edges > allowed * _EDGES:
        raise _too_large(limit, 0, 2 * allowed)


class Calls:
    """Which nodes run functions; asked once for each kind of node."""

    def __init__(self, graph: Graph) -> None:
        self._functions = graph.functions
        self._known: dict[Kind, tuple[Body, ...]] = {}

    def of(self, nodes: Nodes) -> list[tuple[int, tuple[Body, ...]]]:
        """Returns the nodes that run functions, by index."""
        for kind in set(nodes.kinds):
            if kind not in self._known:
                # A node may also name a function as its op: so did TensorFlow 1.
                self._known[kind] = kind.bodies or ((Body("", kind.op),) if kind.op in self._functions else ())
        known = self._known
        return [(index, known[kind]) for index, kind in enumerate(nodes.kinds) if known[kind]]


def _size(graph: Graph, calls: Calls) -> tuple[int, int, bool]:
    """Returns the nodes of the inlined graph and the characters of their paths, and whether functions call each other.

    If they do, the first two are a guess: what a call adds depends on the functions that are open around it.
    """
    sizes: dict[str, tuple[int, int]] = {}
    recursive = False
    waiting, opened = [""], set[str]()
    while waiting:  # depth first without recursion: nests of thousands of functions are real
        function = waiting[-1]
        nodes = graph.functions[function].nodes if function else graph.nodes
        run = [(nodes.names[index], body) for index, bodies in calls.of(nodes) for body in bodies]
        called = {body.function for _, body in run if body.function in graph.functions}
        todo = {name for name in called if name not in sizes and name not in opened}
        opened.add(function)
        if todo:
            waiting.extend(todo - {function})
            if todo != {function}:
                continue
        waiting.pop()
        total, characters = len(nodes), sum(map(len, nodes.names))
        recursive = recursive or not called <= sizes.keys()
        for name, body in run:
            inner, inner_characters = sizes.get(body.function, (0, 0))
            total += inner
            characters += inner_characters + inner * (len(name) + len(body.label) + 2)
        sizes[function] = total, characters
    return *sizes[""], recursive


def _count(graph: Graph, calls: Calls, limit: int) -> int:
    """Returns the nodes of the inlined graph, counted call by call until they are more than `limit`."""
    known: dict[str, tuple[int, list[str]]] = {}
    stack, opened, total = [("", 0)], set[str](), 0
    while stack:
        function, done = stack.pop()
        if function not in known:
            nodes = graph.functions[function].nodes if function else graph.nodes
            bodies = [body for _, bodies in calls.of(nodes) for body in bodies]
            known[function] = len(nodes), [body.function for body in bodies if body.function in graph.functions]
        number, called = known[function]
        if not done:
            total += number
            opened.add(function)
        if total > limit:
            break
        while done < len(called) and called[done] in opened:
            done += 1
        if done == len(called):
            opened.discard(function)
        else:
            stack += [(function, done + 1), (called[done], 0)]
    return total


def _too_large(limit: int, nodes: int, needed: int) -> TooLarge:
    size = f"{count(nodes)} nodes" if nodes > limit else "more nodes, more edges, or longer paths, than fit"
    return TooLarge(
        f"with its functions in their places the graph has {size}: the limit is {count(limit)} nodes",
        hint=f"--limit {needed} allows it, if there is the memory: about 1 GB for each 2,000,000",
    )
