"""Which runs are old, and removing them."""

import datetime
import shutil
from pathlib import Path

import pytest

from tests.helpers import dead_process, live_process, run_folder
from tracer.errors import UsageError, WriteFailed
from tracer.store import writer
from tracer.store.find import list_runs
from tracer.store.prune import old_runs, parse_age, remove

NOW = datetime.datetime(2026, 11, 10, tzinfo=datetime.timezone.utc)
WEEK = datetime.timedelta(days=7)


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Returns a log folder with five runs of two scenarios, of which three are older than a week."""
    for name in (
        "a/20261101-000000",
        "a/20261102-000000",
        "a/20261105-000000",
        "b/20261101-120000",
        "b/20261109-000000",
    ):
        run_folder(tmp_path, name)
    return tmp_path


def chosen(logdir: Path, *, keep: int | None = None, older_than: datetime.timedelta | None = None) -> list[str]:
    """Returns the names of the runs that would go."""
    return [str(run.path.relative_to(logdir)) for run in old_runs(logdir, keep=keep, older_than=older_than, now=NOW)]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("7d", {"days": 7}),
        ("12h", {"hours": 12}),
        ("30m", {"minutes": 30}),
        ("2w", {"weeks": 2}),
        ("90s", {"seconds": 90}),
        (" 7 d ", {"days": 7}),
    ],
)
def test_an_age_is_a_number_and_a_unit(text: str, age: dict[str, int]):
    """Seconds, minutes, hours, days and weeks, each by its first letter."""
    assert parse_age(text) == datetime.timedelta(**age)


@pytest.mark.parametrize("text", ["", "7", "d", "7x", "-7d", "1.5d", "7d2h", "\u0667d", "9" * 30 + "d"])
def test_what_is_no_age_is_refused(text: str):
    """Anything else is a usage error that shows an age."""
    with pytest.raises(UsageError) as caught:
        parse_age(text)
    assert caught.value.hint in {"write a number and a unit: 30m, 12h, 7d, 2w", "write a shorter age, as 52w"}


def test_keep_leaves_the_newest_of_each_scenario(logdir: Path):
    """Each scenario keeps so many; the others go, the oldest of all first."""
    assert chosen(logdir, keep=1) == ["a/20261101-000000", "b/20261101-120000", "a/20261102-000000"]


def test_keep_nothing_takes_every_run(logdir: Path):
    """`--keep 0` is all of them."""
    assert len(chosen(logdir, keep=0)) == 5


def test_older_than_leaves_the_young(logdir: Path):
    """Only runs that started longer ago go, however many there are."""
    assert chosen(logdir, older_than=WEEK) == ["a/20261101-000000", "b/20261101-120000", "a/20261102-000000"]


def test_a_run_goes_that_is_both_old_and_not_among_the_newest(logdir: Path):
    """With both options the newest stay whatever their age, and the young stay however many they are."""
    assert chosen(logdir, keep=2, older_than=WEEK) == ["a/20261101-000000"]
    assert chosen(logdir, keep=2, older_than=datetime.timedelta(days=30)) == []


def test_neither_option_is_refused(logdir: Path):
    """Without a word on what is old nothing is."""
    with pytest.raises(UsageError) as caught:
        chosen(logdir)
    assert caught.value.hint == "--keep 3, or --older-than 7d"


def test_a_run_that_is_being_recorded_stays(tmp_path: Path):
    """A run of a live process is neither removed nor counted among the newest; one of a dead process is as any."""
    run_folder(tmp_path, "a/20261101-000000")
    run_folder(tmp_path, "a/20261102-000000", status="recording", process=dead_process())
    run_folder(tmp_path, "a/20261103-000000", status="recording", process=live_process())

    assert chosen(tmp_path, keep=0) == ["a/20261101-000000", "a/20261102-000000"]
    assert chosen(tmp_path, keep=1) == ["a/20261101-000000"]


@pytest.mark.parametrize("content", ["", "{", "{}", '{"format": 1}', '{"format": 99, "status": "complete"}'])
def test_what_is_not_surely_ours_stays(tmp_path: Path, content: str):
    """A folder whose run.json is damaged, newer, or another program's is left alone, and not counted."""
    run_folder(tmp_path, "a/20261101-000000")
    (run_folder(tmp_path, "a/20261102-000000") / "run.json").write_text(content)

    assert chosen(tmp_path, keep=0) == ["a/20261101-000000"]
    assert chosen(tmp_path, keep=1) == []


def test_other_folders_stay(tmp_path: Path):
    """A folder without our stamp, or without a run.json, is not ours."""
    run_folder(tmp_path, "a/keep-me")
    (tmp_path / "b" / "20261101-000000").mkdir(parents=True)

    assert chosen(tmp_path, keep=0) == []


def test_nothing_is_removed_through_a_link(tmp_path: Path):
    """Neither a link to a run nor a run in a scenario's folder that is a link can go."""
    run = run_folder(tmp_path / "elsewhere", "a/20261101-000000")
    (tmp_path / "logs" / "b").mkdir(parents=True)
    (tmp_path / "logs" / "b" / "20261101-000000").symlink_to(run)
    (tmp_path / "logs" / "a").symlink_to(run.parent)

    assert len(list_runs(tmp_path / "logs")) == 2
    assert chosen(tmp_path / "logs", keep=0) == []


def test_a_run_that_does_not_say_its_start_is_not_old(tmp_path: Path):
    """Without a start nobody knows the age, so `--older-than` spares it."""
    run_folder(tmp_path, "a/20261101-000000", started="yesterday")
    run_folder(tmp_path, "a/20261101-000001", started=None)

    assert chosen(tmp_path, older_than=WEEK) == []


def test_what_a_removal_frees_is_counted_without_links(tmp_path: Path):
    """The bytes are those of the files in the folder; what a link leads to is not freed."""
    (tmp_path / "big").write_bytes(bytes(10_000))
    run = run_folder(tmp_path, "a/20261101-000000")
    header = (run / "run.json").stat().st_size
    (run / "functions").mkdir()
    (run / "functions" / "graph.pb").write_bytes(bytes(100))
    (run / "link").symlink_to(tmp_path / "big")
    link = (run / "link").lstat().st_size

    assert [item.bytes for item in old_runs(tmp_path, keep=0, older_than=None, now=NOW)] == [header + 100 + link]


def test_removing_leaves_the_others(logdir: Path):
    """What was chosen is gone, with what is in it; the other runs and a user's files are as they were."""
    (logdir / "a" / "20261101-000000" / "functions").mkdir()
    (logdir / "a" / "notes.txt").write_text("mine")
    remove(old_runs(logdir, keep=1, older_than=None, now=NOW))

    assert sorted(str(path.relative_to(logdir)) for path in logdir.glob("*/*")) == [
        "a/20261105-000000",
        "a/notes.txt",
        "b/20261109-000000",
    ]


def test_a_run_that_was_taken_up_since_stays(tmp_path: Path):
    """Between choosing and removing a folder may have come to be something else: it is looked at again."""
    run = run_folder(tmp_path, "a/20261101-000000")
    old = old_runs(tmp_path, keep=0, older_than=None, now=NOW)
    shutil.rmtree(run)
    run_folder(tmp_path, "a/20261101-000000", status="recording", process=live_process())
    remove(old)

    assert list_runs(tmp_path) == [run]


def test_a_removal_that_is_cut_off_leaves_nothing_that_reads_as_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is left of it is hidden, and the next removal in the scenario clears it away."""
    first, second = run_folder(tmp_path, "a/20261101-000000"), run_folder(tmp_path, "a/20261102-000000")

    def cut_off(*_, **__):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(writer.shutil, "rmtree", cut_off)
        with pytest.raises(WriteFailed):
            writer.remove_run(first)
    assert (list_runs(tmp_path), sorted(path.name for path in (tmp_path / "a").iterdir())) == (
        [second],
        [".20261101-000000.removed", "20261102-000000"],
    )

    writer.remove_run(second)
    assert not any(tmp_path.iterdir())


def test_a_run_that_is_gone_already_is_no_error(tmp_path: Path):
    """Two prunes at once both end well."""
    run = run_folder(tmp_path, "a/20261101-000000")
    other = run_folder(tmp_path, "a/20261102-000000")
    writer.remove_run(run)
    writer.remove_run(run)

    assert list_runs(tmp_path) == [other]
