"""Listing scenarios by reading their source."""

import importlib.metadata
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tracer.discover.listing import ListedScenario, list_scenarios, scenarios_in
from tracer.discover.parameters import Parameter
from tracer.discover.target import load_target, parse_target

SOURCE = '''
    """A file of scenarios."""

    import tracer
    from tracer import Call, scenario

    def helper(): ...

    @scenario
    def bare():
        """Bare.

        More.
        """
        return Call(helper)

    @tracer.scenario(name="named", tags=("a", "b"), steps=3)
    def other(size, /, rate: float = 0.5, *, kind: "str" = 'relu', dims: tuple[int, ...] = (1, 2)):
        """Options."""
        return Call(helper)
'''


def write(path: Path, source: str) -> Path:
    """Writes a Python file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(source), encoding="utf-8")
    return path


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns an empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_declarations_are_read_from_source(tmp_path: Path):
    """Name, summary, tags and parameters are what the decorator and the signature say."""
    file = write(tmp_path / "mine.py", SOURCE)

    assert scenarios_in(file, origin="file") == (
        ListedScenario("bare", "Bare.", (), (), "file", str(file), "bare"),
        ListedScenario(
            "named",
            "Options.",
            ("a", "b"),
            (
                Parameter("size", "", None, required=True),
                Parameter("rate", "float", "0.5", required=False),
                Parameter("kind", "'str'", "'relu'", required=False),
                Parameter("dims", "tuple[int, ...]", "(1, 2)", required=False),
            ),
            "file",
            str(file),
            "other",
        ),
    )


def test_the_listing_agrees_with_the_scenario(tmp_path: Path):
    """What is read from the source is what the imported scenario says of itself."""
    file = write(tmp_path / "listed_and_loaded.py", SOURCE)
    for listed in scenarios_in(file, origin="file"):
        loaded = load_target(parse_target(f"{file}:{listed.attribute}"))
        assert (loaded.name, loaded.summary, loaded.tags) == (listed.name, listed.summary, listed.tags)
        assert [(item.name, item.required) for item in loaded.parameters] == [
            (item.name, item.required) for item in listed.parameters
        ]


def test_listing_runs_no_code(tmp_path: Path):
    """A file that would fail to import is listed all the same."""
    file = write(tmp_path / "bad.py", "import no_such_module\nraise SystemExit\n@scenario\ndef demo(): ...\n")

    assert [entry.name for entry in scenarios_in(file, origin="file")] == ["demo"]


def test_what_is_not_literal_is_left_out(tmp_path: Path):
    """A tag that only the running program knows is not guessed; the name falls back to the function's."""
    file = write(tmp_path / "f.py", "@scenario(name=NAME, tags=tags())\ndef demo(): ...\n")

    assert [(entry.name, entry.tags) for entry in scenarios_in(file, origin="file")] == [("demo", ())]


def test_every_built_in_scenario_is_listed_with_a_summary(nowhere: Path):
    """One file under scenarios/ gives at least one scenario, each says what it shows, sorted by name."""
    listed = list_scenarios()
    folder = Path(__file__).resolve().parents[2] / "scenarios"

    assert {Path(entry.file).name for entry in listed} == {file.name for file in folder.glob("[!_]*.py")}
    assert {entry.origin for entry in listed} == {"built-in"}
    assert [entry.name for entry in listed if not entry.summary] == []
    assert [entry.name for entry in listed] == sorted(entry.name for entry in listed)
    assert "scenarios.demo_module" not in sys.modules


def test_scenarios_here_win_over_built_in(nowhere: Path):
    """A scenario in the current folder's scenarios/ takes the place of the built-in one of its name."""
    write(nowhere / "scenarios/mine.py", "@scenario\ndef demo_module():\n    '''Mine.'''\n")
    write(nowhere / "scenarios/_private.py", "@scenario\ndef hidden(): ...\n")
    found = {entry.name: entry for entry in list_scenarios()}

    assert (found["demo_module"].summary, found["demo_module"].origin) == ("Mine.", "scenarios/ here")
    assert "hidden" not in found


def test_a_file_that_does_not_parse_hides_no_other(nowhere: Path):
    """One broken file in scenarios/ costs its own scenarios only."""
    write(nowhere / "scenarios/bad.py", "def (\n")
    write(nowhere / "scenarios/good.py", "@scenario\ndef good_one(): ...\n")

    assert "good_one" in {entry.name for entry in list_scenarios()}


def test_entry_points_are_listed_without_import(nowhere: Path, monkeypatch: pytest.MonkeyPatch):
    """An installed scenario is found by its entry point, under that name, and read from its source."""
    write(nowhere / "offered/__init__.py", "raise SystemExit\n")
    write(nowhere / "offered/things.py", "@scenario\ndef thing(*, a: int = 1):\n    '''A thing.'''\n")
    monkeypatch.syspath_prepend(str(nowhere))
    entry = importlib.metadata.EntryPoint("offer", "offered.things:thing", "tracer.scenarios")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: (entry,))
    found = {item.name: item for item in list_scenarios()}

    assert (found["offer"].summary, found["offer"].attribute, found["offer"].module, found["offer"].origin) == (
        "A thing.",
        "thing",
        "offered.things",
        "entry point",
    )
    assert "offered" not in sys.modules
