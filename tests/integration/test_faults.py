"""What is left on disk when a recording is killed, interrupted, or runs out of space."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracer
from tests.integration.conftest import COMMAND, started, trace_scenario
from tracer.store.load import load_run

# Traces a new function every few milliseconds, for ever, and says when the first is recorded.
ENDLESS = """
    import sys, tensorflow as tf, tracer
    with tracer.trace("endless", logdir=sys.argv[1], profile=sys.argv[2] == "profile"):
        for number in range(10**9):
            tf.function(lambda x: x + float(number), autograph=False)(tf.ones([2]))
            print(number, flush=True)
"""


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that records for ever, with a few functions recorded already."""
    process = start_endless(tmp_path, "profile")
    yield process
    process.kill()
    process.communicate()


def start_endless(tmp_path: Path, profile: str) -> subprocess.Popen[str]:
    """Starts the endless program and returns it when four of its functions are recorded."""
    program = tmp_path / "endless.py"
    program.write_text(textwrap.dedent(ENDLESS))
    process = started(sys.executable, str(program), str(tmp_path / "logs"), profile, cwd=tmp_path)
    assert process.stdout is not None
    while process.stdout.readline().strip() != "3":
        assert process.poll() is None
    return process


def only_run(logdir: Path) -> Path:
    """Returns the folder of the one run in a log folder."""
    [row] = tracer.runs(logdir=logdir).runs.items
    return Path(row.path)


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_run_reads_as_interrupted(seed: int, tmp_path: Path) -> None:
    """SIGKILL at a random moment leaves the functions traced up to then, each of them whole."""
    process = start_endless(tmp_path, "no profile")
    time.sleep(random.Random(seed).uniform(0, 0.3))
    process.kill()
    process.communicate()

    run = load_run(only_run(tmp_path / "logs"))
    assert run.status == "interrupted"
    assert len(run.traces) >= 4
    assert all(len(trace.graph.nodes) == 4 for trace in run.traces)
    assert tracer.show(str(run.path)).functions.total >= 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_a_signal_closes_the_session(
    number: signal.Signals, code: int, endless: subprocess.Popen[str], tmp_path: Path
) -> None:
    """SIGTERM and Ctrl-C end the program as ever, after the session is closed: profile, tags and state are there."""
    endless.send_signal(number)
    endless.communicate(timeout=60)

    assert endless.returncode in {code, 1, 130} if number == signal.SIGINT else endless.returncode == code
    run = load_run(only_run(tmp_path / "logs"))
    assert run.status == "interrupted"
    assert len(list(Path(run.path).glob("events.out.tfevents.*"))) == 1
    assert len(list(Path(run.path).glob("plugins/profile/*/*.xplane.pb"))) == 1
    assert run.traces[0].stages["optimized"] == ""


def test_two_processes_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    """Two recordings that start together do not meet: each run is whole."""
    command = [str(COMMAND), "run", "eager_only", "--no-profile", "--json", "--logdir", str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(2)]
    folders = {json.loads(process.communicate(timeout=120)[0])["run"] for process in both}

    assert len(folders) == 2
    assert {load_run(Path(folder)).status for folder in folders} == {"complete"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system takes the right to mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_an_error_and_never_a_success(small_disk: Path) -> None:
    """When the disk fills up, the command fails with one line and a hint, and no run says that it is complete."""
    done = trace_scenario("run", "train_step", "--logdir", small_disk)

    assert done.returncode == 1
    assert "error: cannot write" in done.stderr
    assert "hint: free some space, or choose another --logdir" in done.stderr
    assert "Traceback" not in done.stderr
    assert {row.status for row in tracer.runs(logdir=small_disk).runs.items} <= {"failed", "interrupted", "unreadable"}


def test_a_program_that_fails_keeps_its_run(tmp_path: Path) -> None:
    """A program's failure is exit code 1 with its own traceback, and the run can be looked at."""
    (tmp_path / "fails.py").write_text(
        textwrap.dedent(
            """
            import tensorflow as tf

            @tf.function
            def good(x):
                return x + 1.0

            def bad():
                good(tf.ones([2]))
                raise ValueError("no good")
            """
        )
    )
    done = trace_scenario("run", "fails.py:bad", "--eager", "--logdir", "logs", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n  File ")
    assert "fails.py" in done.stderr.splitlines()[1]
    assert "error: the recorded program failed: ValueError: no good" in done.stderr
    run = load_run(only_run(tmp_path / "logs"))
    assert (run.status, run.error, list(run.functions)) == ("failed", "ValueError: no good", ["good"])


@pytest.mark.parametrize(("code", "returned", "status"), [("0", 0, "complete"), ("3", 1, "failed")])
def test_a_program_that_ends_itself_keeps_its_run(code: str, returned: int, status: str, tmp_path: Path) -> None:
    """`sys.exit(0)` is a success whose run is shown; any other code is the program's failure, not the tool's code."""
    (tmp_path / "ends.py").write_text(f"import sys\ndef main():\n    sys.exit({code})\n")

    done = trace_scenario("run", "ends.py:main", "--eager", "--json", cwd=tmp_path)

    assert done.returncode == returned
    assert json.loads(done.stdout)["status"] == status


def running() -> list[bytes]:
    """Returns the command lines of all processes."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended while we looked
            commands.append(path.read_bytes())
    return commands


@pytest.mark.parametrize("delay", [0.5, 4.0])
def test_a_board_that_is_ended_ends_tensorboard(delay: float, tmp_path: Path) -> None:
    """SIGTERM ends `board` and the TensorBoard that it started, while it starts and when it answers."""
    tracer.record(lambda: None, logdir=tmp_path, profile=False, name="empty")
    board = subprocess.Popen(
        [str(COMMAND), "board", "--logdir", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    time.sleep(delay)
    board.terminate()
    board.communicate(timeout=30)

    assert [
        command for command in running() if b"tensorboard.main" in command and str(tmp_path).encode() in command
    ] == []
    assert list(tmp_path.glob("trace-scenario-board-*")) == []
