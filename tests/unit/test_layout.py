"""Names of files and folders."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracer.store import layout
from tracer.store.files import write_bytes


@given(st.text())
@example("../..")
@example("a/b\\c")
@example(".hidden")
@example("\0")
@example("e" + "\u0301" * 200)
@example("\U0001d54f" * 100)
def test_any_name_becomes_one_safe_file_name(name: str):
    """Whatever a program calls its functions, it becomes one short path component, not hidden and no option."""
    safe = layout.slug(name)

    assert PurePosixPath(safe).parts == (safe,)
    assert PureWindowsPath(safe).parts == (safe,)
    assert 0 < len(safe) <= 60
    assert len(safe.encode()) <= 180
    assert safe[0] not in ".-_"
    assert safe.isprintable()
    assert layout.slug(safe) == safe


@given(st.text(min_size=50, max_size=80))
def test_any_name_can_be_written(tmp_path_factory: pytest.TempPathFactory, name: str):
    """The file system takes a safe name, also with what is put around it while a file is written."""
    folder = tmp_path_factory.mktemp("layout")
    write_bytes(folder / layout.trace_folder(0, name), b"content")

    assert [file.read_bytes() for file in folder.iterdir()] == [b"content"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("addprint", "addprint"),
        ("Net.call", "Net.call"),
        ("a/b c", "a_b_c"),
        ("<lambda>", "lambda"),
        ("__call__", "call"),
        ("été", "été"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("x" * 70, "x" * 60),
    ],
)
def test_a_safe_name_stays_readable(name: str, safe: str):
    """Letters of any script, digits, dots and dashes stay; a stretch of anything else becomes one underscore."""
    assert layout.slug(name) == safe


def test_trace_folders_sort_as_recorded():
    """The number comes first and has three digits, so that a listing is in the order of recording."""
    assert [layout.trace_folder(2, "f"), layout.trace_folder(10, "a/b")] == ["002-f", "010-a_b"]


def test_sources_of_one_name_stay_apart():
    """Two files of one name in different folders are kept under different names that end in theirs."""
    first, second = layout.source_name("/a/model.py"), layout.source_name("/b/model.py")

    assert first != second
    assert (first[8:], second[8:]) == ("-model.py", "-model.py")


def test_the_log_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    """Where no log folder is named it is that of the variable, and `logs` where that is empty or missing."""
    for value, folder in (("/data/logs", "/data/logs"), ("", "logs")):
        monkeypatch.setenv("TRACE_SCENARIO_LOGDIR", value)
        assert layout.default_logdir() == Path(folder)
    monkeypatch.delenv("TRACE_SCENARIO_LOGDIR")
    assert layout.default_logdir() == Path("logs")
