"""TensorBoard below a notebook's cell; and as an extension of IPython, the magic `%%trace`.

    import tracer.notebook

    tracer.notebook.start()             the newest run
    tracer.notebook.start("train_step", logdir="logs")
    tracer.notebook.running()
    tracer.notebook.stop()

The browser must run on the kernel's machine, as TensorBoard listens on loopback only.
"""

from __future__ import annotations

import atexit
import importlib.util
from pathlib import Path

from tracer.errors import NotFound
from tracer.magic import load_ipython_extension
from tracer.store import layout
from tracer.store.find import find_run
from tracer.tensorboard import Board, board_on

__all__ = ["load_ipython_extension", "running", "start", "stop"]

_boards: list[tuple[Path, Board]] = []  # each with its run's folder, in the order in which they were started


def start(run: str = "latest", *, logdir: str | Path | None = None, port: int = 0, height: int = 800) -> None:
    """Shows a run in TensorBoard, below the cell. A cell that is run again shows the TensorBoard that it has started.

    Args:
      run: a path, `latest`, `latest~2`, a scenario (its newest run), or `scenario/stamp`.
      logdir: the log folder; `TRACE_SCENARIO_LOGDIR`, or `logs`, where it is not given.
      port: 0 for a free one.
      height: of the frame, in pixels.

    Raises:
      NotFound: no such run, or IPython or TensorBoard is not installed.
      Unreadable: the log folder is a file, or may not be read.
      UsageError: the port is taken.
      BoardFailed: TensorBoard ended at once, or did not answer in time.
    """
    if importlib.util.find_spec("IPython") is None:
        raise NotFound("IPython is not installed", hint="pip install 'trace-scenario[notebook]'")
    from IPython.display import IFrame, display

    path = find_run(run, Path(logdir) if logdir is not None else layout.default_logdir())
    name = f"{path.parent.name}/{path.name}"
    board = _running_on(path, port)
    if board is None:
        board = board_on({name: path}, port=port)
        _boards.append((path, board))
    display(IFrame(board.link(name), width="100%", height=height))


def running() -> tuple[Board, ...]:
    """Returns the TensorBoards that `start` has started in this process and that have not ended, oldest first."""
    return tuple(board for _, board in _boards if board.process.poll() is None)


@atexit.register
def stop() -> None:
    """Ends every TensorBoard that `start` has started. So does the end of the kernel."""
    while _boards:
        _, board = _boards.pop()
        board.stop()


def _running_on(path: Path, port: int) -> Board | None:
    for shown, board in _boards:
        if shown == path and board in running() and (not port or board.url.endswith(f":{port}/")):
            return board
    return None
