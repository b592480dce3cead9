"""What made TensorFlow trace a function again: a table of causes, each a program that was recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
