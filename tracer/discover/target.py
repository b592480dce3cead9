"""TARGET, as a user types it, to the thing to record: a scenario, or a Python object to call."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from tracer.discover.listing import ListedScenario, list_scenarios, scenarios_in
from tracer.errors import NotFound, ProgramFailed, TracerError, UsageError, did_you_mean, reason

SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
_KERAS_SUFFIXES = (".keras", ".h5")
_READ_SUFFIXES = (".pb", ".pbtxt", ".meta")  # graphs and profiles, which other commands read
_EVENT_FILE = ".tfevents."
_PROFILE_FILE = ".xplane.pb"


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What TARGET names. Nothing is imported yet."""

    text: str
    kind: str  # "scenario", "file", "module", "saved_model", "keras_model"
    name: str  # the scenario's name in the log folder
    location: str  # the file, the module, or the folder
    attribute: str = ""


def parse_target(text: str) -> Target:
    """Returns what `text` names.

    Raises:
      NotFound: no such scenario, file, folder or module; the hint names what is close.
      UsageError: a file that declares no scenario, or several, where none is named.
      Unreadable: a file that cannot be read.
    """
    if not text.strip() or text.startswith(":"):
        raise UsageError(f"'{text}' names no target", hint="a scenario, file.py[:name], or package.module:attribute")
    path = Path(text)
    if path.is_dir() and not _is_scenario_name(text):
        if any((path / name).is_file() for name in SAVED_MODEL_FILES):
            return Target(text, "saved_model", path.resolve().name, str(path.resolve()))
        raise NotFound(f"{text} is a folder, but no SavedModel", hint="a SavedModel folder holds saved_model.pb")
    if path.suffix in _KERAS_SUFFIXES:
        if not path.is_file():
            raise NotFound(f"no file {text}", hint="check the path")
        return Target(text, "keras_model", path.stem, str(path.resolve()))
    if path.is_file() and not _is_python(path):
        raise _to_read(path)
    file, _, attribute = text.partition(":")
    if file.endswith(".py") or "/" in file:
        return _file_target(text, Path(file), attribute)
    if attribute:
        return Target(text, "module", attribute.rpartition(".")[2], file, attribute)
    listed = {entry.name: entry for entry in list_scenarios()}
    if text in listed:
        return _listed_target(text, listed[text])
    raise NotFound(
        f"no scenario named '{text}'",
        hint=did_you_mean(text, listed, otherwise="trace-scenario list; or give file.py, package.module:attribute"),
    )


def _is_python(file: Path) -> bool:
    return not (file.suffix in _READ_SUFFIXES or _EVENT_FILE in file.name)


def _to_read(file: Path) -> UsageError:
    """Returns what to do with a file that was recorded, or a graph: it can be looked at, and not run."""
    if file.name in SAVED_MODEL_FILES:
        return UsageError(
            f"{file} is part of a SavedModel", hint=f"name its folder: trace-scenario run {file.resolve().parent}"
        )
    verb = "ops" if file.name.endswith(_PROFILE_FILE) else "show"
    return UsageError(
        f"{file} cannot be run: it holds no Python, and no signature to call",
        hint=f"look at it: trace-scenario {verb} {file}",
    )


def load_target(target: Target) -> Any:
    """Imports what the target names: a `Scenario`, or any other object. Not for SavedModels and Keras files.

    Raises:
      NotFound: no such module or attribute.
      ProgramFailed: the user's code raised while it was imported; `__cause__` is what it raised.
    """
    module = _import_file(Path(target.location)) if target.kind == "file" else _import_module(target)
    found: Any = module
    for part in target.attribute.split("."):
        if not hasattr(found, part):
            public = [name for name in vars(found) if not name.startswith("_")] if hasattr(found, "__dict__") else []
            raise NotFound(
                f"'{part}' is not in {target.location}",
                hint=did_you_mean(part, public, otherwise="name something that it defines"),
            )
        found = getattr(found, part)
    return found


def _is_scenario_name(text: str) -> bool:
    """Tells whether a folder's name is also a scenario's, which wins: `saved_model` is one of each."""
    return "/" not in text and any(entry.name == text for entry in list_scenarios())


def _listed_target(text: str, entry: ListedScenario) -> Target:
    if entry.module:
        return Target(text, "scenario", entry.name, entry.module, entry.attribute)
    return Target(text, "file", entry.name, entry.file, entry.attribute)


def _file_target(text: str, file: Path, attribute: str) -> Target:
    if not file.is_file():
        siblings = [str(other) for other in file.parent.glob("*.py")] if file.parent.is_dir() else []
        raise NotFound(f"no file {file}", hint=did_you_mean(str(file), siblings, otherwise="check the path"))
    location = str(file.resolve())
    if attribute:
        return Target(text, "file", attribute.rpartition(".")[2], location, attribute)
    try:
        declared = scenarios_in(file, origin="file")
    except SyntaxError as error:
        raise _failed(f"{file} does not parse", error) from error
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint="give a Python file in UTF-8") from error
    if len(declared) == 1:
        return Target(text, "file", declared[0].name, location, declared[0].attribute)
    if not declared:
        raise UsageError(
            f"{file} declares no scenario",
            hint=f"decorate one with @tracer.scenario, or name a callable: {file}:name",
        )
    names = [entry.attribute for entry in declared]
    raise UsageError(f"{file} declares {len(names)} scenarios: {', '.join(names)}", hint=f"name one: {file}:{names[0]}")


def _import_file(file: Path) -> Any:
    """Imports a file as `python file` would find its neighbours: its folder comes first on the path."""
    folder = str(file.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = file.stem if file.stem not in sys.modules else f"traced_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # the name ends in .py, or the file was checked before
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except TracerError:
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _failed(f"{file} could not be imported", error) from error
    return module


def _import_module(target: Target) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(target.location)
    except ModuleNotFoundError as error:
        if error.name and (target.location == error.name or target.location.startswith(error.name + ".")):
            raise NotFound(
                f"no module named '{error.name}'", hint="install it into this environment, or check the spelling"
            ) from None
        raise _failed(f"{target.location} could not be imported", error) from error
    except TracerError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(f"{target.location} could not be imported", error) from error


def _failed(message: str, error: BaseException) -> ProgramFailed:
    return ProgramFailed(f"{message}: {reason(error)}", hint="the traceback above is the program's own")
