"""What the nodes of a graph are called in TensorBoard's tags, which draw a box for each part of a name.

The name is the node path, but for the two names in it that TensorFlow makes and that say nothing: that of the call of a
function, `StatefulPartitionedCall_3`, and that of the placeholder of a variable, `832`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

from tracer.graph.inline import Inlined, Place
from tracer.graph.model import Variable
from tracer.graph.names import function_name
from tracer.graph.scopes import ScopeTree, scope_tree

_CALL = re.compile(r"(?:Stateful)?PartitionedCall(?:_\d+)?")
_NUMBER = re.compile(r"(?:.*/)?\d+")


def tag_names(inlined: Inlined, traced: Inlined | None = None) -> list[str]:
    """Returns the name in a tag of each node of a graph; no two nodes that had different paths have the same.

    The call of a function is called as the function is, `train_step`, and `train_step_1` where that name is taken. The
    placeholder of a variable is called as the variable if its name is a number; in an optimised graph, whose
    placeholders Grappler has named, as it is called in the tag of the traced graph.

    Args:
      inlined: the graph.
      traced: of an optimised graph the traced one, which says what its calls were.
    """
    names = _Names(traced or inlined)
    if traced is None:
        return [names.of(path) for path in inlined.nodes.names]
    called = {node: name for node, name in _as_traced(inlined, traced, names).items() if node not in names.known}
    return [called.get(path) or names.of(path) for path in inlined.nodes.names]


def _as_traced(optimized: Inlined, traced: Inlined, names: _Names) -> dict[str, str]:
    """Returns what the placeholders of an optimised graph's variables are called in the traced graph's tag."""
    found: dict[str, list[str]] = {}
    for node, variable in traced.captures.items():
        found.setdefault(variable.name, []).insert(0, names.of(node))  # variables may share a name
    called = {node: found.get(variable.name) for node, variable in optimized.captures.items() if variable.name}
    return {node: known.pop() for node, known in called.items() if known}


class _Names:
    """The names of the nodes of a traced graph in its tag."""

    def __init__(self, graph: Inlined) -> None:
        calls = [(place.prefix[:-1], _readable(place.function)) for place in graph.places if _is_unreadable(place)]
        numbers = [node for node, variable in graph.captures.items() if variable.name and _NUMBER.fullmatch(node)]
        self.known = frozenset(graph.nodes.names)
        self._paths = _Paths({})
        self._variables: dict[str, str] = {}
        if calls or numbers:
            taken = _Taken(graph, self.known)
            self._paths = _Paths({path: taken.free(path.rpartition("/")[0], name) for path, name in calls})
            self._variables = {node: self._of_variable(node, graph.captures[node], taken) for node in numbers}

    def of(self, path: str) -> str:
        """Returns the name of a node by its path."""
        return self._variables.get(path) or self._paths.of(path)

    def _of_variable(self, node: str, variable: Variable, taken: _Taken) -> str:
        """Returns the variable's name; of a placeholder that stands in a scope the last part of it, in that scope."""
        name, scope = variable.name.partition(":")[0], node.rpartition("/")[0]
        if not scope:
            return taken.free("", name)
        return f"{self._paths.of(scope)}/{taken.free(scope, name.rpartition('/')[2])}"


def _is_unreadable(place: Place) -> bool:
    return bool(place.function) and not place.label and bool(_CALL.fullmatch(place.call.rpartition("/")[2]))


def _readable(runtime_name: str) -> str:
    name, kind = function_name(runtime_name)
    return f"{name}_backward".replace("/", "_") if kind == "backward" else name.replace("/", "_")


class _Taken:
    """Which names are taken in which scope."""

    def __init__(self, graph: Inlined, names: Container[str]) -> None:
        self._names = names
        self._tree: ScopeTree = scope_tree(graph, raw=True)
        self._given: set[str] = set()

    def free(self, scope: str, name: str) -> str:
        """Takes a name in a scope, with a number behind it if it was taken, and returns it without the scope."""
        number, found = 0, name
        while self._is_taken(f"{scope}/{found}" if scope else found):
            number += 1
            found = f"{name}_{number}"
        self._given.add(f"{scope}/{found}" if scope else found)
        return found

    def _is_taken(self, path: str) -> bool:
        return path in self._given or path in self._names or self._tree.find(path) is not None


class _Paths:
    """Paths in which the last parts of some are others."""

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self._renamed = renamed
        self._known = {"": ""}

    def of(self, path: str) -> str:
        """Returns what a path has become."""
        if not self._renamed:
            return path
        scope, slash, own = path.rpartition("/")
        name = self._renamed.get(path, own)
        if not slash:
            return name
        waiting = []
        while scope not in self._known:
            waiting.append(scope)
            scope = scope.rpartition("/")[0]
        above = self._known[scope]
        for each in reversed(waiting):
            last = self._renamed.get(each, each.rpartition("/")[2])
            above = self._known[each] = f"{above}/{last}" if above else last
        return f"{above}/{name}"
