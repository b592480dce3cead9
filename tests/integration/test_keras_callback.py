"""The callback for Keras: each fit is a run, the fit is as it is without it, and however it ends the run is closed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

import tracer
from tests.integration.conftest import heed_ctrl_c, trace_scenario
from tests.integration.test_faults import only_run
from tracer.recorded import Run, Window
from tracer.render.text import times
from tracer.render.text.style import Style
from tracer.store.load import load_run

ROOT = Path(__file__).parents[2]
STEP = {"keras": "multi_step_on_iterator", "tf_keras": "train_function"}
PER_EPOCH = 20  # batches: 320 samples in batches of 16


class Fits:
    """What came out of the fits of one Keras."""

    def __init__(self, package: str, found: dict[str, Any], said: str) -> None:
        self.step = STEP[package]
        self.found = found
        self.said = said

    def run(self, name: str, number: int = 0) -> Run:
        """Returns the run of a fit; of several the one with this number."""
        of = self.found[name]
        return load_run(Path(of if isinstance(of, str) else of[number]))

    def window(self, name: str, number: int = 0) -> Window:
        """Returns the run's window."""
        window = self.run(name, number).window
        assert window is not None
        return window


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def fits(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fits:
    """All fits of a Keras version, in one process."""
    done = python("-m", "tests.integration.keras_fits", request.param, tmp_path_factory.mktemp(request.param))
    assert done.returncode == 0, done.stderr
    return Fits(request.param, json.loads(done.stdout), done.stderr)


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs Python and returns what it said."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        preexec_fn=heed_ctrl_c,  # no threads are made here
    )


def conceptual(run: Run) -> list[str]:
    """Returns the tags of Keras' conceptual graphs in a run's event file."""
    [file] = Path(run.path).glob("events.out.*")
    values = [value for event in LegacyEventFileLoader(str(file)).Load() for value in event.summary.value]
    return [value.tag for value in values if value.metadata.plugin_data.plugin_name == "graph_keras_model"]


def codes(run: Run) -> list[str]:
    """Returns what a run warns of."""
    return [warned.code for warned in run.warnings]


def test_a_fit_is_the_same_with_the_callback(fits: Fits) -> None:
    """Losses of all epochs and the weights are the same numbers with the callback and without."""
    assert fits.found["same"] is True


def test_batches_of_a_fit_are_its_steps(fits: Fits) -> None:
    """The window is of ten batches, from the second one on, with every kernel; the others have their times alone."""
    window = fits.window("functional")
    run = fits.run("functional")

    assert (window.function, window.steps, window.warmup, window.incomplete) == ("Model.fit", 10, 1, "")
    assert len(window.step_ns) == 10
    assert run.functions[fits.step].calls == 3 * PER_EPOCH
    assert (run.status, run.warnings) == ("complete", ())


def test_an_evaluation_in_a_fit_is_no_step_of_it(fits: Fits) -> None:
    """All steps, in windows or not, are the 48 batches but for the first; none is one of the 12 that were evaluated."""
    windows = json.loads((Path(fits.run("sequential").path) / "run.json").read_text())["windows"]
    window = fits.window("sequential")
    profiled = sum(each["steps"] for each in windows)

    assert {each["function"] for each in windows} == {"Model.fit"}
    assert len(window.bare_step_ns) + profiled == 3 * 16 - 1


@pytest.mark.parametrize(("name", "layers"), [("sequential", 4), ("functional", 2), ("subclassed", 3)])
def test_the_model_and_its_layers_are_in_the_run(fits: Fits, name: str, layers: int) -> None:
    """Scopes have the names of the model and its layers, and TensorBoard gets its conceptual graph, of any kind."""
    run = fits.run(name)
    modules = {module.name for trace in run.functions[fits.step].traces for module in trace.modules}
    [model] = {module.partition(".")[0] for module in modules}

    assert len(modules) == layers
    assert conceptual(run) == [f"keras {model}"]


def test_an_execution_of_several_batches_is_one_step(fits: Fits) -> None:
    """With steps_per_execution=4 six epochs of 20 batches are 30 calls: the first, 10 in the window, and 19 others."""
    window = fits.window("executions")

    assert fits.run("executions").functions[fits.step].calls == 30
    assert (window.steps, len(window.bare_step_ns)) == (10, 19)


def test_a_model_that_runs_eagerly_has_steps_and_no_graph(fits: Fits) -> None:
    """The run says that there is no graph, and has the window all the same."""
    run = fits.run("eager")

    assert (codes(run), fits.window("eager").steps) == (["runs-eagerly"], 10)
    assert fits.step not in run.functions


def test_a_fit_that_is_told_to_stop_is_complete(fits: Fits) -> None:
    """With stop_training at the eighth batch the window has the seven that are not the first."""
    assert (fits.run("stopped").status, fits.window("stopped").steps) == ("complete", 7)


def test_a_prediction_inside_of_a_fit_is_part_of_its_run(fits: Fits) -> None:
    """The callback in a predict, in a fit that it records, opens no run and ends none: no step is a predict's."""
    assert (fits.run("nested").status, fits.window("nested").function) == ("complete", "Model.fit")
    assert fits.run("nested").functions[fits.step].calls == 3 * PER_EPOCH


def test_a_fit_on_two_devices_is_recorded(fits: Fits) -> None:
    """A MirroredStrategy in one process changes nothing of the steps."""
    assert (fits.run("mirrored").functions[fits.step].calls, fits.window("mirrored").steps) == (3 * PER_EPOCH, 10)


def test_a_step_that_met_the_end_of_the_data_is_named_and_not_counted(fits: Fits) -> None:
    """A dataset of unknown length is asked once too often: only the 16 batches but for the first are steps."""
    run = fits.run("unknown_length")
    empty = run.functions[fits.step].calls - 16
    [warned] = run.warnings

    assert empty in (1, 2)
    assert fits.window("unknown_length").steps == 15
    assert warned.code == "empty-steps"
    assert warned.message.startswith(f"{empty} profiled step")
    page = times.steps(tracer.show(run.path, by="step"), Style())
    assert "15 steps after 1 warm-up call" in page
    assert page.count(" raised ") == empty


def test_each_call_of_a_callback_is_a_run(fits: Fits) -> None:
    """One callback in two fits, an evaluate and a predict leaves four runs with steps of their own."""
    names = [fits.window("several", number).function for number in range(4)]

    assert names == ["Model.fit", "Model.fit", "Model.evaluate", "Model.predict"]
    assert len(set(fits.found["several"])) == 4


def test_a_model_that_ran_before_has_no_complete_window(fits: Fits) -> None:
    """What ran before the recording may lack cheap kernels: the second fit's run says so, the first one's does not."""
    assert fits.window("several", 0).incomplete == ""
    assert fits.window("several", 1).incomplete.startswith(f"'{fits.step}' ran before the recording")


def test_the_profiler_of_kerass_own_callback_works(fits: Fits) -> None:
    """Keras' profile is where its callback writes it, and the window ends where that one begins."""
    windows = json.loads((Path(fits.run("tensorboard").path) / "run.json").read_text())["windows"]

    assert fits.found["tensorboard"][1] == 1
    assert windows[0]["stopped"] == "the program started the profiler itself"
    assert len(windows) > 1


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [("failed", "failed", "UnknownError"), ("interrupted", "interrupted", "KeyboardInterrupt")],
)
def test_a_fit_that_is_left_in_a_batch_says_why(fits: Fits, name: str, status: str, error: str) -> None:
    """The program gets what was raised, and the run is closed with it."""
    run = fits.run(name)

    assert fits.found[name][1] == error
    assert (run.status, run.error.partition(":")[0]) == (status, error)
    assert fits.window(name).steps > 0


def test_the_traceback_of_a_batch_is_that_of_the_fit_which_it_ended(fits: Fits) -> None:
    """The run of a failed fit has it; the end of the data, which Keras meets by an error too, leaves none."""
    assert 'File "' in fits.run("failed").traceback
    assert fits.run("unknown_length").traceback == ""


def test_a_fit_that_another_callback_ended_is_closed(fits: Fits) -> None:
    """What another callback raised is gone when the program asks: the run is closed, and says that the fit was left."""
    assert (fits.run("divided").status, fits.run("divided").functions[fits.step].calls) == ("failed", PER_EPOCH)
    assert fits.run("divided").error == "ProgramFailed: Model.fit was left before its end"


def test_a_fit_that_was_left_is_in_nobodys_way(fits: Fits) -> None:
    """After it another session opens, and the same callback records the next fit."""
    assert fits.found["after"][0] == "complete"
    assert fits.run("after", 1).status == "complete"


def test_copies_have_the_options_and_no_run(fits: Fits) -> None:
    """A pickled and a deep copy of a callback that has recorded are as new, with its name."""
    assert fits.found["copies"] == [True, True]


def test_what_cannot_be_recorded_is_said_once_and_the_fit_goes_on(fits: Fits) -> None:
    """Inside another session, and with a folder that cannot be written, there is no run, one line, and no exception."""
    inside, unwritable = fits.found["said"]

    assert fits.found["said_so_far"] == []
    assert fits.found["inside"] == ["", "complete"]
    assert inside == "TraceCallback records nothing: session 'outer' is open, and records this too"
    assert fits.found["unwritable"] == ""
    assert unwritable.startswith("TraceCallback: cannot write ")


def test_tf_keras_finds_no_slow_callback(fits: Fits) -> None:
    """tf_keras warns of callbacks that take longer than a batch: windows open and close in the batch's own time."""
    assert "`on_train_batch_begin` is slow" not in fits.said


ENDS = """
import sys
import keras, numpy as np, tracer
import tensorflow as tf

def end(epoch, logs=None):
    if epoch == 2:
        {end}

model = keras.Sequential([keras.layers.Dense(1)], name="mlp")
model.compile("adam", "mse")
callbacks = [tracer.keras.TraceCallback(), keras.callbacks.LambdaCallback(on_epoch_end=end)]
model.fit(np.ones((64, 4)), np.ones((64, 1)), epochs=5, batch_size=4, verbose=0, callbacks=callbacks)
"""


@pytest.mark.parametrize(
    ("end", "status", "error", "code"),
    [
        ("raise ZeroDivisionError('mine')", "failed", "ZeroDivisionError: mine", 1),
        ("raise KeyboardInterrupt", "interrupted", "KeyboardInterrupt", -2),
        ("import os; os.kill(os.getpid(), 9)", "interrupted", "", -9),
    ],
)
def test_a_program_that_ends_in_a_fit_leaves_a_run(
    tmp_path: Path, end: str, status: str, error: str, code: int
) -> None:
    """What ends the program is in the run, and the window that was complete; its exit code is its own."""
    (tmp_path / "train.py").write_text(ENDS.format(end=end))
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        preexec_fn=heed_ctrl_c,  # as above
    )
    run = load_run(only_run(tmp_path / "logs"))

    assert (run.status, run.error) == (status, error)
    assert run.window is not None
    assert run.window.steps == 10
    assert done.returncode == code


def test_a_program_that_is_recorded_whole_is_recorded_once(tmp_path: Path) -> None:
    """Under `script` the callback leaves it to that: one run, whose steps are the fit's batches."""
    (tmp_path / "train.py").write_text(ENDS.format(end="pass"))
    done = trace_scenario("script", "train.py", cwd=tmp_path)
    run = load_run(only_run(tmp_path / "logs"))

    assert run.window is not None
    assert (run.scenario, run.status, run.window.function) == ("train", "complete", "Model.fit")
    assert "TraceCallback records nothing: session 'train' is open, and records this too" in done.stderr
