"""Which process writes a run, and whether it lives."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.helpers import dead_process
from tracer.store.process import is_alive, this_process


def test_this_process_is_alive():
    """The process that asks lives, and says who it is in three facts."""
    assert sorted(this_process()) == ["host", "pid", "started"]
    assert this_process()["pid"] == os.getpid()
    assert is_alive(this_process())


def test_an_ended_process_is_dead():
    """A process that has ended and was waited for is not alive."""
    assert not is_alive(dead_process())


def test_a_later_process_of_the_same_number_is_another():
    """A number that is in use again, by a process that started at another time, does not count."""
    assert not is_alive({**this_process(), "started": (this_process()["started"] or 0) + 1})


def test_a_zombie_is_dead():
    """A process that was killed and that nobody has waited for yet is not alive."""
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import json, sys; from tracer.store.process import this_process as t\n"
            "print(json.dumps(t()), flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        facts = {**this_process(), **json.loads(child.stdout.readline())}
        assert is_alive(facts)
        child.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(facts)
    finally:
        child.kill()
        child.communicate()


def test_a_process_elsewhere_counts_as_alive():
    """Of a process on another machine nobody here can tell that it has ended."""
    assert is_alive({"pid": 1, "started": 1, "host": "another-machine"})


@pytest.mark.parametrize(
    "facts", [{}, {"pid": None}, {"pid": "12"}, {"pid": 0}, {"pid": -1}, {"pid": 10**30, "started": 1}]
)
def test_what_names_no_process_is_dead(facts: dict):
    """Facts that were damaged, or that no process can have, name none that lives."""
    assert not is_alive(facts)
