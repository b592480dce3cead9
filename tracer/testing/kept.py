"""Graphs that tests keep in files beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.errors import Unreadable, UsageError
from tracer.store import layout
from tracer.testing.names import digest

if TYPE_CHECKING:
    from tracer.graph.inline import Inlined
    from tracer.graph.model import Graph
    from tracer.recorded import Trace

GRAPHS = "graphs"  # the folder, beside the tests, of the graphs that they keep
_PLAIN = re.compile(r"[A-Za-z0-9_.]+(?:\[[A-Za-z0-9_.-]+\])?")  # a test's name that can be a file's
_LONGEST = 100  # characters of it
_CHANGES = 40  # of a graph that are listed
WIDTH = 110  # of what a failure says, for pytest puts something before each line, and cuts none


class GraphChanged(AssertionError):
    """A function's graph is not the one that is kept, or none is."""


def graph_file(test_file: Path, test: str, number: int) -> Path:
    """Returns where a test keeps a graph: `graphs/test_model/test_step.graph`, `test_step-2.graph` for its second.

    A name that not every file system can have has a digest of the whole of it: `test_step_a_b-3f2a9c1d.graph`.
    (The end is no `.txt`: pytest takes `test*.txt` for tests.)
    """
    plain = _PLAIN.fullmatch(test) and len(test) <= _LONGEST
    name = test if plain else f"{layout.slug(test)}-{digest(test)}"
    end = f"-{number}" if number > 1 else ""
    return test_file.parent / GRAPHS / test_file.stem / f"{name}{end}.graph"


def check_graph(
    fn: Callable[..., Any] | Trace,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    golden: Path,
    *,
    update: bool,
    shown: str,
    how_to_update: str,
) -> str:
    """Compares the graph of `fn(*args, **kwargs)` with the one that is kept; returns "written", "updated" or "same".

    Args:
      fn: the function, which is traced and not run; or a trace of a run, which has no arguments.
      args: its arguments.
      kwargs: and those by name.
      golden: the file of the graph that is kept.
      update: write the file where the graph is another one, or none is kept. Other numbers in names are no change.
      shown: what to call the file.
      how_to_update: the command that would.

    Raises:
      GraphChanged: the graph is another one, or none is kept.
      Unreadable: the file is damaged, or of another format.
      UsageError: `fn` cannot be traced.
    """
    from tracer.graph.inline import inline
    from tracer.store.graph_text import check_not_newer, read_graph_text, write_graph_text

    name, signature, graph = _graph(fn, args, kwargs)
    content = write_graph_text(inline(graph), name + signature)
    kept = _kept(golden, shown)
    if kept == content:
        return "same"
    if kept is None and not update:
        raise GraphChanged(f"no graph is kept in {shown}\nhint: {how_to_update} writes it; look at it, and commit it")
    if kept is not None:
        check_not_newer(kept, shown)
        try:
            before = read_graph_text(kept, shown)
        except Unreadable as error:
            if not update:
                raise Unreadable(error.message, hint=f"{error.hint}, or {how_to_update} writes it anew") from error
        else:
            now = read_graph_text(content, "the graph")
            difference = _difference(name, shown, (before.graph, now.graph), (before.signature, now.signature))
            if not difference:
                return "same"
            if not update:
                raise GraphChanged(f"{difference}\nhint: if that is meant, {how_to_update} writes it anew")
    _write(golden, content)
    return "written" if kept is None else "updated"


def _graph(fn: Callable[..., Any] | Trace, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, str, Graph]:
    """Returns the name, the signature and the graph of what is to be compared."""
    from tracer.recorded import Trace

    if not isinstance(fn, Trace):
        from tracer.capture.traced_graph import traced_graph

        return traced_graph(fn, args, kwargs)
    if args or kwargs:
        raise UsageError("a trace that is recorded takes no arguments", hint=f"assert_graph(trace) of '{fn.id}'")
    return fn.name, fn.signature, fn.graph


def _kept(golden: Path, shown: str) -> str | None:
    try:
        return golden.read_bytes().decode("utf-8").replace("\r\n", "\n")  # git may have changed the ends of lines
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise Unreadable(f"{shown} is damaged: it is no text", hint="take it from version control again") from error
    except OSError as error:
        raise Unreadable(f"{shown} cannot be read: {error.strerror}", hint="is it a file of yours?") from error


def _difference(name: str, shown: str, graphs: tuple[Inlined, Inlined], signatures: tuple[str, str]) -> str:
    from tracer.render.text import Style
    from tracer.render.text import golden as golden_page
    from tracer.report.golden import golden_report

    report = golden_report(name, shown, graphs, signatures=signatures, top=_CHANGES)
    return "" if report.equal else golden_page.golden(report, Style(width=WIDTH))


def _write(golden: Path, content: str) -> None:
    from tracer.store.files import write_bytes, write_errors

    with write_errors(golden):
        golden.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(golden, content.encode("utf-8"))
