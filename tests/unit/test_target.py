"""TARGET, as a user types it."""

import sys
from pathlib import Path

import pytest

from tracer.discover.target import Target, load_target, parse_target
from tracer.errors import NotFound, ProgramFailed, UsageError

ONE = "from tracer import Call, scenario\n@scenario\ndef alone():\n    return Call(print)\n"
TWO = ONE + "@scenario\ndef second():\n    return Call(print)\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes a fresh folder the current one, and undoes what importing from it changes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return tmp_path


def test_a_built_in_scenario_is_found_by_name():
    """A scenario's name gives the module and the function to import, and imports nothing."""
    assert parse_target("demo_module") == Target(
        "demo_module", "scenario", "demo_module", "scenarios.demo_module", "demo_module"
    )


def test_a_file_with_one_scenario_needs_no_name(here: Path):
    """The only scenario of a file is what the file means."""
    Path("mine.py").write_text(ONE)

    assert parse_target("mine.py") == Target("mine.py", "file", "alone", str(here / "mine.py"), "alone")
    assert load_target(parse_target("mine.py")).name == "alone"


def test_a_name_in_a_file_is_taken_as_it_is(here: Path):
    """Behind a colon stands any attribute, nested ones too; the run is named for the last part."""
    Path("model.py").write_text("class Net:\n    def step(x): return x\n")
    target = parse_target("model.py:Net.step")

    assert target == Target("model.py:Net.step", "file", "step", str(here / "model.py"), "Net.step")
    assert load_target(target)(3) == 3


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("frozen.pb", "look at it: trace-scenario show frozen.pb"),
        ("graphs/model.meta", "look at it: trace-scenario show graphs/model.meta"),
        ("graphs/events.out.tfevents.1.host", "look at it: trace-scenario show graphs/events.out.tfevents.1.host"),
        ("host.xplane.pb", "look at it: trace-scenario ops host.xplane.pb"),
    ],
)
def test_a_graph_is_to_be_looked_at_and_not_to_run(name, hint):
    """What holds no Python is refused, with the command that reads it."""
    Path("graphs").mkdir()
    Path(name).write_bytes(b"\n\xe4")

    with pytest.raises(UsageError, match="cannot be run") as caught:
        parse_target(name)

    assert caught.value.hint == hint


def test_a_module_attribute_is_imported():
    """`package.module:attribute` is imported as Python does."""
    target = parse_target("os.path:join")

    assert target == Target("os.path:join", "module", "join", "os.path", "join")
    assert load_target(target)("a", "b") == "a/b"


def test_a_module_in_the_current_folder_is_found(here: Path):
    """The current folder is on the path, as it is for `python -m`."""
    Path("only_here.py").write_text("value = 7\n")

    assert load_target(parse_target("only_here:value")) == 7


def test_a_file_finds_its_neighbours(here: Path):
    """A file imports what lies beside it, wherever the command runs."""
    (here / "sub").mkdir()
    (here / "sub/neighbour_of_main.py").write_text("value = 7\n")
    (here / "sub/main_file.py").write_text("from neighbour_of_main import value\n")

    assert load_target(parse_target("sub/main_file.py:value")) == 7


def test_a_file_named_like_a_module_replaces_nothing(here: Path):
    """A user's json.py is loaded beside Python's own."""
    Path("json.py").write_text("value = 7\n")
    before = sys.modules["json"]

    assert load_target(parse_target("json.py:value")) == 7
    assert sys.modules["json"] is before


@pytest.mark.parametrize("file", ["saved_model.pb", "saved_model.pbtxt"])
def test_a_saved_model_is_known_by_its_file(here: Path, file: str):
    """A folder with a SavedModel's file is one, and gives the run its name."""
    (here / "exported").mkdir()
    (here / "exported" / file).touch()

    assert parse_target("exported") == Target("exported", "saved_model", "exported", str(here / "exported"))


def test_a_keras_file_is_known_by_its_ending(here: Path):
    """A .keras file gives the run its name."""
    Path("net.keras").touch()

    assert parse_target("net.keras") == Target("net.keras", "keras_model", "net", str(here / "net.keras"))


def test_a_scenario_wins_over_a_folder_of_its_name(here: Path):
    """A folder that happens to be called like a scenario does not hide it."""
    (here / "demo_module").mkdir()

    assert parse_target("demo_module").kind == "scenario"


@pytest.mark.parametrize(
    ("text", "error", "message", "hint"),
    [
        (
            "none.py",
            UsageError,
            "none.py declares no scenario",
            "decorate one with @tracer.scenario, or name a callable: none.py:name",
        ),
        ("two.py", UsageError, "two.py declares 2 scenarios: alone, second", "name one: two.py:alone"),
        ("twoo.py", NotFound, "no file twoo.py", "did you mean 'two.py'?"),
        ("zzzzzzz.py", NotFound, "no file zzzzzzz.py", "check the path"),
        ("missing/zzz.py", NotFound, "no file missing/zzz.py", "check the path"),
        ("net.keras", NotFound, "no file net.keras", "check the path"),
        ("folder", NotFound, "folder is a folder, but no SavedModel", "a SavedModel folder holds saved_model.pb"),
        ("demo_modul", NotFound, "no scenario named 'demo_modul'", "did you mean 'demo_module'?"),
        (
            "zzzzzz",
            NotFound,
            "no scenario named 'zzzzzz'",
            "trace-scenario list; or give file.py, package.module:attribute",
        ),
    ],
)
def test_a_wrong_target_says_what_to_do(text: str, error: type, message: str, hint: str):
    """What names nothing, or too much, gets one line on what is wrong and one on what to do."""
    Path("none.py").write_text("x = 1\n")
    Path("two.py").write_text(TWO)
    Path("folder").mkdir()
    with pytest.raises(error) as caught:
        parse_target(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert caught.value.exit_code == {UsageError: 2, NotFound: 3}[error]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("two.py:secnd", "'secnd' is not in {here}/two.py", "did you mean 'second'?"),
        ("two.py:zzzz", "'zzzz' is not in {here}/two.py", "name something that it defines"),
        ("os.path:joi", "'joi' is not in os.path", "did you mean 'join'?"),
        ("no_such:x", "no module named 'no_such'", "install it into this environment, or check the spelling"),
        ("os.nothing:x", "no module named 'os.nothing'", "install it into this environment, or check the spelling"),
    ],
)
def test_a_name_that_is_not_there_is_not_found(here: Path, text: str, message: str, hint: str):
    """A module or an attribute that does not exist says so when it is loaded, with exit code 3."""
    Path("two.py").write_text(TWO)
    with pytest.raises(NotFound) as caught:
        load_target(parse_target(text))
    assert (caught.value.message, caught.value.hint) == (message.format(here=here), hint)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("source", "cause", "reason"),
    [
        ("import no_such_package\n", ModuleNotFoundError, "ModuleNotFoundError: No module named 'no_such_package'"),
        ("1 / 0\n", ZeroDivisionError, "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", SystemExit, "SystemExit: 3"),
    ],
)
def test_code_that_fails_at_import_is_the_programs_failure(here: Path, source: str, cause: type, reason: str):
    """What a file or a module raises while it is imported is shown as its own, and leaves no half module."""
    Path("failing.py").write_text(source)
    for text, named in (("failing.py:x", f"{here}/failing.py"), ("failing:x", "failing")):
        with pytest.raises(ProgramFailed) as caught:
            load_target(parse_target(text))
        assert caught.value.message == f"{named} could not be imported: {reason}"
        assert (type(caught.value.__cause__), caught.value.exit_code) == (cause, 1)
        assert "failing" not in sys.modules


def test_a_file_that_does_not_parse_is_the_programs_failure():
    """A syntax error is found before anything is imported."""
    Path("bad.py").write_text("def (\n")
    with pytest.raises(ProgramFailed) as caught:
        parse_target("bad.py")
    assert caught.value.message.startswith("bad.py does not parse: SyntaxError: ")


def test_a_file_that_is_no_text_is_a_usage_error():
    """A file in another encoding is named."""
    Path("latin.py").write_bytes(b"x = '\xe9'\n")
    with pytest.raises(UsageError) as caught:
        parse_target("latin.py")
    assert caught.value.message.startswith("latin.py cannot be read: ")
    assert caught.value.hint == "give a Python file in UTF-8"
