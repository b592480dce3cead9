"""Scenarios called twice in this process, watched by our own marker: none is traced again, grows, or has a finding."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.integration.test_scenarios import SCENARIOS
from tracer.capture.callables import graph_call
from tracer.discover.declare import Call
from tracer.discover.target import load_target, parse_target

# By scenario: the most nodes of its graph. Others are about what lint finds, trace on purpose, or take their time.
MOST_NODES = {
    "control_flow": 100,
    "input_pipeline": 50,
    "keras_sequential": 30,
    "rnn": 100,
    "train_step": 150,
    "transformer_block": 100,
    "xla_mlp": 40,
}
MOST_RETRACES = {"input_pipeline": 2}  # each loop makes its dataset anew, and tf.data traces what it maps


@pytest.fixture
def calls(scenario: str) -> Sequence[Call]:
    """Returns the calls of a scenario, made before anything is recorded."""
    assert scenario in SCENARIOS
    return [graph_call(call) for call in load_target(parse_target(scenario)).calls({})]


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(
            name,
            marks=pytest.mark.trace(max_retraces=MOST_RETRACES.get(name, 0), max_nodes=nodes, no_findings=True),
        )
        for name, nodes in MOST_NODES.items()
    ],
)
def test_a_scenario_stays_within_its_limits(scenario: str, calls: Sequence[Call]) -> None:
    """A second round of the same calls traces no tf.function again; graphs are as small and clean as is meant."""
    for call in [*calls, *calls]:
        call()
