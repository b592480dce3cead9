"""Verdicts on real recordings: an unchanged program is not said to have changed, a changed one is."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.conftest import trace_scenario
from tracer import api
from tracer.recorded import Run
from tracer.report.diff import DiffReport
from tracer.store.load import load_run

CHANGED = ("slower", "faster")


def _record(logdir: Path, scenario: str, *options: str) -> Run:
    done = trace_scenario("run", scenario, "--steps", 20, "--logdir", logdir, "--json", *options)
    assert done.returncode == 0, done.stderr
    return load_run(Path(json.loads(done.stdout)["run"]))


def _diff(before: Run, after: Run) -> DiffReport:
    return api.diff(before.path, after.path)


def test_unchanged_programs_are_hardly_ever_said_to_have_changed(tmp_path: Path) -> None:
    """Of three programs, each recorded twice, one at most may have met with so much other work as to be wrong."""
    scenarios = ("train_step", "xla_mlp", "rnn")
    reports = [_diff(_record(tmp_path, scenario), _record(tmp_path, scenario)) for scenario in scenarios]
    times = [report.measured.time for report in reports]

    assert all(time is not None and time.passes[0] == "without the profiler" for time in times)
    assert sum(time is not None and time.verdict in CHANGED for time in times) <= 1
    assert sum(any(row.verdict in CHANGED for row in report.measured.rows) for report in reports) <= 1


def test_a_much_larger_network_is_slower_and_takes_more_memory(tmp_path: Path) -> None:
    """A layer 16 times as wide, of 16 times as many samples, is slower for certain: the exit code is 5."""
    before = _record(tmp_path, "train_step")
    after = _record(tmp_path, "train_step", "-p", "width=1024", "-p", "batch_size=512")
    report = _diff(before, after)
    rows = {row.key.name: row.verdict for row in report.measured.rows if row.key.by == "scope"}
    done = trace_scenario("diff", before.path, after.path, "--fail-on", "time>5%", "--fail-on", "nodes>0", "--json")

    assert report.measured.time is not None
    assert report.measured.time.verdict == "slower"
    assert rows["gradient_tape"] == "slower"
    assert report.measured.bytes is not None
    assert report.measured.bytes.verdict == "larger"
    assert done.returncode == 5, done.stderr
    assert [item["state"] for item in json.loads(done.stdout)["conditions"]["items"]] == ["met", "not met"]
