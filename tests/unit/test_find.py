"""What a user types, to a run's folder."""

from pathlib import Path

import pytest

from tests.helpers import run_folder
from tracer.errors import NotFound, Unreadable
from tracer.store import find
from tracer.store.find import find_run, is_ours, list_runs

RUNS = ("demo/20261123-021530", "other/20261124-000000", "demo/20261123-021530-2", "demo/20261123-021530-10")


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Returns a log folder with four runs."""
    for name in RUNS:
        run_folder(tmp_path, name)
    return tmp_path


def test_runs_are_listed_newest_first(logdir: Path):
    """Stamps sort as text and the number behind a stamp as a number, over all scenarios."""
    assert [str(path.relative_to(logdir)) for path in list_runs(logdir)] == [
        "other/20261124-000000",
        "demo/20261123-021530-10",
        "demo/20261123-021530-2",
        "demo/20261123-021530",
    ]


def test_runs_of_one_second_sort_by_their_start(tmp_path: Path):
    """Where two scenarios share a stamp, what run.json says of the start decides."""
    run_folder(tmp_path, "a/20261123-021530", started="2026-11-23T02:15:30.900+01:00")
    run_folder(tmp_path, "b/20261123-021530", started="2026-11-23T02:15:30.100+01:00")

    assert [path.parent.name for path in list_runs(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("latest", "other/20261124-000000"),
        ("latest~0", "other/20261124-000000"),
        ("latest~2", "demo/20261123-021530-2"),
        ("demo", "demo/20261123-021530-10"),
        ("demo/20261123-021530", "demo/20261123-021530"),
    ],
)
def test_a_reference_finds_its_run(logdir: Path, reference: str, name: str):
    """`latest` counts back, a scenario is its newest run, `scenario/stamp` one run."""
    assert find_run(reference, logdir) == logdir / name


def test_a_path_finds_its_run_wherever_it_lies(tmp_path: Path, logdir: Path, monkeypatch: pytest.MonkeyPatch):
    """A path to a run's folder, also one from here, needs no log folder, and its name no stamp."""
    run_folder(tmp_path, "elsewhere/copied run")
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert find_run("copied run", tmp_path / "none") == tmp_path / "elsewhere/copied run"


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("dmo", "no run named 'dmo'", "did you mean 'demo'?"),
        (
            "demo/20261123-021531",
            "no run named 'demo/20261123-021531'",
            "did you mean 'demo/20261123-021530' or 'demo/20261123-021530-10' or 'demo/20261123-021530-2'?",
        ),
        ("latest~4", "no run named 'latest~4': {logdir} holds 4", "the oldest is latest~3"),
        ("zzzzz", "no run named 'zzzzz'", "trace-scenario runs --logdir {logdir}"),
    ],
)
def test_a_run_that_is_not_there_gets_a_hint(logdir: Path, reference: str, message: str, hint: str):
    """A reference to nothing names what is close, or how to see what there is."""
    with pytest.raises(NotFound) as caught:
        find_run(reference, logdir)
    assert (caught.value.message, caught.value.hint) == (message.format(logdir=logdir), hint.format(logdir=logdir))


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("latest", "{logdir} holds no runs", "record one: trace-scenario run demo_module"),
        ("demo", "no run named 'demo'", "{logdir} holds no runs yet: trace-scenario list"),
    ],
)
def test_an_empty_log_folder_says_how_to_begin(tmp_path: Path, reference: str, message: str, hint: str):
    """Where nothing was recorded yet the hint is the first command; a folder that is not there is empty."""
    logdir = tmp_path / "logs"
    with pytest.raises(NotFound) as caught:
        find_run(reference, logdir)
    assert (caught.value.message, caught.value.hint) == (message.format(logdir=logdir), hint.format(logdir=logdir))


def test_other_folders_are_no_runs(tmp_path: Path):
    """Only a folder with our stamp and a run.json is a run; hidden ones and other tools' are passed."""
    run_folder(tmp_path, "demo/20261123-021530")
    run_folder(tmp_path, "demo/backup")
    run_folder(tmp_path, ".trash/20261123-021530")
    (tmp_path / "demo/20261123-021531").mkdir()
    (tmp_path / "train/20261123-021530").mkdir(parents=True)
    (tmp_path / "file").touch()

    assert list_runs(tmp_path) == [tmp_path / "demo/20261123-021530"]


def test_a_log_folder_that_is_a_file_is_unreadable(tmp_path: Path):
    """A file in the place of the log folder is an error, not an empty list."""
    (tmp_path / "file").touch()
    with pytest.raises(Unreadable) as caught:
        list_runs(tmp_path / "file")
    assert caught.value.message == f"{tmp_path / 'file'} is a file, not a log folder"


def test_only_our_own_folders_are_ours(tmp_path: Path):
    """A folder is ours if it has our stamp and a run.json that reads; a link to one is not."""
    ours = run_folder(tmp_path, "demo/20261123-021530")
    damaged = run_folder(tmp_path, "demo/20261123-021531")
    (damaged / "run.json").write_text("{")
    (tmp_path / "demo/20261123-021532").symlink_to(ours)
    unstamped = run_folder(tmp_path, "demo/backup")

    assert [is_ours(path) for path in (ours, damaged, tmp_path / "demo/20261123-021532", unstamped)] == [
        True,
        False,
        False,
        False,
    ]


def test_runs_of_one_second_are_ordered_by_their_start(tmp_path: Path):
    """Two scenarios that began in the same second stand by what their run.json says, in any zone; damaged ones last."""
    run_folder(tmp_path, "a/20261123-021530", started="2026-11-23T02:15:30.100+00:00")
    run_folder(tmp_path, "b/20261123-021530", started="2026-11-23T03:15:30.900+01:00")
    run_folder(tmp_path, "c/20261123-021530", started="2026-11-23T02:15:30.500+00:00")
    run_folder(tmp_path, "d/20261123-021530", started=None)

    assert [path.parent.name for path in list_runs(tmp_path)] == ["b", "c", "a", "d"]


def test_run_files_are_read_only_where_seconds_tie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A list of a thousand runs does not read a thousand files."""
    for name in ("a/20261123-021530", "b/20261123-021531", "c/20261123-021531"):
        run_folder(tmp_path, name)
    read = []
    monkeypatch.setattr(find, "read_header", lambda path: read.append(path.parent.name) or {})
    list_runs(tmp_path)

    assert read == ["b", "c"]
