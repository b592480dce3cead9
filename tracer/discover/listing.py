"""Lists scenarios by reading their source: nothing is imported, so a listing costs no TensorFlow and runs no code."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from tracer.discover.declare import first_line
from tracer.discover.parameters import Parameter

ENTRY_POINT_GROUP = "tracer.scenarios"


@dataclasses.dataclass(frozen=True, slots=True)
class ListedScenario:
    """A scenario as its source declares it."""

    name: str
    summary: str
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    origin: str  # "built-in", "scenarios/ here", or the name of the distribution that offers it
    file: str
    attribute: str  # the function's name in the file
    module: str = ""  # where to import it from; empty: load the file


def list_scenarios() -> tuple[ListedScenario, ...]:
    """Returns every scenario that can be run by name; where two share a name, the one nearest to the user wins.

    Order of nearness: `scenarios/` in the current folder, installed entry points, built-in. Sorted by name.
    """
    found: dict[str, ListedScenario] = {}
    for entry in (*_built_in(), *_entry_points(), *_here()):
        found[entry.name] = entry
    return tuple(sorted(found.values(), key=lambda entry: entry.name))


def scenarios_in(file: Path, *, origin: str, module: str = "") -> tuple[ListedScenario, ...]:
    """Returns the scenarios that a Python file declares, in the order of the file.

    Raises:
      SyntaxError: the file does not parse.
      OSError, UnicodeDecodeError: the file cannot be read.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    return tuple(
        _listed(node, decorator, origin=origin, file=str(file), module=module)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if _is_scenario(decorator)
    )


def _built_in() -> Iterator[ListedScenario]:
    spec = importlib.util.find_spec("scenarios")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    own = Path(__file__).resolve().parents[2] / "scenarios"
    folder = own if own.is_dir() else Path(folders[0]) if folders else own
    for file in sorted(folder.glob("[!_]*.py")):
        yield from scenarios_in(file, origin="built-in", module=f"scenarios.{file.stem}")


def _here() -> Iterator[ListedScenario]:
    folder = Path("scenarios").resolve()
    if folder == Path(__file__).resolve().parents[2] / "scenarios":
        return
    for file in sorted(folder.glob("[!_]*.py")):
        yield from _readable(file, origin="scenarios/ here")


def _entry_points() -> Iterator[ListedScenario]:
    from importlib.metadata import entry_points  # 20 ms that a name found elsewhere need not pay

    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        module, _, attribute = entry.value.partition(":")
        file = _module_file(module)
        origin = entry.dist.name if entry.dist else "entry point"
        listed = {item.attribute: item for item in _readable(file, origin=origin, module=module)} if file else {}
        if attribute in listed:
            yield dataclasses.replace(listed[attribute], name=entry.name)
        elif attribute:
            yield ListedScenario(entry.name, "", (), (), origin, str(file or ""), attribute, module)
        else:
            yield from listed.values()


def _module_file(module: str) -> Path | None:
    """Returns the source of a module without importing it, which `find_spec` would do to its parent packages."""
    relative = Path(*module.split("."))
    for root in map(Path, sys.path):
        for candidate in (root / relative.with_suffix(".py"), root / relative / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def _readable(file: Path, *, origin: str, module: str = "") -> tuple[ListedScenario, ...]:
    try:
        return scenarios_in(file, origin=origin, module=module)
    except (SyntaxError, OSError, ValueError):
        return ()  # a listing shows what it can; running the file says what is wrong with it


def _is_scenario(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")) == "scenario"


def _listed(node: ast.FunctionDef, decorator: ast.expr, *, origin: str, file: str, module: str) -> ListedScenario:
    options = {
        keyword.arg: _literal(keyword.value)
        for keyword in (decorator.keywords if isinstance(decorator, ast.Call) else ())
    }
    tags = options.get("tags") or ()
    return ListedScenario(
        name=str(options.get("name") or node.name),
        summary=first_line(ast.get_docstring(node)),
        tags=tuple(map(str, tags)) if isinstance(tags, (tuple, list)) else (),
        parameters=tuple(_parameters(node.args)),
        origin=origin,
        file=file,
        attribute=node.name,
        module=module,
    )


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [
        *zip(positional, [*padding, *arguments.defaults], strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        text = ast.unparse(default) if default is not None else None
        yield Parameter(argument.arg, kind, text, default is None)
