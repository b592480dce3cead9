"""What each scenario became: as `show` says it, one text that reads as an explanation of it, and as graphs.

`UPDATE_GOLDENS=1 pytest tests/integration/test_goldens.py --update-graphs` writes them anew; look at what changed then.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from tests.integration.test_scenarios import SCENARIOS, WITHOUT_GRAPH
from tracer.discover.listing import list_scenarios
from tracer.recorded import Run, Trace
from tracer.render.text import Style
from tracer.render.text import show as show_page
from tracer.report.show import show_report
from tracer.store.load import load_run

UNREADABLE = {"mobilenet_v2"}  # 7,500 nodes are more than anybody looks at; its text has their scopes
GOLDENS = Path(__file__).parents[1] / "goldens"
WIDTH = 150
OWN = ("user", "keras", "tf_keras")  # whose functions a scenario is about
_OF_THE_MOMENT = ("not-steady", "profile-stopped")  # warnings that depend on how busy the machine is


def explained(run: Run, summary: str) -> str:
    """Returns what a run's own functions became: signatures and scope trees, without what changes between runs."""
    run = dataclasses.replace(run, profiles=())  # times are other ones in each run
    parts = [f"{run.scenario}: {summary}"]
    parts += [f"warning: {warned.message}" for warned in run.warnings if warned.code not in _OF_THE_MOMENT]
    for function in run.functions.values():
        if function.traces[0].origin in OWN:
            parts.append(
                "\n".join([function.name, *(f"  {trace.cause}: {trace.signature}" for trace in function.traces)])
            )
            page = show_page.show(show_report(run, function=function.name), Style(width=WIDTH))
            parts.append(page[page.index("\nscopes of ") + 1 : page.index("\nstages of ") + 1].rstrip("\n"))
    return "\n\n".join(parts) + "\n"


_ON_ONE_VERSION = pytest.mark.skipif(
    tf.__version__.split(".")[:2] != ["2", "21"],
    reason="TensorFlow and Keras make other graphs from version to version",
)


@_ON_ONE_VERSION
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_reads_as_its_golden_text(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Functions, signatures and scope trees of a scenario are as they are written down."""
    [summary] = [entry.summary for entry in list_scenarios() if entry.name == scenario]
    found = explained(load_run(recorded(scenario)), summary)
    golden = GOLDENS / f"{scenario}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(found, encoding="utf-8")

    assert found == golden.read_text(encoding="utf-8")


@_ON_ONE_VERSION
@pytest.mark.parametrize("scenario", sorted({*SCENARIOS} - WITHOUT_GRAPH - UNREADABLE))
def test_a_scenario_has_its_graphs(
    scenario: str, recorded: Callable[[str], Path], assert_graph: Callable[[Trace], None]
) -> None:
    """Each node of the functions that a scenario is about is as it is written down, and so is what it reads."""
    for function in load_run(recorded(scenario)).functions.values():
        if function.traces[0].origin in OWN:
            assert_graph(function.traces[-1])


def test_every_golden_text_is_a_scenarios() -> None:
    """A scenario that is gone takes its text along."""
    assert sorted(path.stem for path in GOLDENS.glob("*.txt")) == SCENARIOS
