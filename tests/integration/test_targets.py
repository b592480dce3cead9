"""What `trace-scenario run TARGET` takes, on code that is not ours, and what it says of bad input."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.integration.conftest import trace_scenario
from tracer.graph.inline import inline
from tracer.store.load import load_run

USER_CODE = """
    import tensorflow as tf
    from tracer import Call, scenario

    class Net(tf.Module):
        def __init__(self, width: int = 2):
            super().__init__(name="net")
            self.w = tf.Variable(tf.ones([3, width]), name="w")

        @tf.Module.with_name_scope
        def __call__(self, x):
            return tf.nn.relu(x @ self.w)

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def step(self, x):
            return self(x) + 1.0

    net = Net()

    def plain(x, scale=2.0):
        return tf.tanh(x) * scale

    def fails(x):
        raise ValueError("no good")

    def program():
        net.step(tf.ones([2, 3]))

    def program_of(size=2):
        net.step(tf.ones([size, 3]))

    @scenario
    def mine(*, width: int = 2) -> Call:
        "A scenario of the user's."
        return Call(Net(width).step, tf.ones([2, 3]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: a module, broken files, a SavedModel and a Keras file made by another program."""
    made = tmp_path_factory.mktemp("user")
    (made / "mine.py").write_text(textwrap.dedent(USER_CODE))
    (made / "none.py").write_text("x = 1\n")
    (made / "two.py").write_text("from tracer import scenario\n@scenario\ndef one(): ...\n@scenario\ndef two(): ...\n")
    (made / "syntax.py").write_text("def f(:\n")
    (made / "raises.py").write_text("raise RuntimeError('boom')\n")
    exporter = """
        import tensorflow as tf, keras
        from mine import net
        tf.saved_model.save(net, "exported", signatures={"serving_default": net.step})
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="little")
        model.save("little.keras")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(exporter)], cwd=made, check=True, capture_output=True)
    return made


@pytest.mark.parametrize(
    ("arguments", "function", "signature"),
    [
        (["mine.py"], "step", "(x: float32[?, 3]) -> float32[?, 2]"),
        (["mine.py:mine", "-p", "width=5"], "step", "(x: float32[?, 3]) -> float32[?, 5]"),
        (["mine.py:net.step"], "step", "(x: float32[?, 3]) -> float32[?, 2]"),
        (["mine.py:net", "--input", "x=float32[4,3]"], "Net.__call__", "(x: float32[4, 3]) -> float32[4, 2]"),
        (
            ["mine:Net", "-p", "width=7", "--input", "float32[4,3]"],
            "Net.__call__",
            "(x: float32[4, 3]) -> float32[4, 7]",
        ),
        (
            ["mine:plain", "--input", "x=float32[8,32]", "--input", "scale=3.0"],
            "plain",
            "(x: float32[8, 32], scale: Literal[3.0]) -> float32[8, 32]",
        ),
        (["exported"], "signature_wrapper_step", "(x: float32[?, 3]) -> {'output_0': float32[?, 2]}"),
        (["little.keras", "--input", "float32[5,4]"], "little", "(args_0: float32[5, 4]) -> float32[5, 2]"),
        (
            ["keras.applications:MobileNetV2", "-p", "weights=None", "-p", "alpha=0.35", "-p", "input_shape=96,96,3"],
            "mobilenetv2_0.35_96",
            "(args_0: float32[1, 96, 96, 3]) -> float32[1, 1000]",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_target_is_recorded(arguments: list[str], function: str, signature: str, folder: Path) -> None:
    """Scenarios, methods, modules, classes, plain functions, SavedModels and Keras models are recorded as graphs."""
    done = trace_scenario("run", *arguments, "--json", "--steps", 1, "--warmup", 0, cwd=folder)

    assert done.returncode == 0, done.stderr
    run = load_run(Path(json.loads(done.stdout)["run"]))
    assert next(iter(run.functions)) == function
    assert run.functions[function].traces[0].signature == signature


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (["demo_modul"], 3, "no scenario named 'demo_modul'", "did you mean 'demo_module'?"),
        (["absent_file.py"], 3, "no file absent_file.py", "check the path"),
        (["none.py"], 2, "none.py declares no scenario", "decorate one with @tracer.scenario, or name a callable:"),
        (["two.py"], 2, "two.py declares 2 scenarios: one, two", "name one: two.py:one"),
        (["syntax.py"], 1, "syntax.py does not parse: SyntaxError: invalid syntax", "the traceback above is"),
        (["raises.py:f"], 1, "raises.py could not be imported: RuntimeError: boom", "the traceback above is"),
        (["no_such_module:f"], 3, "no module named 'no_such_module'", "install it into this environment"),
        (["mine.py:plane"], 3, "'plane' is not in", "did you mean 'plain'?"),
        (["mine.py:plain"], 2, "the inputs of plain cannot be guessed: x", "--input x=float32[8,32]"),
        (["mine.py:program"], 2, "program() returned NoneType, which cannot be", "--eager records the call of program"),
        (
            ["mine.py:program_of"],
            2,
            "program_of() returned NoneType",
            "or give its inputs (--input size=float32[8,32])",
        ),
        (["exported/saved_model.pb"], 2, "saved_model.pb is part of a SavedModel", "trace-scenario run"),
        (["mine.py:plain", "--input", "y=float32[2]"], 2, "these inputs do not fit plain(x, scale=2.0):", "name each"),
        (["mine.py:plain", "--input", "x=float23[2]"], 2, "no dtype named 'float23'", "did you mean 'float32'"),
        (["mine.py:plain", "--input", "x=float32[a]"], 2, "--input x=float32[a] is no input", "a tensor as"),
        (["mine.py", "-p", "width=wide"], 2, "parameter 'width' takes int, not 'wide'", "such as -p width=2"),
        (["mine.py", "-p", "widht=3"], 2, "scenario 'mine' has no parameter 'widht'", "did you mean 'width'?"),
        (["exported", "--signature", "nope"], 3, "exported has no signature 'nope'", "serving_default"),
        (["exported", "--input", "z=float32[2]"], 2, "it takes x=float32[?,3]", "--input x=float32[1,3]"),
        (["exported", "--input", "x=float32[2,4]"], 2, "it takes x=float32[?,3]", "--input x=float32[1,3]"),
        ([".."], 3, ".. is a folder, but no SavedModel", "a SavedModel folder holds saved_model.pb"),
        (
            ["mine.py:fails", "--input", "x=float32[2]"],
            1,
            "the recorded program failed: ValueError: no good",
            "is kept",
        ),
        (["keras:Sequential"], 2, "is not built, so its inputs cannot be guessed", "give it an Input layer"),
        (["demo_module", "--steps", "0"], 2, "steps is 0", "--steps 1"),
        (["demo_module", "--logdir", "none.py"], 1, "cannot write none.py/demo_module: Not a directory", "choose"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_of_error_and_one_of_hint(
    arguments: list[str], code: int, error: str, hint: str, folder: Path
) -> None:
    """Each mistake has its exit code, one line that says what is wrong, and one that says what to do."""
    done = trace_scenario("run", *arguments, cwd=folder)

    lines = done.stderr.splitlines()
    assert done.returncode == code
    assert next(line for line in lines if line.startswith("error:")).count(error) == 1
    assert hint in next(line for line in lines if line.startswith("hint:"))
    assert "tracer/" not in done.stderr  # no traceback of ours


OF_TENSORFLOW_1 = """
    import tensorflow as tf
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, (None, 4), name="x")
        turns = v1.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2.0), [0, x])
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, "old", {"x": x}, {"y": turns[1]})
"""


def test_a_saved_model_of_tensorflow_1_is_recorded(tmp_path: Path) -> None:
    """The functions of its loops are TensorFlow 1's own: they are recorded as parts of the graph that holds them."""
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(OF_TENSORFLOW_1)], cwd=tmp_path, check=True, capture_output=True
    )

    done = trace_scenario("run", "old", "--json", "--no-profile", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    run = load_run(Path(json.loads(done.stdout)["run"]))
    assert list(run.functions) == ["pruned"]
    assert {"cond", "body"} <= {place.label for place in inline(run.functions["pruned"].traces[0].graph).places}


def test_hlo_that_was_asked_for_and_is_not_there_is_told(folder: Path) -> None:
    """XLA compiles for known shapes only, and `--hlo` says so where a SavedModel leaves one open."""
    done = trace_scenario("run", "exported", "--hlo", "--json", "--no-profile", cwd=folder)

    run = load_run(Path(json.loads(done.stdout)["run"]))
    (warned,) = [warned for warned in run.warnings if warned.code == "no-hlo"]
    assert warned.message == (
        "no HLO of signature_wrapper_step: XLA was not asked: not all shapes of its arguments are known"
    )
    assert warned.hint.startswith("record a tf.function of your own that calls it")


def test_the_same_seed_makes_the_same_inputs(folder: Path) -> None:
    """`--seed` decides the random inputs, so two recordings can be compared."""
    import numpy as np

    from tracer.capture.inputs import Inputs

    first, again, other = (np.asarray(Inputs(seed).tensor("float32", (3,))) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_json_stands_alone_on_stdout(folder: Path) -> None:
    """With `--json`, what the program prints goes to stderr, from Python and from TensorFlow."""
    done = trace_scenario("run", "demo_module", "--json", cwd=folder)

    assert json.loads(done.stdout)["status"] == "complete"
    assert "variables:" in done.stderr
    assert "variable = 5" in done.stderr
