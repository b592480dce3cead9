"""The modules and Keras layers that are alive in the process, as values: what they are called, and what is theirs."""

from __future__ import annotations

import dataclasses
import gc
import inspect
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tracer.errors import reason

LAYER, MODULE = "layer", "module"  # kinds of `ModuleScope`
_KERAS = ("keras", "tf_keras")
_MANY = 10_000  # things in one list that are looked at: no module has more parts, and a list of numbers may be long
_MOST = 100_000  # things in one module after which no more lists are opened: lists of lists multiply
_NESTED = 4  # lists in lists that are looked through


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A tf.Module, or a layer or model of Keras. Each is itself only, so it compares by identity."""

    name: str  # its own: "dense_1"
    classes: tuple[str, ...]  # its class, and those that it derives from: "Dense", "Layer"
    kind: str  # `LAYER` or `MODULE`
    scope: str = ""  # the name scope that a tf.Module opens wherever it is called: "net/hidden"; empty for a layer
    twice: bool = (
        False  # Keras 3 opens a layer's scope to build and again to call, so its nodes stand in a numbered one
    )
    variables: frozenset[str] = frozenset()  # TensorFlow's unique names of its variables, and of those of its parts
    parts: Mapping[str, Module] = dataclasses.field(default_factory=dict)  # by what it calls them

    @property
    def class_name(self) -> str:
        """The name of its class, without those that it stands in."""
        return self.classes[0].rpartition(".")[2]

    def below(self) -> Iterator[tuple[str, Module]]:
        """Yields each module in it with its path from it, `encoder.dense`, the nearest first, each once."""
        waiting, seen = [("", self)], {self}
        for path, module in waiting:  # grows meanwhile
            for label, part in module.parts.items():
                if part not in seen:
                    seen.add(part)
                    inner = f"{path}.{label}" if path else label
                    waiting.append((inner, part))
                    yield inner, part


@dataclasses.dataclass(frozen=True, slots=True)
class Living:
    """The modules of the process, and what only they know of its variables."""

    modules: tuple[Module, ...] = ()
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)  # of Keras' variables, by unique name
    optimizer: frozenset[str] = frozenset()  # unique names of the variables that are an optimizer's
    lost: Mapping[str, str] = dataclasses.field(default_factory=dict)  # why modules are missing, by their class


def living_objects() -> list[Any]:
    """Returns the modules and the optimizers of the process. Only Python's own list of objects knows all of them.

    Nothing is loaded for it.
    """
    classes = _modules() | _optimizers()
    objects = gc.get_objects() if classes else []
    found = list(itertools.compress(objects, map(classes.__contains__, map(type, objects))))  # of millions: in C
    # A Sequential model makes another model of its layers, which only it calls.
    hidden = {id(getattr(thing, "__dict__", {}).get("_functional")) for thing in found}
    return [thing for thing in found if id(thing) not in hidden]


def living_modules(objects: Sequence[Any]) -> Living:
    """Returns the modules among the living objects, as values."""
    classes, optimizers = _modules(), _optimizers()
    found = [thing for thing in objects if type(thing) in classes and not _is_metric(thing)]
    describing = _Describing(found)
    modules = tuple(module for module in map(describing.module, found) if module)
    keras = {unique_name(v) for thing in objects if type(thing) in optimizers for v in keras_variables(thing)}
    return Living(
        modules,
        names=_names(objects),
        optimizer=frozenset(keras | (describing.stepping - describing.others)),
        lost=describing.lost,
    )


def variable_name(variable: Any) -> str:
    """Returns the name that says most of where a variable is: TensorFlow's, or the path that Keras 3 knows.

    TensorFlow's is `sub/kernel:0` if the layer was built outside of its model; Keras' path is `model/sub/kernel`.
    """
    name = str(getattr(getattr(variable, "_value", variable), "name", ""))
    path = str(getattr(variable, "path", ""))
    return f"{path}:0" if path.count("/") > name.count("/") else name


def local_name(thing: Any) -> str:
    """Returns the name of a class or a function as Python writes it, without the function that it was made in."""
    return str(getattr(thing, "__qualname__", "")).rpartition("<locals>.")[2]


def unique_name(variable: Any) -> str:
    """Returns the name by which TensorFlow tells a variable from all others, of Keras' variables too."""
    return str(getattr(getattr(variable, "_value", variable), "_unique_id", ""))


def _modules() -> set[type]:
    return _subclasses(("keras", "Layer"), ("tensorflow", "Module"))  # tf_keras' layers are tf.Modules


def _optimizers() -> set[type]:
    return _subclasses(*((f"{package}.optimizers", "Optimizer") for package in _KERAS))


def _subclasses(*roots: tuple[str, str]) -> set[type]:
    """Returns classes, each by its package and name, and those below them that are not TensorFlow's own."""
    classes: set[type] = set()
    for package, name in roots:
        waiting = [getattr(sys.modules[package], name, None)] if package in sys.modules else []
        seen: set[type] = set()
        while waiting:
            found = waiting.pop()
            if isinstance(found, type) and found not in seen:
                seen.add(found)
                waiting += type.__subclasses__(found)
        own = {found for found in seen if found.__module__.startswith("tensorflow.") and found.__name__ != name}
        classes |= seen - own
    return classes


class _Describing:
    """Makes values of modules, each once."""

    def __init__(self, objects: Sequence[Any]) -> None:
        self.stepping: set[str] = set()  # what modules with an optimizer's methods have that is not trained
        self.others: set[str] = set()  # the variables that stand directly in other modules
        self.lost: dict[str, str] = {}  # as in `Living`
        self._classes = {type(thing) for thing in objects}
        self._known: dict[int, Module | None] = {}

    def module(self, thing: Any) -> Module | None:
        """Returns the value of a module; None of one that cannot be described, or whose parts are being described."""
        if id(thing) not in self._known:
            self._known[id(thing)] = None  # a part may refer to what it is a part of
            try:
                self._known[id(thing)] = self._described(thing)
            except Exception as error:  # noqa: BLE001  # it is the user's class, and may raise anything
                self.lost[local_name(type(thing))] = reason(error)
        return self._known[id(thing)]

    def _described(self, thing: Any) -> Module:
        keras = is_keras(thing)
        values = list(_values(thing))
        own = keras_variables(thing) if keras else [value for _, value in values if is_variable(value)]
        parts = _labelled([(label, part) for label, held in self._parts(thing, values) if (part := self.module(held))])
        variables = {unique_name(variable) for variable in own}
        inner = frozenset[str]().union(*(part.variables for part in parts.values()))
        if _takes_gradients(type(thing)):
            self.stepping |= {unique_name(variable) for variable in own if not variable.trainable}
        else:
            self.others |= variables - inner
        return Module(
            name=module_name(thing),
            classes=tuple(local_name(base) for base in type(thing).__mro__),
            kind=LAYER if keras else MODULE,
            scope="" if keras else _scope(thing),
            twice=keras and not hasattr(type(thing), "name_scope"),  # tf_keras' layers have that
            variables=inner | variables,
            parts=parts,
        )

    def _parts(self, thing: Any, values: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Returns the modules among what a module holds; one that it holds twice under the label that is public."""
        found: dict[int, tuple[str, Any]] = {}
        for label, value in values:
            known = found.get(id(value))
            hidden = known is not None and known[0].startswith("_") and not label.startswith("_")
            if type(value) in self._classes and (known is None or hidden) and value is not thing:
                found[id(value)] = (label, value)
        return list(found.values())


def _labelled(parts: Sequence[tuple[str, Module]]) -> dict[str, Module]:
    """Returns modules by their names; by their attributes where names are not enough to tell them apart."""
    taken = Counter(text for attribute, part in parts for text in {attribute, part.name})
    return {part.name if taken[part.name] == 1 else attribute: part for attribute, part in parts}


def _values(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yields what an object's attributes hold, through lists and dicts: `hidden`, `layers[0]`.

    What is found in a dict by a key that is neither text nor a number has its position for a label, `slots[#0]`:
    other keys are the user's objects or variables, whose text may be long, slow, or not to be had.
    """
    attributes = getattr(thing, "__dict__", {})
    waiting = [(str(name), value, 0) for name, value in attributes.items() if name != "_functional"]
    for label, value, depth in waiting:  # grows meanwhile
        if isinstance(value, (list, tuple)):
            inner: Iterable[tuple[Any, Any]] = enumerate(value)
        elif isinstance(value, dict):
            inner = value.items()
        else:
            yield label, value
            continue
        if depth < _NESTED and len(waiting) < _MOST:
            some = enumerate(itertools.islice(inner, _MANY))
            waiting += [(f"{label}[{_key(key, place)}]", part, depth + 1) for place, (key, part) in some]


def _key(key: Any, place: int) -> str:
    return repr(key) if type(key) in (str, int) else f"#{place}"


def module_name(thing: Any) -> str:
    """Returns a module's own name; that of its class where it has none, as its `__init__` did not come to an end."""
    return str(getattr(thing, "name", None) or type(thing).__name__)


def is_keras(thing: Any) -> bool:
    """Tells a layer or a model of Keras 3 or of tf_keras."""
    return any(base.__module__.partition(".")[0] in _KERAS for base in type(thing).__mro__)


def is_variable(value: Any) -> bool:
    """Tells a variable of TensorFlow's or of Keras'."""
    return hasattr(type(value), "assign") and bool(unique_name(value))


def _is_metric(thing: Any) -> bool:
    """Tells a metric, which is a layer in tf_keras only."""
    return any(base.__name__ == "Metric" and base.__module__.startswith("tf_keras.") for base in type(thing).__mro__)


def _scope(thing: Any) -> str:
    scope = vars(thing).get("_name_scope")
    return str(getattr(scope, "name", "") or "").strip("/")


def keras_variables(thing: Any) -> list[Any]:
    """Returns the variables of a layer or an optimizer; none of a model of tf_keras that is not built: it raises."""
    try:
        found = thing.variables
        return list(found() if callable(found) else found)
    except Exception:  # noqa: BLE001  # it is the user's class, and may raise anything
        return []


def _names(objects: Iterable[Any]) -> dict[str, str]:
    """Returns the names of the variables of Keras' layers and optimizers, by unique name."""
    return {
        unique_name(variable): variable_name(variable)
        for thing in objects
        if is_keras(thing)
        for variable in keras_variables(thing)
    }


def _takes_gradients(kind: type) -> bool:
    """Tells an optimizer that is a tf.Module, such as Sonnet's, by its method `apply(gradients, ...)`."""
    if hasattr(kind, "apply_gradients"):
        return True
    try:
        names = list(inspect.signature(kind.apply).parameters) if hasattr(kind, "apply") else []
    except (TypeError, ValueError):
        return False
    return len(names) > 1 and names[1].startswith(("grad", "update"))
