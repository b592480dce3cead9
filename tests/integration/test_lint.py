"""Which rules fire on which built-in scenario: what a scenario is made to show, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.discover.listing import list_scenarios
from tracer.rules.run import lint
from tracer.store.load import load_run

# By scenario: each finding's rule and function.
EXPECTED = {
    # tf.print is what these are about; the book's example prints in every call.
    "add_print": [("debug-op", "addprint")],
    "demo_module": [("debug-op", "addprint")],
    "attribute_module": [("debug-op", "addprint")],
    # The same print in two saved modules: twice without a line, as a loaded function has none; once by its caller's.
    "saved_model": [
        ("debug-op", "call_addprint"),
        ("debug-op", "signature_wrapper_addprint"),
        ("debug-op", "signature_wrapper_addprint"),
    ],
    # Made to show two modules of one class in one box.
    "nested_modules": [("shared-scope", "forward")],
    # Two calls of Python; behind the second nobody gives back the shape, behind the first an EnsureShape does.
    "py_function": [("py-function", "call_python"), ("py-function", "call_python"), ("unknown-shape", "call_python")],
    # Made to show a trace for nearly each call: one finding for each argument that changes.
    "retracing": [("retracing", "scale"), ("retracing", "scale")],
    # Nothing is wrong with these: loops are graph loops, layers have names, each variable is used and trained. Keras'
    # own step makes the optimizer's variables and shuffles with a seed, which is not its user's to change.
    "control_flow": [],
    "eager_only": [],
    "input_pipeline": [],
    "keras_fit": [],
    "keras_sequential": [],
    "legacy_keras_sequential": [],
    "mobilenet_v2": [],
    "rnn": [],
    "train_step": [],
    "transformer_block": [],
    "xla_mlp": [],
}


def test_every_scenario_is_in_the_table():
    """A new scenario has to say what lint finds in it."""
    assert set(EXPECTED) == {entry.name for entry in list_scenarios() if entry.origin == "built-in"}


@pytest.mark.parametrize("scenario", sorted(EXPECTED))
def test_lint_finds_what_a_scenario_shows(recorded: Callable[[str], Path], scenario: str):
    """The findings of a scenario are those that it is made to show, and no others."""
    found = lint(load_run(recorded(scenario)))

    assert sorted((finding.rule, finding.function) for finding in found) == EXPECTED[scenario]


def test_findings_name_the_line_of_python(recorded: Callable[[str], Path]):
    """A finding points to the line that made the node: here to the call of tf.numpy_function, and of tf.py_function."""
    found = lint(load_run(recorded("py_function")))

    lines = [Path(finding.line.file).read_text().splitlines()[finding.line.line - 1].strip() for finding in found]
    assert lines == [
        'small = tf.numpy_function(clipped, [2.0 * x], tf.float32, stateful=False, name="clipped")',
        'return tf.reduce_sum(tf.py_function(cubed, [small], tf.float32, name="cubed"))',
        'return tf.reduce_sum(tf.py_function(cubed, [small], tf.float32, name="cubed"))',
    ]


def test_retracing_names_the_arguments(recorded: Callable[[str], Path]):
    """The finding says which argument made each call a trace, and in which types it came."""
    found = lint(load_run(recorded("retracing")))

    assert [finding.message for finding in found] == [
        "traced 6 times in 8 calls: 'factor' is a Python value, and each new one is a trace: "
        "Literal[2], Literal[3], int32[]",
        "traced 6 times in 8 calls: 'x' comes in several shapes and types: "
        "float32[1, 3], float32[2, 3], float32[3], float64[1, 3]",
    ]
