import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "tensorboard_in_a_notebook.ipynb"


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Returns a function that executes a notebook in an empty folder and returns each code cell's outputs."""
    for variable in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.delenv("TRACE_SCENARIO_LOGDIR", raising=False)
    work = tmp_path / "work"
    work.mkdir()

    def execute(notebook):
        client = NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": work}})
        client.execute()
        return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]

    return execute


def test_the_example_notebook_shows_tensorboard_and_stops_it(execute):
    """The example records a function, frames TensorBoard on its run, asks it for the tag, and ends it."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    _, recorded, started, asked, stopped = execute(notebook)

    assert stdout(recorded) == "predict (x: float32[4, 3]) -> float32[4, 2]\n"
    frame = re.search(
        r'<iframe\s+width="100%"\s+height="800"\s+src="(http://127\.0\.0\.1:\d+/)#graphs&(?:amp;)?run=notebook%2F\d{8}-\d{6}"',
        started[0].data["text/html"],
    )
    assert frame
    address, _, tags = stdout(asked).partition(" ")
    assert address == frame[1]
    assert sorted(ast.literal_eval(tags)) == ["1 predict", "1 predict, optimized"]
    assert stopped[0].data["text/plain"] == "()"


def test_the_example_notebook_is_kept_without_outputs():
    """The notebook in the repository holds no outputs and no execution counts."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def stdout(outputs):
    """Returns what a cell printed."""
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
