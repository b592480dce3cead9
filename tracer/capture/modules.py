"""The modules and Keras layers that are alive in the process, as values: what they are called, and what is theirs."""

from __future__ import annotations

import dataclasses
import gc
import inspect
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

LAYER, MODULE = "layer", "module"  # kinds of `ModuleScope`
_KERAS = ("keras", "tf_keras")
_MANY = 10_000  # things in one list that are looked at: no module has more parts, and a list of numbers may be long
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


def living_objects() -> list[Any]:
    """Returns the modules and the optimizers of the process. Only Python's own list of objects knows all of them.

    Nothing is loaded for it.
    """
    classes = _modules() | _optimizers()
    found = [thing for thing in gc.get_objects() if type(thing) in classes] if classes else []
    # A Sequential model makes another model of its layers, which only it calls.
    hidden = {id(getattr(thing, "__dict__", {}).get("_functional")) for thing in found}
    return [thing for thing in found if id(thing) not in hidden]


def living_modules(objects: Sequence[Any]) -> Living:
    """Returns the modules among the living objects, as values."""
    classes, optimizers = _modules(), _optimizers()
    found = [thing for thing in objects if type(thing) in classes and not _is_metric(thing)]
    describing = _Describing(found)
    modules = tuple(map(describing.module, found))
    return Living(
        modules,
        names=_names(objects),
        optimizer=_optimizer_variables(objects, optimizers, modules, found),
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
        self._classes = {type(thing) for thing in objects}
        self._known: dict[int, Module] = {}
        self._opened: set[int] = set()

    def module(self, thing: Any) -> Module:
        """Returns the value of a module, and with it those of its parts."""
        if id(thing) in self._known:
            return self._known[id(thing)]
        self._opened.add(id(thing))
        keras = is_keras(thing)
        parts = {
            label: self.module(part)
            for label, part in _labelled(self._parts(thing)).items()
            if id(part) not in self._opened  # a part that refers to what it is a part of
        }
        own = keras_variables(thing) if keras else [value for _, value in _values(thing) if is_variable(value)]
        variables = {unique_name(variable) for variable in own}
        module = Module(
            name=module_name(thing),
            classes=tuple(local_name(base) for base in type(thing).__mro__),
            kind=LAYER if keras else MODULE,
            scope="" if keras else _scope(thing),
            twice=keras and not hasattr(type(thing), "name_scope"),  # tf_keras' layers have that
            variables=frozenset(variables.union(*(part.variables for part in parts.values()))),
            parts=parts,
        )
        self._opened.discard(id(thing))
        self._known[id(thing)] = module
        return module

    def _parts(self, thing: Any) -> list[tuple[str, Any]]:
        """Returns the modules that are attributes of a module, or stand in its lists and dicts, by attribute."""
        found: dict[int, tuple[str, Any]] = {}
        for label, value in _values(thing):
            known = found.get(id(value))
            hidden = known is not None and known[0].startswith("_") and not label.startswith("_")
            if type(value) in self._classes and (known is None or hidden) and value is not thing:
                found[id(value)] = (label, value)
        return list(found.values())


def _labelled(parts: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Returns modules by their names; by their attributes where names are not enough to tell them apart."""
    names = [module_name(part) for _, part in parts]
    return {
        name if names.count(name) == 1 else attribute: part
        for name, (attribute, part) in zip(names, parts, strict=True)
    }


def _values(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yields what an object's attributes hold, through lists and dicts: `hidden`, `layers[0]`."""
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
        if depth < _NESTED:
            waiting += [(f"{label}[{key!r}]", part, depth + 1) for key, part in itertools.islice(inner, _MANY)]


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


def _optimizer_variables(
    objects: Iterable[Any], classes: set[type], modules: Sequence[Module], found: Sequence[Any]
) -> frozenset[str]:
    """Returns the variables of Keras' optimizers, and those that only modules with an optimizer's methods have."""
    keras = {
        unique_name(variable) for thing in objects if type(thing) in classes for variable in keras_variables(thing)
    }
    stepping, others = set[str](), set[str]()
    for module, thing in zip(modules, found, strict=True):
        if not _takes_gradients(type(thing)):
            others |= module.variables.difference(*(part.variables for part in module.parts.values()))
            continue
        stepping |= {unique_name(v) for _, v in _values(thing) if is_variable(v) and not v.trainable}
    return frozenset(keras | (stepping - others))


def _takes_gradients(kind: type) -> bool:
    """Tells an optimizer that is a tf.Module, such as Sonnet's, by its method `apply(gradients, ...)`."""
    if hasattr(kind, "apply_gradients"):
        return True
    try:
        names = list(inspect.signature(kind.apply).parameters) if hasattr(kind, "apply") else []
    except (TypeError, ValueError):
        return False
    return len(names) > 1 and names[1].startswith(("grad", "update"))
