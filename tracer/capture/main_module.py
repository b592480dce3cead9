"""A program as `python FILE ARGS` and `python -m MODULE ARGS` run it: `__main__`, `sys.argv`, `sys.path`, its end."""

from __future__ import annotations

import contextlib
import io
import os
import pkgutil
import runpy
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any, NamedTuple

from tracer.errors import NotFound, UsageError

_USAGE = "trace-scenario script FILE [ARGS], or script -m MODULE [ARGS]"
_OURS = str(Path(__file__).resolve().parents[1]) + os.sep
_OUR_NAME = __name__.partition(".")[0]
# Whether Python was told (-P, PYTHONSAFEPATH, -I) to put no folder of the program's before all others in `sys.path`.
_SAFE_PATH = bool(getattr(sys.flags, "safe_path", sys.flags.isolated))


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
        if not _SAFE_PATH:
            _check_name_of_ours(str(Path.cwd()))
        return Program(module, text, lambda: _run_module(module, arguments))
    path = Path(file)
    if not path.exists():
        raise NotFound(f"no file '{file}'", hint=_USAGE)
    if path.suffix == ".ipynb":
        raise UsageError(f"'{file}' is a notebook", hint="in the notebook: %load_ext tracer.notebook, then %%trace")
    absolute = os.path.join(Path.cwd(), file)  # noqa: PTH118  # with the `./` and `../` in it, as Python has it
    if pkgutil.get_importer(absolute) is not None:  # a folder, or a zip archive of whatever name
        _check_name_of_ours(absolute)
        return Program(path.stem, text, lambda: _run_archive(file, absolute, arguments))
    if not _SAFE_PATH:
        _check_name_of_ours(str(path.resolve().parent))
    return Program(path.stem, text, lambda: _run_file(file, absolute, arguments))


def _check_name_of_ours(folder: str) -> None:
    """Checks that a program does not have a module of our name, in whose place it would get ours.

    Raises:
      UsageError: it has.
    """
    spec = PathFinder.find_spec(_OUR_NAME, [folder])
    if spec is None or spec.origin is None:  # a folder without an `__init__.py` gives way to us in any case
        return
    if Path(spec.origin).resolve() != Path(_OURS, "__init__.py"):
        raise UsageError(
            f"the program has a module '{_OUR_NAME}', {spec.origin}, and would get this tool's in its place",
            hint="rename it, or move it into a package",
        )


def _run_file(file: str, path: str, arguments: Sequence[str]) -> None:
    main = _fresh_main()
    main.__file__ = path
    main.__loader__ = SourceFileLoader("__main__", path)
    main.__dict__["__cached__"] = None
    sys.argv[:] = [file, *arguments]
    if not _SAFE_PATH:
        sys.path[0] = str(Path(path).resolve().parent)
    with io.open_code(path) as content:
        source = content.read()
    exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)  # noqa: S102  # the user's program


def _run_module(name: str, arguments: Sequence[str]) -> None:
    if not _SAFE_PATH:
        sys.path[0] = str(Path.cwd())
    sys.argv[:] = ["-m", *arguments]  # what the packages around it find while they are imported
    _run_as_main(name, alter_argv=True)


def _run_archive(file: str, path: str, arguments: Sequence[str]) -> None:
    sys.argv[:] = [file, *arguments]
    sys.path[: 0 if _SAFE_PATH else 1] = [path]
    _run_as_main("__main__", alter_argv=False)


def _run_as_main(name: str, *, alter_argv: bool) -> None:
    """Does what `python -m` does, and `python` with a folder or an archive: this is the function that they call."""
    _fresh_main()
    runpy._run_module_as_main(name, alter_argv)  # type: ignore[attr-defined]


def was_not_found(error: BaseException | None) -> bool:
    """Tells whether a program ended because there is no such module, or no `__main__` in a folder, to run."""
    return isinstance(error, SystemExit) and isinstance(error.__context__, runpy._Error)  # type: ignore[attr-defined]


def _fresh_main() -> Any:
    """Puts an empty `__main__` in the place of ours, where it stays: what runs at exit, or unpickles, looks there."""
    main: Any = types.ModuleType("__main__")
    main.__builtins__ = sys.modules["builtins"]
    main.__annotations__ = {}
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


class ProgramThreads:
    """The threads that a program starts, which Python waits for at its end."""

    def __init__(self) -> None:
        """Knows what is there before the program runs."""
        self._before = {*threading.enumerate(), threading.current_thread()}
        self._calls: list[Callable[[], None]] = getattr(threading, "_threading_atexits", [])
        self._known = list(self._calls)

    def wait(self) -> None:
        """Waits for them as Python does: pools of threads are told first that there is no more to do."""
        for call in [call for call in reversed(self._calls) if call not in self._known]:
            self._calls.remove(call)
            call()
        while waiting := [thread for thread in threading.enumerate() if self._is_waited_for(thread)]:
            waiting[0].join()

    def _is_waited_for(self, thread: threading.Thread) -> bool:
        if thread in self._before or thread.daemon:
            return False
        pools = sys.modules.get("concurrent.futures.thread")  # imported before the program, they end with the process
        of_pool = pools is not None and getattr(thread, "_target", None) is pools._worker
        return not of_pool or bool(getattr(pools, "_shutdown", False))


def ended_with(error: BaseException | None) -> int:
    """Tells of an uncaught exception as Python does, and returns the exit code that it ends with.

    An exception goes to `sys.excepthook`, which may be the program's own, without the frames of this tool.
    """
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return _asked_for(error)
    _without_our_frames(error)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as asked:
        return _asked_for(asked)
    except BaseException as failure:  # noqa: BLE001  # Python shows both, too
        _without_our_frames(failure)
        for headline, shown in (("Error in sys.excepthook:", failure), ("\nOriginal exception was:", error)):
            with contextlib.suppress(OSError, ValueError):  # it is closed
                print(headline, file=sys.stderr)
            sys.__excepthook__(type(shown), shown, shown.__traceback__)
    return 1


def _asked_for(error: SystemExit) -> int:
    """Returns the exit code that `sys.exit` asked for; a text is told, and is 1."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    with contextlib.suppress(OSError, ValueError):  # it is closed
        print(error.code, file=sys.stderr)
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
