"""What made TensorFlow trace a function again: a table of causes, each a program that was recorded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import trace_scenario
from tests.integration.retrace_cases import CASES, Case
from tracer.report.retraces import RetracedFunction, RetracesReport, retraces_report
from tracer.store.load import load_run

PREAMBLE = """\
import collections, dataclasses, enum, functools
import numpy as np
import tensorflow as tf

"""
# Records each program of a folder, in a process that has two devices.
DRIVER = """\
import runpy, sys
from pathlib import Path

import tensorflow as tf

import tracer

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.py")):
    with tracer.trace(path.stem, logdir=folder / "logs", profile=False, sources=False):
        runpy.run_path(str(path))
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RetracesReport]:
    """Returns the report of each case, and of each with the advice taken, recorded in one process."""
    folder = tmp_path_factory.mktemp("retraces")
    for case in CASES:
        (folder / f"{case.name}.py").write_text(PREAMBLE + case.program)
        if case.fix:
            (folder / f"{case.name}-fixed.py").write_text(PREAMBLE + case.fixed)
    command = [sys.executable, "-c", DRIVER, str(folder)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return {path.parent.name: retraces_report(load_run(path)) for path in (folder / "logs").glob("*/*")}


def of(report: RetracesReport, name: str) -> RetracedFunction:
    """Returns a function of a report."""
    return next(row for row in report.functions.items if row.name == name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_cause_of_a_retrace_is_named(reports: dict[str, RetracesReport], case: Case):
    """The table says which argument changed from what to what, and what to do; or that there is no retrace."""
    row = of(reports[case.name], case.function)
    causes = [(each.change.kind, each.change.argument, each.change.before, each.change.after) for each in row.causes]

    assert (row.retraces, causes[:1]) == (case.retraces, [case.cause] if case.cause else [])
    assert tuple(each.reason for each in row.legitimate) == case.reasons
    assert case.advice in (row.causes[0].advice.text if row.causes else "")


@pytest.mark.parametrize("case", [case for case in CASES if case.fix], ids=lambda case: case.name)
def test_the_advice_spares_the_retraces(reports: dict[str, RetracesReport], case: Case):
    """A program with the advice taken has no retraces left, and as many calls of the function."""
    fixed = reports[f"{case.name}-fixed"]

    assert fixed.retraces == 0
    assert sum(row.calls for row in fixed.functions.items) == sum(
        row.calls for row in reports[case.name].functions.items
    )


NEW_OBJECTS = """\
import tensorflow as tf


class Net(tf.Module):
    def __init__(self):
        self.w = tf.Variable(2.0)

    @tf.function
    def step(self, x):
        return self.w * x


def main():
    net = Net()
    return net.step(tf.ones(2))
"""


@pytest.mark.parametrize(("most", "code"), [(2, 0), (1, 5)])
def test_a_budget_of_retraces_ends_a_run_with_exit_code_5(tmp_path: Path, most: int, code: int):
    """Three calls of a method of new objects are two retraces: beyond 1 the function and the cause are told."""
    (tmp_path / "nets.py").write_text(NEW_OBJECTS)
    options = ("--eager", "--no-profile", "--warmup", 0, "--steps", 3, "--json", "--max-retraces", most)
    done = trace_scenario("run", "nets.py:main", *options, cwd=tmp_path)
    run = json.loads(done.stdout)["run"]
    told = (
        "error: 'step' was traced again 2 times (self: Net #1 -> Net #2), 1 allowed\n"
        f"hint: trace-scenario retraces {run} "
    )

    assert (done.returncode, told in done.stderr) == (code, code == 5)


def test_the_command_shows_the_causes_and_the_next_one_compares_them(recorded: Callable[[str], Path]):
    """The object has the keys of the contract; the page ends with the diff of the first retrace, which can be run."""
    path = recorded("retracing")
    printed = json.loads(trace_scenario("retraces", path, "--json").stdout)
    page = trace_scenario("retraces", path).stdout
    following = page.splitlines()[-1]
    compared = trace_scenario(*(word.strip("'") for word in following.split()[2:]), "--logdir", path.parents[1])

    (function,) = printed["functions"]["items"]
    assert [(cause["argument"], cause["before"], cause["after"]) for cause in function["causes"]] == [
        ("factor", "Literal[2]", "Literal[3]"),
        ("x", "float32[1, 3]", "float32[2, 3]"),
        ("x", "float32[2, 3]", "float32[3]"),
        ("x", "float32[1, 3]", "float64[1, 3]"),
        ("factor", "Literal[3]", "int32[]"),
    ]
    assert (function["name"], function["traces"], function["retraces"], function["calls"]) == ("scale", 6, 5, 8)
    assert following.startswith("next: trace-scenario diff ")
    assert (compared.returncode, "scale#1" in compared.stdout) == (0, True)


@pytest.mark.parametrize("command", ["retraces", "lint", "show", "ops", "lines"])
def test_damaged_traces_are_told_and_not_passed_over(
    recorded: Callable[[str], Path], tmp_path: Path, command: str
) -> None:
    """Where the files of traces are cut off the page names each, and the exit code is that of partial data."""
    run = tmp_path / "logs" / "retracing" / "20261123-021530"
    shutil.copytree(recorded("retracing"), run)
    for number in range(1, 6):
        path = run / "functions" / f"{number:03d}-scale" / "trace.json"
        path.write_bytes(path.read_bytes()[:200])

    done = trace_scenario(command, run, COLUMNS="500")

    assert (done.returncode, done.stdout.count("/trace.json is not valid JSON: ")) == (7, 5)


@pytest.mark.parametrize("command", ["retraces", "lint", "show", "ops"])
def test_a_trace_that_is_gone_is_told(recorded: Callable[[str], Path], tmp_path: Path, command: str) -> None:
    """A run whose folders somebody has removed is no clean run: the page names what is gone; the exit code is 7."""
    run = tmp_path / "logs" / "retracing" / "20261123-021530"
    shutil.copytree(recorded("retracing"), run)
    shutil.rmtree(run / "functions" / "003-scale")

    done = trace_scenario(command, run, COLUMNS="500")

    assert (done.returncode, done.stdout.count("/003-scale is gone")) == (7, 1)


def test_a_program_without_retraces_says_so_in_one_line(recorded: Callable[[str], Path]):
    """A scenario whose functions are traced once each has none."""
    page = trace_scenario("retraces", recorded("demo_module")).stdout

    assert page.splitlines()[0].startswith("no retraces in demo_module/")
