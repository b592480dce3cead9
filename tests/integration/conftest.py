"""Real recordings: each is made once a session, in a process of its own, as a user makes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("trace-scenario")


def heed_ctrl_c() -> None:
    """Has a process that starts heed Ctrl-C: a shell starts what it runs in the background with it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(*command: str, cwd: Path) -> subprocess.Popen[str]:
    """Starts a program that a test is to end, and whose output it reads."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509  # no threads are made here
    )


def trace_scenario(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line and returns what it said."""
    return subprocess.run(
        [str(COMMAND), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns what records a built-in scenario, the first time that it is asked for, and returns the run's folder."""
    logdir = tmp_path_factory.mktemp("logs")
    folders: dict[str, Path] = {}

    def record(scenario: str) -> Path:
        if scenario not in folders:
            done = trace_scenario("run", scenario, "--logdir", logdir, "--json")
            assert done.returncode == 0, done.stderr
            folders[scenario] = Path(json.loads(done.stdout)["run"])
        return folders[scenario]

    return record
