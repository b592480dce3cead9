"""A program as `python FILE ARGS` and `python -m MODULE ARGS` run it: `__main__`, `sys.argv`, `sys.path`, its end."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import io
import os
import runpy
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tracer.errors import NotFound, UsageError

_USAGE = "trace-scenario script FILE [ARGS], or script -m MODULE [ARGS]"
_OURS = str(Path(__file__).resolve().parents[1]) + os.sep


class Program(NamedTuple):
    """A program that is ready to run, and what it is called."""

    name: str  # "train"
    text: str  # as it was typed: "train.py --epochs 2"
    run: Callable[[], None]


def program(file: str, arguments: Sequence[str], *, module: str = "") -> Program:
    """Returns a program.

    Args:
      file: its file, or a folder or zip archive with a `__main__.py`.
      arguments: what it finds in `sys.argv` behind its name.
      module: the name of a module, as behind `python -m`, instead of a file.

    Raises:
      NotFound: there is no such file.
      UsageError: it is a notebook, or no program is named, or two.
    """
    if bool(file) == bool(module):
        raise UsageError("no program" if not file else "two programs: a file and a module", hint=_USAGE)
    text = " ".join((f"-m {module}" if module else file, *arguments))
    if module:
        return Program(module, text, lambda: _run_module(module, arguments))
    path = Path(file)
    if not path.exists():
        raise NotFound(f"no file '{file}'", hint=_USAGE)
    if path.suffix == ".ipynb":
        raise UsageError(f"'{file}' is a notebook", hint="in the notebook: %load_ext tracer.notebook, then %%trace")
    if path.is_dir() or path.suffix in (".zip", ".pyz"):
        return Program(path.stem, text, lambda: _run_archive(file, arguments))
    return Program(path.stem, text, lambda: _run_file(file, arguments))


def _run_file(file: str, arguments: Sequence[str]) -> None:
    path = str(Path(file).absolute())
    main = _fresh_main()
    main.__file__ = path
    main.__dict__["__cached__"] = None
    sys.argv[:] = [file, *arguments]
    sys.path[0] = str(Path(path).resolve().parent)
    with io.open_code(path) as content:
        source = content.read()
    exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)  # noqa: S102  # the user's program


def _run_module(name: str, arguments: Sequence[str]) -> None:
    sys.path[0] = str(Path.cwd())
    sys.argv[:] = ["-m", *arguments]  # what the packages around it find while they are imported
    code, spec = _module_code(name)
    main = _fresh_main()
    main.__file__ = spec.origin
    main.__spec__ = spec
    main.__package__ = spec.parent
    main.__loader__ = spec.loader
    main.__dict__["__cached__"] = spec.cached
    sys.argv[0] = spec.origin or name
    exec(code, main.__dict__)  # noqa: S102  # as above


def _run_archive(file: str, arguments: Sequence[str]) -> None:
    sys.argv[:] = [file, *arguments]
    del sys.path[0]  # run_path puts the archive there
    runpy.run_path(file, run_name="__main__")


def _module_code(name: str) -> tuple[types.CodeType, Any]:
    """Returns the code of a module, or of a package's `__main__`; ends as Python does where there is none."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError) as error:
        raise SystemExit(f"{sys.executable}: Error while finding module specification for '{name}' ({error})") from None
    code = spec.loader.get_code(name) if spec and isinstance(spec.loader, importlib.abc.InspectLoader) else None
    if spec is None or code is None:
        raise SystemExit(f"{sys.executable}: No module named {name}")
    return code, spec


def _fresh_main() -> Any:
    """Puts an empty `__main__` in the place of ours, where it stays: what runs at exit, or unpickles, looks there."""
    main: Any = types.ModuleType("__main__")
    main.__builtins__ = sys.modules["builtins"]
    sys.modules["__main__"] = main
    return main


@contextlib.contextmanager
def main_put_back() -> Iterator[None]:
    """Has `__main__`, `sys.argv` and `sys.path` as they were when the block ends."""
    main, argv, path = sys.modules["__main__"], list(sys.argv), list(sys.path)
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        sys.argv[:], sys.path[:] = argv, path


def wait_for_threads() -> None:
    """Waits for the program's threads, as Python does at its end."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def ended_with(error: BaseException | None) -> int:
    """Tells of an uncaught exception as Python does, and returns the exit code that it ends with.

    An exception goes to `sys.excepthook`, which may be the program's own, without the frames of this tool.
    """
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        with contextlib.suppress(OSError, ValueError):  # it is closed
            print(error.code, file=sys.stderr)
        return 1
    _without_our_frames(error)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException as failure:  # noqa: BLE001  # Python shows both, too
        sys.__excepthook__(type(failure), failure, failure.__traceback__)
    return 1


def _without_our_frames(error: BaseException) -> None:
    """Cuts this tool's frames out of an exception's traceback, and out of those that it came from."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        kept = []
        trace = current.__traceback__
        while trace is not None:
            if not trace.tb_frame.f_code.co_filename.startswith(_OURS):
                kept.append(trace)
            trace = trace.tb_next
        for one, following in zip(kept, [*kept[1:], None], strict=False):
            one.tb_next = following
        current.__traceback__ = kept[0] if kept else None
        current = current.__cause__ or current.__context__
