"""Files that appear whole."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import Unreadable, WriteFailed
from tracer.store.files import read_json, write_bytes, write_errors, write_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_file_replaces_the_one_before_it(tmp_path: Path):
    """What is written last is there, and nothing lies beside it."""
    write_bytes(tmp_path / "file", b"first")
    write_bytes(tmp_path / "file", b"second")

    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"file": b"second"}


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On a full disk the old content stays whole, and the part that was written is taken away."""
    write_bytes(tmp_path / "file", b"old")

    def half(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(WriteFailed) as caught:
        write_bytes(tmp_path / "file", b"new")

    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"file": b"old"}
    assert caught.value.message == f"cannot write {tmp_path / 'file'}: No space left on device"
    assert caught.value.hint == "free some space, or choose another --logdir"


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "free some space, or choose another --logdir"),
        (errno.EDQUOT, "your quota is used up: free some space, or choose another --logdir"),
        (errno.EACCES, "choose a --logdir that you may write to"),
        (errno.EROFS, "the file system is read-only: choose another --logdir"),
        (errno.ENOTDIR, "a file stands where a folder should: choose another --logdir"),
        (errno.EIO, "check that the folder exists and can be written"),
    ],
)
def test_the_systems_errors_say_what_to_do(number: int, hint: str):
    """Each reason why a file cannot be written has its own hint."""
    with pytest.raises(WriteFailed) as caught, write_errors(Path("logs/run.json")):
        raise OSError(number, os.strerror(number))

    assert caught.value.message == f"cannot write logs/run.json: {os.strerror(number)}"
    assert caught.value.hint == hint


@given(st.dictionaries(st.text(), values, max_size=4))
def test_any_json_object_comes_back(tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]):
    """Whatever a program calls its things is read as it was written."""
    path = tmp_path_factory.mktemp("files") / "file.json"
    write_json(path, value)

    assert read_json(path) == value


def test_json_is_ascii_on_disk(tmp_path: Path):
    """Names in any script, and lone surrogates, are escaped, so that any program reads the file; a key has a line."""
    write_json(tmp_path / "file.json", {"name": "é\udc80", "lines": [1, {"of": 2}]})

    assert (tmp_path / "file.json").read_bytes() == b'{\n"name": "\\u00e9\\udc80",\n"lines": [1, {"of": 2}]\n}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path} is not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"a": 1', "{path} is not valid JSON: Expecting ',' delimiter: line 1 column 8 (char 7)"),
        (b"[1]", "{path} holds no JSON object"),
        (b"null", "{path} holds no JSON object"),
    ],
)
def test_what_is_no_json_object_is_unreadable(tmp_path: Path, content: bytes, message: str):
    """A file that is empty, cut off, or holds something else says so."""
    path = tmp_path / "file.json"
    path.write_bytes(content)

    with pytest.raises(Unreadable) as caught:
        read_json(path)
    assert caught.value.message == message.format(path=path)


@pytest.mark.parametrize("content", [b"\xff\xfe{", b'{"a": "\xc3"}', b"[" * 100_000])
def test_bytes_that_no_json_has_are_unreadable(tmp_path: Path, content: bytes):
    """What is no text, or is nested without end, is damaged and no crash."""
    (tmp_path / "file.json").write_bytes(content)

    with pytest.raises(Unreadable, match="is not valid JSON"):
        read_json(tmp_path / "file.json")


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path):
    """The message says what the system says."""
    with pytest.raises(Unreadable) as caught:
        read_json(tmp_path / "none.json")

    assert caught.value.message == f"cannot read {tmp_path / 'none.json'}: No such file or directory"
