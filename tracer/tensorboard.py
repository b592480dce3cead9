"""TensorBoard on a log folder: started on loopback, waited for, and ended by the process that was started."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer.errors import NotFound, TracerError, UsageError
from tracer.store import layout

HOST = "127.0.0.1"
_POLL_S = 0.1
_STOP_S = 5.0  # TensorBoard ends at once when asked; its data server may take a moment


class BoardFailed(TracerError):
    """TensorBoard did not start, or did not find the runs in time."""


@dataclasses.dataclass(frozen=True)
class Board:
    """A TensorBoard that answers."""

    url: str  # "http://127.0.0.1:6006/"
    pid: int
    logdir: str
    process: subprocess.Popen[bytes] = dataclasses.field(repr=False, compare=False)
    view: Path | None = dataclasses.field(default=None, repr=False, compare=False)
    shown: Mapping[str, str] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )  # run -> its name there

    def link(self, run: str = "", *, dashboard: str = "graphs", tag: str = "") -> str:
        """Returns the address of a dashboard, with a run chosen.

        `...#graphs&run=demo_module%2F20261123-021530`: the Graphs dashboard of TensorBoard 2.21 keeps the run in its
        address, but opens the first run of its list, whatever the address says.
        `...?run=demo_module%2F20261123-021530%2F<session>#profile`: the Profile dashboard opens that session.
        """
        name = self.shown.get(run, run)
        sessions = sorted((Path(self.logdir) / name / layout.PROFILES).glob("*")) if name else []
        if dashboard == "profile" and sessions:
            return f"{self.url}?run={_quoted(f'{name}/{sessions[-1].name}')}#profile"
        choice = {"run": name, "tag": tag}
        return f"{self.url}#{dashboard}" + "".join(f"&{key}={_quoted(value)}" for key, value in choice.items() if value)

    def wait(self) -> None:
        """Returns when TensorBoard has ended."""
        self.process.wait()

    def stop(self) -> None:
        """Ends TensorBoard and the data server that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        if self.view is not None:
            shutil.rmtree(self.view, ignore_errors=True)

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def board_on(runs: Mapping[str, Path], *, port: int = 0, timeout_s: float = 60.0) -> Board:
    """Starts TensorBoard on some runs only, by name, the first of them first.

    Its log folder is one of links to them: the page opens the first run in its list, not the one that its address names
    (TensorBoard 2.21), and takes the longer the more there are. So several runs are numbered, in the order given.

    Raises:
      NotFound, UsageError, BoardFailed: as `start_board`.
    """
    view = Path(tempfile.mkdtemp(prefix="trace-scenario-board-"))  # no context manager: a board may outlive us
    shown = {name: name if len(runs) == 1 else f"{number} {name}" for number, name in enumerate(runs, 1)}
    for name, path in runs.items():
        _mirror(path.resolve(), view / shown[name])
    with_graph = [shown[name] for name, path in runs.items() if any(path.glob(layout.EVENT_PREFIX + "*"))]
    try:
        board = start_board(view, runs=with_graph, port=port, timeout_s=timeout_s)
    except BaseException:
        shutil.rmtree(view, ignore_errors=True)
        raise
    return dataclasses.replace(board, view=view, shown=shown)


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _mirror(run: Path, view: Path) -> None:
    """Makes folders as in the run with links to the files: the profile plugin follows no links to folders."""
    view.mkdir(parents=True)
    for pattern in (layout.EVENT_PREFIX + "*", f"{layout.RAW_EXPORT}/*", f"{layout.PROFILES}/*/*"):
        for file in run.glob(pattern):
            link = view / file.relative_to(run)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)


def start_board(logdir: Path, *, runs: Sequence[str] = (), port: int = 0, timeout_s: float = 60.0) -> Board:
    """Starts TensorBoard on `logdir` and returns when it answers and has read `runs`.

    Args:
      logdir: the log folder.
      runs: runs with a graph, as `scenario/stamp`; it must have read them, for a page opened before shows another.
      port: 0 for a free one.
      timeout_s: how long it may take.

    Raises:
      NotFound: TensorBoard is not installed.
      UsageError: the port is taken.
      BoardFailed: it ended at once, or did not answer in time.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise NotFound("TensorBoard is not installed", hint="pip install tensorboard tensorboard-plugin-profile")
    chosen = _claim_port(port)
    place = ["--logdir", str(logdir.resolve()), "--host", HOST, "--port", str(chosen)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", *place],
            cwd=Path(sys.executable).parent,  # -m imports from here first: a user's random.py would be in its way
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its data server ends with it, and Ctrl-C reaches us first
        )
        board = Board(f"http://{HOST}:{chosen}/", process.pid, str(logdir), process)
        try:
            _wait(board, runs, time.monotonic() + timeout_s)
        except BaseException as error:
            board.stop()
            if isinstance(error, BoardFailed):
                said.seek(0)
                last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                raise BoardFailed(f"{error.message}{': ' if last else ''}{''.join(last)}", hint=error.hint) from None
            raise
    return board


def _claim_port(port: int) -> int:
    with socket.socket() as probe:
        if port:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does: one just ended is no owner
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise UsageError(f"port {port} is taken or not allowed: {error}", hint="leave --port out") from None
        number: int = probe.getsockname()[1]
        return number


def _wait(board: Board, runs: Sequence[str], deadline: float) -> None:
    while time.monotonic() < deadline:
        if board.process.poll() is not None:
            raise BoardFailed("TensorBoard ended at once", hint="trace-scenario doctor looks for the reason")
        found = _get(board.url + "data/plugin/graphs/info")
        if found is not None and set(runs) <= set(found):
            return
        time.sleep(_POLL_S)
    raise BoardFailed(
        "TensorBoard did not show the run in time", hint="is the log folder very large? name it with --logdir"
    )


def _get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # loopback, http
            return json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None  # not up yet
