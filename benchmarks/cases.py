"""What is compared with what, and the budgets."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

from benchmarks.measure import Comparison, Program
from tracer.store import layout
from tracer.store.writer import RunWriter

RUNS = 1_000
_COMMAND_SECONDS = 0.25  # what still feels immediate
_HELP_RATIO = 1.5  # of the two libraries that any command needs to say anything
_RECORDING_RATIO = 1.10


def commands(logdir: Path) -> list[Comparison]:
    """Returns the commands that must not feel like TensorFlow, over a log folder of many runs."""
    libraries = Program("import click, rich", (sys.executable, "-c", "import click, rich.console"))
    tensorflow = Program("import tensorflow", (sys.executable, "-c", "import tensorflow"))
    help_ = _command("--help")
    rest = [
        _command("list"),
        _command("runs", "--logdir", str(logdir)),
        _command("runs", "--top", "0", "--logdir", str(logdir)),
    ]
    return [
        Comparison(help_.name, help_, libraries, _COMMAND_SECONDS, _HELP_RATIO),
        *(Comparison(program.name, program, libraries, _COMMAND_SECONDS) for program in rest),
        *(Comparison(program.name, program, tensorflow) for program in (help_, *rest)),
    ]


def recordings(model: str, *, profile: bool) -> list[Comparison]:
    """Returns one recording of a model, with or without the profiler, beside the bare listing."""
    flags = ("--profile",) if profile else ()
    title = f"record {model}, {'profiler' if profile else 'no profiler'}"
    ours, theirs = (
        Program(
            f"{title}: {label}",
            (sys.executable, "-m", "benchmarks.recording", model, recorder, "{scratch}", *flags),
        )
        for recorder, label in (("ours", "ours"), ("theirs", "the listing"))
    )
    return [Comparison(title, ours, theirs, most_ratio=None if profile else _RECORDING_RATIO)]


def make_runs(logdir: Path, count: int = RUNS) -> None:
    """Makes runs of ten scenarios, an hour apart: one that the tool writes, and copies of it with other times."""
    first = RunWriter(logdir, "scenario_0", {"target": "scenario_0", "versions": {"tensorflow": "2.0.0"}})
    first.add_trace("step", {"qualname": "Model.step"}, {"traced": bytes(1_000)})
    first.finish("complete", warnings=[])
    facts = json.loads((first.path / layout.RUN_FILE).read_text(encoding="utf-8"))
    begin = datetime.datetime.fromisoformat(facts["started"])
    for number in range(1, count):
        started = begin - datetime.timedelta(hours=number)
        scenario = f"scenario_{number % 10}"
        folder = logdir / scenario / started.strftime("%Y%m%d-%H%M%S")
        folder.mkdir(parents=True)
        copy = {**facts, "scenario": scenario, "target": scenario, "started": started.isoformat()}
        (folder / layout.RUN_FILE).write_text(json.dumps(copy, indent=2), encoding="utf-8")


def _command(*arguments: str) -> Program:
    shown = " ".join(arguments[: arguments.index("--logdir")] if "--logdir" in arguments else arguments)
    return Program(shown, (str(Path(sys.executable).with_name("trace-scenario")), *arguments))
