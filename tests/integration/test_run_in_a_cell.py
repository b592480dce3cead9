"""Runs in a notebook: what `%%trace` records and leaves, and what a cell shows of it."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from tests.integration.test_notebook import stdout

NOTEBOOK = Path(__file__).parents[2] / "examples" / "a_run_in_the_cell.ipynb"
SET_UP = """\
%load_ext tracer.notebook
import tensorflow as tf, tracer
@tf.function
def double(x):
    return x * 2.0
"""
CELLS = {
    "traced": "%%trace mine -o kept\nx = 3\nprint('in the cell')\ndouble(tf.ones([x])).shape",
    "last": "_.name == kept.name, kept.scenario, x",
    "quiet": "%%trace\ndouble(tf.ones([4]));",
    "failed": "%%trace broken -o broken\ny = double(tf.ones([5]))\n\nz = y / undefined\n",
    "kept": "print(broken.status, broken.error, *broken.functions, y.shape)",
    "source": (
        "%%trace --no-profile -o own\n@tf.function\ndef inner(x):\n    if tf.reduce_sum(x) > 0:\n        x = x + 1.0\n"
        "    return x\ninner(tf.ones([2]))\nNone"
    ),
    "stages": (
        "trace = own.functions['inner'].traces[0]\n"
        "print(trace.definition.line, trace.stage('source'), trace.stage('autograph'))"
    ),
    "steps": "%%trace --steps 3 --warmup 2 -o run\ncount = globals().get('count', 0) + 1\ndouble(tf.ones([2])).shape",
    "count": "count, run.window.steps, run.window.warmup",
    "types": "%%trace --no-profile\ndef f(x: int): pass\nprint(f.__annotations__)\ndouble(tf.ones([8]))",
    "wrong": "%%trace --setps 3\n1",
    "syntax": "%%trace\nif if",
    "nested": (
        "with tracer.trace('outer') as outer:\n    print(outer)\n"
        "    get_ipython().run_cell_magic('trace', 'inner', '1')"
    ),
    "html": "%%trace\n%time double(tf.ones([7]))",
    "gone": "import shutil; shutil.rmtree(kept.path); kept",
}


@pytest.fixture(scope="module")
def execute(tmp_path_factory):
    """Returns a function that executes a notebook, in an empty folder, and returns each code cell's outputs."""
    folder = tmp_path_factory.mktemp("notebook")
    patch = pytest.MonkeyPatch()
    for variable in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        patch.setenv(variable, str(folder / variable))
    patch.delenv("TRACE_SCENARIO_LOGDIR", raising=False)

    def execute(notebook, work):
        path = folder / work
        path.mkdir()
        resources = {"metadata": {"path": path}}
        NotebookClient(notebook, timeout=200, kernel_name="python3", allow_errors=True, resources=resources).execute()
        return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]

    yield execute
    patch.undo()


@pytest.fixture(scope="module")
def outputs(execute):
    """Returns the outputs of each of `CELLS`, all executed in one kernel."""
    notebook = new_notebook(cells=[new_code_cell(SET_UP), *map(new_code_cell, CELLS.values())])
    return dict(zip(CELLS, execute(notebook, "cells")[1:], strict=True))


@pytest.fixture(scope="module")
def example(execute):
    """Returns the outputs of the example's code cells."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    return execute(notebook, "example")


def test_a_traced_cell_runs_as_it_is_and_its_run_is_shown_below(outputs):
    """What it prints and its last value come first; its names stay, and the run is the value of the cell."""
    value, page = data(outputs["traced"])

    assert stdout(outputs["traced"]) == "in the cell\n"
    assert value["text/plain"] == "TensorShape([3])"
    assert re.fullmatch(r"<Run mine/[\d-]+: complete, 1 function>", page["text/plain"])
    assert "<b>double</b>" in page["text/html"]
    assert "<svg " in page["text/html"]
    assert plain(outputs["last"]) == "(True, 'mine', 3)"


def test_a_semicolon_hides_the_value_and_not_the_run(outputs):
    """It is about the last line."""
    (page,) = data(outputs["quiet"])

    assert re.fullmatch(r"<Run cell/[\d-]+: complete, 1 function>", page["text/plain"])


def test_an_exception_goes_its_way_after_the_run_so_far(outputs):
    """The traceback begins in the cell, at the line that one sees there; the run is shown, and kept."""
    shown, raised = [each for each in outputs["failed"] if each.output_type != "stream"]
    traceback = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(raised.traceback))

    assert "failed</span>" in shown.data["text/html"]
    assert "NameError: name &#x27;undefined&#x27; is not defined" in shown.data["text/html"]
    assert raised.ename == "NameError"
    assert re.search(r"Cell In\[5\], line 4\n.*----> 4 z = y / undefined", traceback, re.DOTALL)
    assert "tracer/" not in traceback
    assert stdout(outputs["kept"]) == "failed NameError: name 'undefined' is not defined double (5,)\n"


def test_functions_of_a_cell_have_their_source(outputs):
    """AutoGraph finds it, the recording keeps it, and lines are counted as one sees them: the magic's is the first."""
    told = stdout(outputs["stages"])

    assert told.startswith("2 @tf.function\ndef inner(x):\n    if tf.reduce_sum(x) > 0:")
    assert "ag__.if_stmt" in told


def test_with_steps_the_cell_runs_again_and_again_and_shows_its_value_once(outputs):
    """To warm up, for the true time, once for fresh functions, and in the window."""
    value, page = data(outputs["steps"])

    assert plain(outputs["count"]) == "(9, 3, 2)"
    assert value["text/plain"] == "TensorShape([2])"
    assert "window: 3 steps after 2 warm-up calls" in page["text/html"]


def test_a_traced_cell_means_what_it_means_without(outputs):
    """It has no `from __future__` that it does not have itself."""
    assert stdout(outputs["types"]) == "{'x': <class 'int'>}\n"


def test_a_wrong_option_is_one_line_with_a_hint(outputs):
    """There is no traceback, and the cell does not run."""
    (told,) = outputs["wrong"]

    assert "No such option" in told.text
    assert "--steps" in told.text
    assert "hint: %%trace --help lists the options" in told.text


def test_a_cell_that_is_no_python_fails_as_any_other(outputs):
    """The place is marked."""
    (raised,) = outputs["syntax"]

    assert raised.ename == "SyntaxError"


def test_a_session_in_a_session_is_refused(outputs):
    """The error names the one that is open, which shows itself as such; it ends the cell."""
    told = "".join(each.text for each in outputs["nested"] if each.output_type == "stream" and each.name == "stderr")

    assert stdout(outputs["nested"]) == "<Session 'outer': recording>\n"
    assert "UsageError: session 'outer' is open already" in told
    assert "\nhint: end it before you open another" in told


def test_magics_work_in_a_traced_cell(outputs):
    """Its text goes through IPython, as that of any cell."""
    assert "Wall time" in stdout(outputs["html"])
    assert "<b>double</b>" in data(outputs["html"])[-1]["text/html"]


def test_a_run_whose_folder_is_gone_shows_what_is_known(outputs):
    """The rest is told as a warning, without a traceback."""
    (page,) = data(outputs["gone"])

    assert 'class="warning"' in page["text/html"]
    assert [each for each in outputs["gone"] if each.output_type == "stream"] == []


def test_the_example_notebook_shows_runs_and_reports(example):
    """Each of its cells has the output that its text promises."""
    _, first, measured, lines, signature, session, diff, files = example

    assert "<b>predict</b>" in data(first)[-1]["text/html"]
    page = data(measured)[-1]["text/html"]
    assert len(data(measured)) == 1
    assert re.search(r"<svg [^>]*><title>mlp/wide\n", page)
    assert "tf.nn.relu(x @ self.weights)" in page
    assert "window: 5 steps after 3 warm-up calls" in page
    assert "return tf.nn.relu(x @ self.weights)" in plain(lines)
    assert plain(signature) == "'(x: float32[32, 64]) -> float32[32, 4]'"
    assert "narrower/" in data(session)[-1]["text/html"]
    assert "~ mlp/narrow/Relu  shape: [32, 4] → [8, 4]" in plain(diff)
    assert plain(files) == "['mlp.html', 'mlp.svg']"


def test_the_example_notebook_is_kept_without_outputs():
    """The notebook in the repository holds no outputs and no execution counts."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def data(outputs):
    """Returns the data of each value that a cell showed."""
    return [output.data for output in outputs if output.output_type in ("execute_result", "display_data")]


def plain(outputs):
    """Returns the last value that a cell showed, as text."""
    return data(outputs)[-1]["text/plain"]
