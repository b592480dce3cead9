"""What `ops`, `lines`, `stacks` and `show --by` say of real recordings: that they agree, and that they are true."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import trace_scenario
from tests.integration.test_scenarios import SCENARIOS

MAIN = """
import time
import tensorflow as tf
from tracer import Call, scenario


@scenario(steps=6)
def decompose(*, size: int = 400) -> Call:
    @tf.function
    def step(x):
        small = tf.tanh(x[:8, :8])
        q, r = tf.linalg.qr(x)
        return tf.reduce_sum(q) + tf.reduce_sum(r) + tf.reduce_sum(small)

    return Call(step, tf.random.normal([size, size]))


@scenario(steps=5)
def sleeps() -> Call:
    @tf.function
    def step(x):
        return x + 1.0

    def run(x):
        time.sleep(0.02)
        return step(x)

    return Call(run, tf.constant(1.0))


@scenario(steps=2)
def waits() -> Call:
    def slow(x):
        return tf.numpy_function(lambda value: (time.sleep(0.01), value)[1], [x], tf.int64)

    @tf.function
    def step(x):
        return x + 1

    def run():
        for value in tf.data.Dataset.range(4).map(slow):
            step(value)

    return Call(run)


class Split(tf.Module):
    def __init__(self):
        super().__init__(name="split")
        self.w = tf.Variable(tf.random.normal([256, 256]), name="w")

    @tf.Module.with_name_scope
    def __call__(self, x):
        return x @ self.w


@scenario(steps=4)
def trains() -> Call:
    net = Split()

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(net(x))
        [gradient] = tape.gradient(loss, [net.w])
        with tf.name_scope("sgd"):
            net.w.assign_sub(0.01 * gradient)
        return loss

    return Call(step, tf.random.normal([512, 256]))
"""


def said(*arguments: object) -> dict[str, Any]:
    """Returns the object that a command prints."""
    done = trace_scenario(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns what records a scenario of the file above, once, and returns its folder."""
    folder = tmp_path_factory.mktemp("known")
    (folder / "known.py").write_text(MAIN)
    runs: dict[str, Path] = {}

    def record(name: str) -> Path:
        if name not in runs:
            runs[name] = Path(said("run", f"{folder / 'known.py'}:{name}", "--logdir", folder / "logs")["run"])
        return runs[name]

    return record


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_view_tells_the_same_time(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Of each scenario all views have the same sum, and at least 95 % of it has an owner."""
    run = recorded(scenario)
    ops, lines, stacks = (said(verb, run, "--top", 0) for verb in ("ops", "lines", "stacks"))
    whole = ops["self_ns"]
    sums = {
        "ops": _sum(ops["ops"]) + _sum(ops["unattributed"]),
        "lines": _sum(lines["lines"]) + _sum(lines["without_line"]) + lines["unattributed"]["self_ns"],
        "stacks": _sum(stacks["stacks"]) + stacks["unattributed"]["self_ns"],
    }
    for by in ("layer", "module", "phase", "op", "device"):
        groups = said("show", run, "--by", by, "--top", 0)
        sums[by] = _sum(groups["groups"]) + _sum(groups["unattributed"])

    assert set(sums.values()) == {whole}
    assert whole > 0
    assert min(ops["coverage"].values()) >= 0.95


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_steps_are_their_parts(scenario: str, recorded: Callable[[str], Path]) -> None:
    """The parts of each step add up to it, and to no more than the window."""
    report = said("show", recorded(scenario), "--by", "step", "--top", 0)

    assert report["steps"]["total"] == report["window"]["steps"]
    for step in report["steps"]["items"]:
        assert sum(step["parts"].values()) == step["wall_ns"]
    assert report["wall_ns"] <= report["window"]["wall_ns"]


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_the_scope_tree_has_the_time_of_its_function(scenario: str, recorded: Callable[[str], Path]) -> None:
    """What a scope has is what lies right in it and in the scopes below; the root has all of the function's nodes."""
    shown = said("show", recorded(scenario), "--top", 0)
    scopes = shown["scopes"]["items"]
    if not scopes:
        return  # nothing was traced: all was eager
    nodes = said("ops", recorded(scenario), "--top", 0)["ops"]["items"]
    below: dict[int, int] = {}
    for index in range(len(scopes) - 1, -1, -1):
        scope = scopes[index]
        assert scope["total_ns"] == scope["self_ns"] + below.pop(scope["depth"] + 1, 0)
        below[scope["depth"]] = below.get(scope["depth"], 0) + scope["total_ns"]

    assert scopes[0]["total_ns"] == sum(node["self_ns"] for node in nodes if node["trace"] == shown["trace"])


def test_the_line_with_the_decomposition_has_its_time(known: Callable[[str], Path]) -> None:
    """The line of `tf.linalg.qr` has nearly all of the time, as much as the clock around the steps says."""
    run = known("decompose")
    report = said("lines", run)
    [line] = [item for item in report["lines"]["items"] if "tf.linalg.qr" in item["text"]]
    profiled = sum(report["window"]["step_ns"])

    assert report["lines"]["items"][0] == line
    assert line["self_ns"] > 0.7 * report["self_ns"]  # a busy machine adds to what the rest takes
    assert 0.5 * profiled < line["self_ns"] <= profiled
    assert line["self_ns"] / 6 < 3 * statistics.median(report["window"]["bare_step_ns"])


def test_each_kernel_ran_once_a_step(known: Callable[[str], Path]) -> None:
    """Without loops a node has as many calls as the window has steps."""
    assert {item["calls"] for item in said("ops", known("decompose"), "--top", 0)["ops"]["items"]} == {6}


def test_a_sleep_is_python(known: Callable[[str], Path]) -> None:
    """Twenty milliseconds of sleep in each step are twenty milliseconds of `python`, most of what the step takes."""
    report = said("show", known("sleeps"), "--by", "step")

    for step in report["steps"]["items"]:
        assert step["parts"]["python_ns"] >= 20_000_000
        assert max(step["parts"], key=step["parts"].__getitem__) == "python_ns"


def test_waiting_for_a_slow_dataset_is_input(known: Callable[[str], Path]) -> None:
    """Four elements that take ten milliseconds each are forty of `input` in a step."""
    report = said("show", known("waits"), "--by", "step")

    for step in report["steps"]["items"]:
        assert step["parts"]["input_ns"] >= 30_000_000


def test_phases_layers_and_lines_of_a_training_step(known: Callable[[str], Path]) -> None:
    """A product costs one forward and one backward here: phases, layer and lines all say it."""
    run = known("trains")
    phases = {item["name"]: item["self_ns"] for item in said("show", run, "--by", "phase")["groups"]["items"]}
    layers = {item["name"]: item for item in said("show", run, "--by", "layer")["groups"]["items"]}
    ops = said("ops", run, "--top", 0)["ops"]["items"]
    lines = {item["text"].strip(): item for item in said("lines", run, "--top", 0)["lines"]["items"]}
    forward = sum(item["self_ns"] for item in ops if item["path"].startswith("split/"))
    backward = sum(item["self_ns"] for item in ops if item["path"].startswith("gradient_tape/split/"))

    assert set(phases) == {"forward", "backward", "optimizer"}
    assert layers["split"]["phases"] == {"forward_ns": forward, "backward_ns": backward}
    assert lines["return x @ self.w"]["self_ns"] == forward
    assert lines["return x @ self.w"]["gradient_ns"] == backward
    assert lines["[gradient] = tape.gradient(loss, [net.w])"]["self_ns"] == phases["backward"]
    assert phases["optimizer"] == sum(item["self_ns"] for item in ops if item["path"].startswith("sgd/"))


def test_a_changed_source_is_shown_as_it_was(known: Callable[[str], Path]) -> None:
    """Lines come from the copy that was made when recording, and the page says that the file has changed since."""
    run = known("decompose")
    file = run.parents[2] / "known.py"
    try:
        file.write_text("# nothing is left\n")
        report = said("lines", run)
    finally:
        file.write_text(MAIN)

    assert "tf.linalg.qr" in report["lines"]["items"][0]["text"]
    assert report["files"]["items"][0]["note"].startswith("changed since")


def _sum(rows: dict[str, Any]) -> int:
    return sum(row["self_ns"] for row in rows["items"])
