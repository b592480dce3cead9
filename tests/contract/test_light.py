from pathlib import Path

import pytest

from tests.helpers import graph_def, run_python
from tracer.render import graph, html
from tracer.store.writer import RunWriter

HEAVY = "\nimport sys; print(sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Returns a log folder with one run, of one trace."""
    run = RunWriter(tmp_path, "demo", {})
    run.add_trace("f", {}, {"traced": graph_def("a/x:Add  y:Mul").SerializeToString()})
    run.finish("complete")
    return tmp_path


@pytest.mark.parametrize(
    "code",
    [
        "import tracer",
        "import tracer; tracer.scenario; tracer.Call; tracer.Scenario",
        "import tracer; assert any(entry.name == 'demo_module' for entry in tracer.list())",
        "import tracer; assert len(tracer.runs(logdir=logdir).runs.items) == 1",
        "import tracer; assert [row.path for row in tracer.show(logdir=logdir).scopes.items] == ['', 'a']",
        "import tracer; tracer.trace",
        "import tracer; tracer.record",
        "import tracer; tracer.keras.TraceCallback(steps=5)",
    ],
)
def test_reading_needs_no_tensorflow(logdir: Path, code: str):
    """Importing, listing, loading and showing leave TensorFlow, Keras and NumPy unimported."""
    assert run_python(f"import sys; logdir = sys.argv[1]\n{code}{HEAVY}", logdir) == "[]\n"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["--help"], 0),
        (["list"], 0),
        (["run", "no_such"], 3),
        (["runs"], 0),
        (["show"], 0),
        (["show", "--json"], 0),
        (["lint"], 0),
        (["retraces"], 0),
        (["diff", "latest", "latest"], 0),
        *((["export", "--format", name], 0) for name in (*graph.FORMATS, *html.FORMATS)),
    ],
)
def test_commands_that_read_need_no_tensorflow(logdir: Path, command: list[str], code: int):
    """The commands that do not record leave TensorFlow, Keras and NumPy unimported, also where they fail."""
    source = f"""
import contextlib, io
from tracer.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    try:
        main({command!r})
    except SystemExit as end:
        code = end.code
print(code)"""

    assert run_python(source + HEAVY, TRACE_SCENARIO_LOGDIR=str(logdir)) == f"{code}\n[]\n"


def test_importing_the_package_loads_only_its_version():
    """`import tracer` loads none of its modules but the version: a name is loaded when it is asked for."""
    code = "import sys, tracer; print(sorted(name for name in sys.modules if name.startswith('tracer.')))"

    assert run_python(code) == "['tracer.version']\n"


def test_a_start_of_pytest_costs_nothing(tmp_path: Path):
    """Pytest loads the plugin in every project: it imports nothing more, also when tests run that do not use it."""
    test = tmp_path / "test_it.py"
    test.write_text("def test_it(): pass")
    code = """
import sys, pytest
from contextlib import AbstractContextManager
import argparse, os, pathlib, shlex
before = set(sys.modules)
import tracer.pytest_plugin
print(sorted(set(sys.modules) - before))
assert pytest.main([sys.argv[1], "-q", "-p", "no:cacheprovider"]) == 0
print(sorted(name for name in sys.modules if name.startswith("tracer")))
print(sorted({"click", "rich", "google.protobuf"} & (set(sys.modules) - before)))"""
    said = run_python(code + HEAVY, test, cwd=tmp_path).splitlines()

    assert said[0] == "['tracer', 'tracer.pytest_plugin', 'tracer.version']"
    assert said[-3:] == [said[0], "[]", "[]"]
