"""Every reading command on one path, in this process, with what holds for any of its answers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from tracer import api
from tracer.errors import TracerError
from tracer.render import html
from tracer.render import json as json_pages
from tracer.render.graph import FORMATS
from tracer.render.text import Style
from tracer.render.text import diff as diff_page
from tracer.render.text import lint as lint_page
from tracer.render.text import show as show_page

csv.field_size_limit(1 << 30)  # Python's own is 128 KiB
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# What a picture's source may hold: nothing that a terminal obeys. Cells of a table are data, as they are.
_HOSTILE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def outcome(path: Path | str, logdir: Path | None = None) -> str:
    """Runs all commands on a path and returns what they agree in: "answered", or the name of the error.

    Raises:
      AssertionError: an answer is not as it has to be, or the commands do not agree.
    """
    found = {name: _one(check, str(path), logdir) for name, check in _CHECKS.items()}
    # Some go on without a graph that they cannot read, and say so; the others have nothing to go on with.
    assert len({found[name] for name in found if name not in _GO_ON}) == 1, found
    return found["lint"]


def survives(path: Path | str, logdir: Path | None = None) -> None:
    """Runs all commands on a path: each answers, or raises an error of ours with a hint.

    Raises:
      AssertionError: an answer is not as it has to be.
    """
    for check in _CHECKS.values():
        _one(check, str(path), logdir)


def _one(check: Callable[[str, Path | None], None], path: str, logdir: Path | None) -> str:
    raised: TracerError | None = None
    try:
        check(path, logdir)
    except TracerError as error:
        raised = error
    if raised is None:
        return "answered"
    assert raised.message
    assert raised.hint
    assert raised.exit_code in (2, 3, 4)
    return type(raised).__name__


def _show(path: str, logdir: Path | None) -> None:
    report = api.show(path, logdir=logdir, top=60)
    for width in (80, 200):
        _check_page(show_page.show(report, Style(width=width)))
    _check_json(json_pages.dumps(json_pages.show(report)))


def _show_raw(path: str, logdir: Path | None) -> None:
    report = api.show(path, logdir=logdir, raw=True, top=60)
    _check_page(show_page.show(report, Style()))
    _check_json(json_pages.dumps(json_pages.show(report)))


def _lint(path: str, logdir: Path | None) -> None:
    report = api.lint(path, logdir=logdir)
    _check_page(lint_page.lint(report, Style(width=80)))
    _check_json(json_pages.dumps(json_pages.lint(report)))


def _diff(path: str, logdir: Path | None) -> None:
    report = api.diff(path, path, logdir=logdir, top=60)
    assert not report.changes.total
    _check_page(diff_page.diff(report, Style(width=80)))
    _check_json(json_pages.dumps(json_pages.diff(report)))


def _export(format_: str, *, raw: bool) -> Callable[[str, Path | None], None]:
    def check(path: str, logdir: Path | None) -> None:
        check_export(api.export(path, format=format_, logdir=logdir, raw=raw), format_)

    return check


def check_export(content: str, format_: str) -> None:
    """Checks that an export can be written and read again."""
    content.encode()
    if format_ in ("json", "model-explorer"):
        _check_json(content)
    elif format_ == "svg":
        ElementTree.fromstring(content)
    elif format_ == "html":
        assert "<script" not in content
        _check_page(content)
    elif format_ == "csv":
        rows = list(csv.reader(io.StringIO(content, newline="")))
        assert {len(row) for row in rows} == {len(rows[0])}
    else:
        assert not _HOSTILE.search(content)
        assert content.count("subgraph") <= content.count("\n")


def _check_page(page: str) -> None:
    assert page.strip()
    assert not _CONTROL.search(page)
    page.encode()


def _check_json(content: str) -> None:
    content.encode()
    assert isinstance(json.loads(content, parse_constant=_no_constant), dict)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def _checks() -> Iterator[tuple[str, Callable[[str, Path | None], None]]]:
    yield from (("show", _show), ("show raw", _show_raw), ("lint", _lint), ("diff", _diff))
    for name in FORMATS:
        yield f"export {name}", _export(name, raw=False)
        yield f"export {name} raw", _export(name, raw=True)
    for name in html.FORMATS:
        yield f"export {name}", _export(name, raw=False)


_GO_ON = {"show", "show raw", "diff", *(f"export {name}" for name in html.FORMATS)}
_CHECKS = dict(_checks())
