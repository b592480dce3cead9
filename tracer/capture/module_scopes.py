"""Which name scopes of a traced graph are which module or layer.

A tf.Module opens a scope of one name wherever it is called. Keras opens a scope named after the layer inside that of
the layer which calls it, with a number behind it where the name is taken; the variables that are read there tell of
which layer it is where names do not. The nodes of a gradient stand in scopes named after those of the forward pass.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tracer.capture.modules import LAYER, MODULE, Module
from tracer.graph.inline import Inlined
from tracer.graph.model import Function
from tracer.graph.names import function_name
from tracer.graph.scopes import ScopeTree, place_scopes, scope_tree
from tracer.recorded import ModuleScope

_NUMBER = re.compile(r"_\d+$")  # behind the name of a scope that was opened before
_GRADIENT = re.compile(r"gradient(?:_tape|s)(?:_\d+)?")  # the scope of a tape, and that of tf.gradients
_DEEPEST = 100  # levels of scopes in which modules are looked for: paths grow with the square of the depth

_Match = tuple[Module, str]  # a module and its path


def module_scopes(
    graph: Inlined,
    functions: Mapping[str, Function],
    modules: ModuleIndex,
    variables: Mapping[str, str],
    methods: Mapping[str, str],
) -> tuple[ModuleScope, ...]:
    """Returns the scopes of a graph, and of the functions that it runs, in which the nodes of a module stand.

    Args:
      graph: the graph.
      functions: those that it ran before they were put in their places.
      modules: those that are alive.
      variables: the unique names of the variables that it takes from outside, by the node that stands for each.
      methods: what Python calls the functions, by their runtime names, and by the names in these where that is one;
        that of the graph itself by "".
    """
    found = _Matching(graph, functions, modules, variables, methods).run()
    return tuple(_scope(scope, list(matches)) for scope, matches in found.items())


def _scope(scope: str, matches: Sequence[_Match]) -> ModuleScope:
    names = dict.fromkeys(_numbered(matches) if matches[0][0].kind == MODULE else (path for _, path in matches))
    classes = dict.fromkeys(module.class_name for module, _ in matches)
    return ModuleScope(scope, " or ".join(names), " or ".join(classes), matches[0][0].kind)


def _numbered(matches: Sequence[_Match]) -> Iterable[str]:
    """Yields the modules' paths; of several that are in no other and have one name, each but the first has a number."""
    seen: dict[str, int] = {}
    for _, path in matches:
        seen[path] = seen.get(path, 0) + 1
        yield f"{path} ({seen[path]})" if seen[path] > 1 else path


class _Matching:
    """Finds the module of each scope of one graph, those above before those below."""

    def __init__(
        self,
        graph: Inlined,
        functions: Mapping[str, Function],
        modules: ModuleIndex,
        variables: Mapping[str, str],
        methods: Mapping[str, str],
    ) -> None:
        self._tree = scope_tree(graph)
        self._methods = methods
        self._functions = functions
        self._modules = modules
        places = zip(place_scopes(graph, self._tree), graph.places, strict=True)
        # Where names begin anew: the scopes of functions, and which each is.
        self._starts = {scope: place.function for scope, place in places if scope}
        self._reads = _read_in(graph, self._tree, variables)
        self._local = [""] * len(self._tree)  # the path of each scope in its function
        self._own: list[tuple[_Match, ...]] = [()] * len(self._tree)  # the module, or the few that it may be
        self._around: list[tuple[_Match, ...]] = [()] * len(self._tree)  # the same, of the nearest scope that has one
        self._mirrored: dict[int, str] = {}  # scopes of a gradient: the path of what they are the gradient of
        self._called: dict[int, tuple[_Match, ...]] = {}  # calls of a module's methods, and of their gradients

    def run(self) -> Mapping[str, Iterable[_Match]]:
        """Returns the modules of each scope that is theirs, by its path in its function: functions may share a path."""
        tree = self._tree
        self._own[0] = self._around[0] = self._method(0, "")
        for scope in range(1, len(tree)):
            if tree.depths[scope] <= _DEEPEST:
                self._enter(scope)
        self._find_backward()
        found: dict[str, dict[_Match, None]] = defaultdict(dict)
        for path, matches in zip(self._local, self._own, strict=True):
            if matches:
                found[path].update(dict.fromkeys(matches))
        for scope, path in self._mirrored.items():
            if path in found:
                found[self._local[scope]].update(found[path])
        for scope, matches in self._called.items():
            above = self._local[tree.parents[scope]]
            found[f"{above}/{tree.names[scope]}" if above else tree.names[scope]].update(dict.fromkeys(matches))
        return found

    def _method(self, scope: int, function: str) -> tuple[_Match, ...]:
        """Returns the module whose method a function is: such a method need not open a scope."""
        name = self._methods.get(function) or self._methods.get(function_name(function)[0], "")
        return self._modules.of_method(name, self._around[scope], self._reads[scope]) if name else ()

    def _find_backward(self) -> None:
        """Finds the calls of functions that a tape made as the gradient of one which ran in a module's scope."""
        ran: dict[str, tuple[_Match, ...]] = {}
        for scope, function in self._starts.items():
            ran[function] = tuple(dict.fromkeys((*ran.get(function, ()), *self._around[scope])))
        for scope, name in self._starts.items():
            made = self._functions.get(name)
            forward = made.attributes.get("forward_function_name") if made else None
            matches = ran.get(forward, ()) if isinstance(forward, str) else ()
            parent = self._tree.parents[scope]
            if matches and parent not in self._mirrored and self._tree.depths[scope] <= _DEEPEST:
                self._called[scope] = matches

    def _enter(self, scope: int) -> None:
        parent, name = self._tree.parents[scope], self._tree.names[scope]
        above = self._local[parent]
        if scope not in self._starts:
            self._local[scope] = f"{above}/{name}" if above else name
        self._around[scope] = self._around[parent]
        if _GRADIENT.fullmatch(name):
            self._mirrored[scope] = ""
        elif parent in self._mirrored:
            path = self._mirrored[parent]
            start = scope in self._starts
            self._mirrored[scope] = "" if start else f"{path}/{name}" if path else name
        elif scope in self._starts:
            method = self._method(scope, self._starts[scope])
            if method:
                self._called[scope] = self._around[scope] = method
        else:
            self._own[scope] = self._modules.of(
                self._local[scope], name, self._around[parent], self._reads[scope], self._reads[0]
            )
            self._around[scope] = self._own[scope] or self._around[parent]


def _read_in(graph: Inlined, tree: ScopeTree, variables: Mapping[str, str]) -> list[frozenset[str]]:
    """Returns the variables that are read in each scope or below it."""
    reads: dict[int, set[str]] = defaultdict(set)
    for owner, inputs, kind in zip(tree.owners, graph.nodes.inputs, graph.nodes.kinds, strict=True):
        if not kind.bodies:  # a loop only hands a variable on to its body
            reads[owner].update(variables[text] for text in inputs if text in variables)
    for scope in range(len(tree) - 1, 0, -1):  # children have higher numbers than their parents
        if reads.get(scope):
            reads[tree.parents[scope]] |= reads[scope]
    nothing = frozenset[str]()
    return [frozenset(reads[scope]) if reads.get(scope) else nothing for scope in range(len(tree))]


class ModuleIndex:
    """The living modules, by how a scope may name them."""

    def __init__(self, modules: Sequence[Module]) -> None:
        """Takes those that are alive."""
        self._scoped = _by((module.scope, module) for module in modules if module.scope)
        self._named = _by((module.name, module) for module in modules)
        self._of_class = _by((name, module) for module in modules for name in module.classes)
        self._insides: dict[tuple[_Match, ...], _Inside] = {}
        parts = {part for module in modules for part in module.parts.values()}
        self._in_layers = {part for module in modules if module.kind == LAYER for part in module.parts.values()}
        self._paths = _outermost(modules, parts)

    def of(
        self, local: str, name: str, around: tuple[_Match, ...], read: frozenset[str], whole: frozenset[str]
    ) -> tuple[_Match, ...]:
        """Returns the modules that a scope may be of; none if it is of none.

        Args:
          local: its path in its function.
          name: the last part of that.
          around: the modules in whose scope it stands.
          read: the variables that are read in it.
          whole: those that are read anywhere in the graph.
        """
        inside = self._inside(around)
        found = (
            _fitting(self._scoped.get(local, ()), name, read, sure=True)
            or _fitting(_bearing(inside.close, name), name, read, sure=True)
            or _fitting(_bearing(inside.named, name), name, read)
            or _fitting(self._free(name, anywhere=not around), name, read)
            or _fitting([] if around else self._reading(name, whole), name, whole)
        )
        return tuple((module, inside.paths.get(module) or self._paths[module]) for module in found)

    def of_method(self, name: str, around: tuple[_Match, ...], read: frozenset[str]) -> tuple[_Match, ...]:
        """Returns the module whose method a function is; none where it may be that of several.

        Args:
          name: what Python calls the function: "Net.step".
          around: the modules in whose scope it is called.
          read: the variables that are read in it.
        """
        owner = name.rpartition(".")[0]
        found = self._of_class.get(owner, [])
        reading = [module for module in found if module.variables & read]
        inside = {**self._inside(around).paths, **dict(around)}
        for likely in ([module for module in found if module in inside], reading, found):
            if len(likely) == 1:
                return ((likely[0], inside.get(likely[0]) or self._paths[likely[0]]),)
        return ()

    def _inside(self, around: tuple[_Match, ...]) -> _Inside:
        if around not in self._insides:
            paths = {part: f"{path}.{label}" for module, path in around for label, part in module.below()}
            close = _by((part.name, part) for module, _ in around for part in module.parts.values())
            self._insides[around] = _Inside(paths, close, _by((part.name, part) for part in paths))
        return self._insides[around]

    def _free(self, name: str, *, anywhere: bool) -> list[Module]:
        """Returns the modules of a name that a scope may be of which is in no scope of a module that they are part of.

        Without variables only the name speaks for a layer, so it is believed only of one that is no part of another.
        """
        return [
            module
            for module in _bearing(self._named, name)
            if (module.variables and (anywhere or module.kind == LAYER))
            or (anywhere and module.kind == LAYER and module not in self._in_layers)
        ]

    def _reading(self, name: str, whole: frozenset[str]) -> list[Module]:
        """Returns the layers of a name that ran in the graph: variables of theirs are read, be it by their parts."""
        return [module for module in _bearing(self._named, name) if module.kind == LAYER and module.variables & whole]


@dataclasses.dataclass(frozen=True, slots=True)
class _Inside:
    """What is in the modules of a scope."""

    paths: Mapping[Module, str]
    close: Mapping[str, Sequence[Module]]  # directly in them, by name
    named: Mapping[str, Sequence[Module]]  # anywhere in them, by name


def _by(modules: Iterable[tuple[str, Module]]) -> dict[str, list[Module]]:
    found: dict[str, list[Module]] = defaultdict(list)
    for text, module in modules:
        found[text].append(module)
    return found


def _bearing(named: Mapping[str, Sequence[Module]], name: str) -> list[Module]:
    """Returns the modules whose name a scope's is, with a number behind it or without."""
    return [module for key in dict.fromkeys((name, _NUMBER.sub("", name))) for module in named.get(key, ())]


def _outermost(modules: Sequence[Module], parts: set[Module]) -> dict[Module, str]:
    """Returns each module's path in the outermost one that it is in."""
    paths: dict[Module, str] = {}
    for module in [*(module for module in modules if module not in parts), *modules]:
        if module not in paths:
            paths[module] = module.name
            for label, part in module.below():
                paths.setdefault(part, f"{module.name}.{label}")
    return paths


def _fitting(modules: Iterable[Module], name: str, reads: frozenset[str], *, sure: bool = False) -> list[Module]:
    """Returns the modules that a scope of a name may be of: those whose variables are read there, or that have none.

    `sure` takes, where there are none of these, all that bear the name: a loop's body has its variables from outside.
    """
    each = list(dict.fromkeys(modules))
    reading = [module for module in each if module.variables & reads]
    fits = reading or [module for module in each if not module.variables] or (each if sure else [])
    likely = [module for module in fits if (module.name != name) == module.twice]
    return likely or fits
