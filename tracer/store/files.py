"""Files that appear whole: written aside, then renamed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tracer.errors import Unreadable, WriteFailed


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees all of it or none of it.

    Raises:
      WriteFailed: no space, no right to write, or the folder is gone.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with write_errors(path):
        try:
            aside.write_bytes(content)
            aside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Mapping[str, Any]) -> int:
    """Writes a JSON file whole, and returns its size. JSON escapes the lone surrogates that names may hold.

    Each key has a line: Python's encoder takes five times as long to lay out all that is in them, too.
    """
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(each)}" for key, each in value.items())
    content = f"{{\n{lines}\n}}\n".encode("ascii")
    write_bytes(path, content)
    return len(content)


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON file that holds one object.

    Raises:
      Unreadable: it is empty, cut off, not JSON, or not an object.
    """
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}", hint="check the path and its permissions") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            f"{path} is not valid JSON: {error}", hint="the file is damaged; record the run again"
        ) from None
    if not isinstance(value, dict):
        raise Unreadable(f"{path} holds no JSON object", hint="the file is damaged; record the run again")
    return value


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turns the operating system's error into one that says what to do about it."""
    try:
        yield
    except OSError as error:
        hints = {
            errno.ENOSPC: "free some space, or choose another --logdir",
            errno.EDQUOT: "your quota is used up: free some space, or choose another --logdir",
            errno.EACCES: "choose a --logdir that you may write to",
            errno.EROFS: "the file system is read-only: choose another --logdir",
            errno.ENOTDIR: "a file stands where a folder should: choose another --logdir",
            errno.EEXIST: "a file stands where a folder should: choose another --logdir",
        }
        hint = hints.get(error.errno or 0, "check that the folder exists and can be written")
        raise WriteFailed(f"cannot write {path}: {error.strerror or error}", hint=hint) from error
