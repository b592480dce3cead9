"""How runs and reports show themselves in IPython."""

import inspect
import re
from types import SimpleNamespace

import pytest
from IPython.core.formatters import DisplayFormatter

from tests.helpers import run_python
from tests.timed import timed
from tracer import api, display
from tracer.errors import SessionActive
from tracer.report.lines import lines_report
from tracer.report.ops import ops_report
from tracer.report.show import show_report
from tracer.timing.timing import read_timing

VERBS = [function for _, function in inspect.getmembers(api, inspect.isfunction) if function.__module__ == api.__name__]


@pytest.fixture
def shell():
    """Returns what of an IPython shell knows how to show values."""
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    display.register(shell)
    return shell


def shown(shell, value):
    """Returns what a notebook gets of a value: its data by kind."""
    data, _ = shell.display_formatter.format(value)
    return data


def test_a_run_is_a_page_in_a_notebook_and_its_name_beside_it(shell):
    """The name is for what cannot show the page."""
    data = shown(shell, timed())

    assert set(data) == {"text/html", "text/plain"}
    assert data["text/html"] == display.run_html(timed())
    assert data["text/plain"] == "<Run demo/20261123-021530: complete, 1 function>"


def test_a_run_is_the_page_of_show_in_a_terminal(shell):
    """There no HTML can be shown."""
    shell.display_formatter.active_types = ["text/plain"]
    lines = shown(shell, timed())["text/plain"].splitlines()

    assert lines[0] == "demo/20261123-021530  complete"
    assert any(line.startswith("scopes of step") for line in lines)


def test_a_session_shows_its_run_once_there_is_one(shell):
    """While it is open it is one line of text."""

    class Session:
        """Stands for a session."""

        recorded = None

        def __repr__(self):
            return "<Session>"

        @property
        def run(self):
            """The run, if there is one."""
            if self.recorded is None:
                raise SessionActive("it is still recording")
            return self.recorded

    Session.__module__ = "tracer.capture.session"  # IPython knows classes by their names
    session = Session()
    assert shown(shell, session) == {"text/plain": "<Session>"}

    session.recorded = timed()
    assert shown(shell, session)["text/html"] == display.run_html(timed())


@pytest.mark.parametrize(
    ("make", "first"),
    [
        (lambda run: show_report(run), "demo/20261123-021530  complete"),
        (lambda run: lines_report(read_timing(run)), "demo/20261123-021530  complete"),
        (lambda run: ops_report(read_timing(run)), "demo/20261123-021530  complete"),
    ],
)
def test_a_report_is_the_page_of_its_command(shell, make, first):
    """`tracer.lines()` in a cell shows what `trace-scenario lines` prints."""
    data = shown(shell, make(timed()))

    assert set(data) == {"text/plain"}
    assert data["text/plain"].splitlines()[0] == first


def test_every_report_of_a_verb_has_a_page():
    """What is registered is what the verbs return: classes that exist, and functions that make their pages."""
    import importlib

    returned = re.findall(r"\b[A-Z]\w+Report\b", " ".join(inspect.get_annotations(verb)["return"] for verb in VERBS))
    assert {name for _, name in display._PAGES} == set(returned)
    for (module, name), page in display._PAGES.items():
        assert isinstance(getattr(importlib.import_module(module), name), type)
        home, _, function = page.partition(".")
        assert callable(getattr(importlib.import_module(f"tracer.render.text.{home}"), function))
    for module, name in display._RUNS:
        assert isinstance(getattr(importlib.import_module(module), name), type)


def test_importing_the_package_in_ipython_has_runs_show_themselves():
    """`import tracer` is enough, and loads nothing but how to show them; outside of IPython not even that."""
    code = """
import sys
from types import ModuleType, SimpleNamespace
from IPython.core.formatters import DisplayFormatter
import IPython
shell = SimpleNamespace(display_formatter=DisplayFormatter())
IPython.get_ipython = lambda: shell
import tracer
print(sorted(name for name in sys.modules if name.startswith("tracer.")))
print(shell.display_formatter.formatters["text/html"].lookup_by_type("tracer.recorded.Run").__name__)
"""
    assert run_python(code) == "['tracer.display', 'tracer.version']\nrun_html\n"
