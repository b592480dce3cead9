"""The scope tree: the tree of name scopes that people read a graph by.

Kept in columns, parents before their children, because nested values meet Python's recursion limit, and a row for each
of a million nodes' prefixes would hold the same text again and again.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence

from tracer.errors import NotFound, did_you_mean
from tracer.graph.inline import Inlined

# What TensorFlow leaves in the place of a call or a loop, under its name, when it puts their nodes in the caller.
_STANDS_FOR = frozenset({"Identity", "IdentityN", "NoOp"})
# What takes no inputs that a scope of its own could hold: a scope of such a node's name is another's, as where the
# argument and the module that it is handed to are both `x`. A `Const` is no such node: it may be what is left of an op.
_ARGUMENTS = frozenset({"Placeholder", "_Arg"})
# Levels below which scopes are not known by their paths, which together grow with the square of the depth. There the
# scopes of single nodes stay. Each level is a call inside the other, and Python allows some hundred of these.
_DEEP = 250
_SUGGESTED = 5_000  # scopes among which one like the one asked for is looked for: it takes a millisecond each
_NAMED = 8  # scopes that a hint names


class ScopeTree:
    """The scopes of a graph. A scope is known by its number; the whole graph is number 0."""

    def __init__(self) -> None:
        self.names = [""]  # the last part of each scope's path
        self.parents = [-1]
        self.depths = [0]
        self.owners: list[int] = []  # for each node of the graph, the scope that it lies in
        self.repeated: frozenset[int] = frozenset()  # those that only repeat, below a loop or branch, where that stands
        self._numbers: dict[tuple[int, str], int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def path(self, scope: int) -> str:
        """Returns a scope's path: `net/layer`; empty for the whole graph."""
        parts = []
        while scope > 0:
            parts.append(self.names[scope])
            scope = self.parents[scope]
        return "/".join(reversed(parts))

    def find(self, path: str) -> int | None:
        """Returns the number of the scope with this path; None if there is none."""
        scope: int | None = 0
        for part in path.split("/") if path else ():
            scope = self._numbers.get((scope, part)) if scope is not None else None
        return scope

    def children(self) -> list[list[int]]:
        """Returns the scopes right below each scope, in the order of the graph: that of the program."""
        below: list[list[int]] = [[] for _ in self.names]
        for scope in range(1, len(self.names)):
            below[self.parents[scope]].append(scope)
        return below

    def walk(self, scope: int = 0) -> Iterator[int]:
        """Yields a scope and all below it, parents first and each followed by all that is below it."""
        below = self.children()
        waiting = [scope]
        while waiting:
            scope = waiting.pop()
            yield scope
            waiting += reversed(below[scope])

    def own(self, values: Iterable[int]) -> list[int]:
        """Returns, for each scope, the sum over its own nodes of a value that each node has."""
        sums = [0] * len(self.names)
        for owner, value in zip(self.owners, values, strict=True):
            sums[owner] += value
        return sums

    def total(self, own: Sequence[int]) -> list[int]:
        """Returns, for each scope, what it has itself and what all below it have."""
        totals = list(own)
        for scope in range(len(totals) - 1, 0, -1):  # children have higher numbers than their parents
            totals[self.parents[scope]] += totals[scope]
        return totals

    def most(self, own: Sequence[int]) -> list[int]:
        """Returns, for each scope, the most that it or one below it has."""
        most = list(own)
        for scope in range(len(most) - 1, 0, -1):
            most[self.parents[scope]] = max(most[self.parents[scope]], most[scope])
        return most

    def add(self, prefix: str, scope: int = 0) -> int:
        """Returns the number of the scope with this path below another, made with those above it if it is new."""
        for part in prefix.split("/"):
            known = self._numbers.get((scope, part))
            scope = self.adopt(scope, part) if known is None else known
        return scope

    def adopt(self, parent: int, name: str) -> int:
        """Returns the number of a new scope."""
        number = self._numbers[parent, name] = len(self.names)
        self.names.append(name)
        self.parents.append(parent)
        self.depths.append(self.depths[parent] + 1)
        return number

    def child(self, scope: int, name: str) -> int | None:
        """Returns the scope of this name right below another; None if there is none."""
        return self._numbers.get((scope, name))


def scope_tree(graph: Inlined, *, raw: bool = False) -> ScopeTree:
    """Returns the scopes of a graph's node paths, in the order of the graph.

    A node whose path is itself a scope (a call, a loop, or what is left of them in an optimised graph) lies in it.

    Args:
      graph: the graph.
      raw: keep also the scopes that TensorFlow makes for the inputs of a single node, such as `add` of `add/y`.
    """
    names, kinds = graph.nodes.names, graph.nodes.kinds
    different = set(kinds)
    running = {kind for kind in different if kind.bodies or kind.op in _STANDS_FOR}
    taking = running | {kind for kind in different if kind.op in _ARGUMENTS}
    calls = {index for index, kind in enumerate(kinds) if kind in running} if running else set()
    own = {name for name, kind in zip(names, kinds, strict=True) if kind in taking}
    tree = _tree(names, calls, set() if raw else set(names) - own, raw=raw)
    tree.repeated = frozenset(_repeated(graph, tree))
    return tree


def named_scope(tree: ScopeTree, name: str, nodes: Container[str] = ()) -> int:
    """Returns the number of the scope that a user means by a name.

    That is its path, with or without a slash behind it; the path of a node, for the scope that it lies in; or the end
    of its path (`dense_1`, `body/dense_1`), where no other scope's path ends so but of those in it. What only repeats
    in a path may be left out. A node outside of all scopes comes last: its name alone is more often meant for a
    scope's.

    Args:
      tree: the scopes.
      name: what the user says.
      nodes: the paths of the graph's nodes.

    Raises:
      NotFound: no scope is named so, or several are.
    """
    path = name if tree.find(name) is not None else name.strip("/")
    scope = tree.find(path)
    if scope is not None:
        return scope
    is_node = path in nodes
    if is_node and "/" in path:
        return innermost_scope(tree, path)
    ending = _ending(tree, path) or _ending(tree, path, left_out=tree.repeated)
    if ending and all(_lies_in(tree, each, ending[0]) for each in ending):
        return ending[0]
    if ending:
        more = f" and {len(ending) - _NAMED} more" if len(ending) > _NAMED else ""
        paths = ", ".join(tree.path(each) for each in ending[:_NAMED])
        raise NotFound(f"several scopes are named '{path}'", hint=f"name one of them whole: {paths}{more}")
    if is_node:
        return 0
    known = [tree.path(each) for each in range(1, min(len(tree), _SUGGESTED))]
    otherwise = f"it has: {', '.join(known[:_NAMED]) or 'none'}"
    raise NotFound(f"no scope named '{name}'", hint=did_you_mean(name, known, otherwise=otherwise))


def _ending(tree: ScopeTree, path: str, *, left_out: Container[int] = ()) -> list[int]:
    """Returns the scopes whose paths end with a path, some of their parts left out."""
    *above, last = path.split("/")
    found = []
    for scope, name in enumerate(tree.names):
        if name == last and scope and scope not in left_out:
            outer = scope
            for part in reversed(above):
                outer = tree.parents[outer]
                while outer in left_out:
                    outer = tree.parents[outer]
                if outer <= 0 or tree.names[outer] != part:
                    break
            else:
                found.append(scope)
    return found


def _lies_in(tree: ScopeTree, scope: int, outer: int) -> bool:
    """Tells whether a scope is another one, or lies in it."""
    while tree.depths[scope] > tree.depths[outer]:
        scope = tree.parents[scope]
    return scope == outer


def innermost_scope(tree: ScopeTree, path: str) -> int:
    """Returns the innermost scope that a path lies in."""
    scope = 0
    for part in path.split("/"):
        inner = tree.child(scope, part)
        if inner is None:
            break
        scope = inner
    return scope


def place_scopes(graph: Inlined, tree: ScopeTree) -> list[int | None]:
    """Returns, for each place of a graph, the scope that it is; None if nothing of it is in the tree."""
    found: list[int | None] = [0]
    for place in graph.places[1:]:
        scope = found[place.parent]  # from there on: the whole prefix, again and again, would grow with the square
        for part in place.prefix[len(graph.places[place.parent].prefix) : -1].split("/"):
            scope = None if scope is None else tree.child(scope, part)
        found.append(scope)
    return found


def _repeated(graph: Inlined, tree: ScopeTree) -> Iterator[int]:
    """Yields the scopes in the bodies of loops and branches in which only the call's own scope begins again.

    TensorFlow names the nodes of the body of `newton/while` as in `newton/while/body/newton/while/mul`.
    """
    if not any(place.label for place in graph.places):
        return
    for place, number in zip(graph.places, place_scopes(graph, tree), strict=True):
        scope = number if place.label else None
        for part in place.call.split("/"):
            scope = None if scope is None else tree.child(scope, part)
            if scope is not None:
                yield scope


def _tree(names: Sequence[str], calls: Collection[int], single: Container[str], *, raw: bool) -> ScopeTree:
    growing = _Growing(single)
    tree, numbers, owners = growing.tree, growing.numbers, growing.tree.owners
    for name in names:
        prefix = name.rpartition("/")[0]
        number = numbers.get(prefix)
        owners.append(growing.number(prefix) if number is None else number)
    for index in range(len(names)) if raw else calls:
        prefix, _, last = names[index].rpartition("/")
        own = None if prefix in growing.left_out else tree.child(owners[index], last)
        owners[index] = owners[index] if own is None else own
    return tree


class _Growing:
    """A scope tree as it grows. The scopes of single nodes are left out, with all below them."""

    def __init__(self, single: Container[str]) -> None:
        self.tree = ScopeTree()
        self.numbers = {"": 0}  # by prefix: the scope that its nodes lie in
        self.left_out: set[str] = set()  # prefixes without a scope of their own: their nodes lie beside the single node
        self._single = single

    def number(self, prefix: str) -> int:
        """Returns the number of the scope that the nodes of a new prefix lie in, made with those above it."""
        above, slash, name = prefix.rpartition("/")
        deep = len(prefix) > _DEEP and prefix.count("/") >= _DEEP
        if deep:
            name = prefix.split("/", _DEEP)[_DEEP]
            above = prefix[: -len(name) - 1]
        number = self.numbers.get(above)
        if number is None:
            number = self.number(above)
        if above in self.left_out or (prefix in self._single and not deep):
            self.left_out.add(prefix)
        elif deep:
            number = self.tree.add(name, number)
        else:
            if slash and not above:  # the scope of an empty name is not the whole graph
                number = self.tree.add("")
            number = self.tree.adopt(number, name)
        self.numbers[prefix] = number
        return number
