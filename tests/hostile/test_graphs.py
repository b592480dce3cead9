"""Graphs that no program should have to meet: a true answer or a clear error, never anything else."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hostile.graphs import EXPLODING, GRAPHS, LARGE, all_call_all, bomb
from tests.hostile.verbs import outcome
from tracer.graph.inline import TooLarge, inline, inlined_nodes
from tracer.store.graph_def import read_graph

TOO_LARGE = ("bomb", "silent bomb")
NO_GRAPH = ("empty node", "nothing known")
MEMORY = 3 << 30  # bytes of address space
SECONDS = 20  # here it is 1 to 4; a graph that is walked again for each of its nodes takes minutes


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", GRAPHS)
def test_every_command_answers(name, tmp_path):
    """Each command answers, or says that the graph is too large or none; each page is printable, each JSON parses."""
    path = tmp_path / "graph.pb"
    path.write_bytes(GRAPHS[name]())

    expected = "TooLarge" if name in TOO_LARGE else "Unreadable" if name in NO_GRAPH else "answered"
    assert outcome(path) == expected


@pytest.mark.parametrize("name", EXPLODING)
def test_what_no_single_function_tells_of_is_refused_too(name):
    """Functions that all call each other, arguments that nobody gives, results by the thousand: each is too large."""
    with pytest.raises(TooLarge, match="the limit is 2,000,000 nodes") as raised:
        inline(read_graph(EXPLODING[name](), name))
    assert "--limit 4000000 allows it" in raised.value.hint


@pytest.mark.parametrize(
    ("name", "arguments"),
    [(name, ["show"]) for name in LARGE]
    + [(name, ["diff"]) for name in ("deep scopes", "many consumers", "backward chain")]
    + [(name, ["export", "--format", "dot"]) for name in ("many inputs", "backward chain")],
    ids=str,
)
def test_a_hundred_thousand_of_anything_is_answered_in_time(name, arguments, tmp_path):
    """A nest, a row or a fan of 100,000 needs neither minutes nor more than 3 GB."""
    path = tmp_path / "graph.pb"
    path.write_bytes(LARGE[name]())

    done, seconds = command(arguments[0], path, *([path] if arguments == ["diff"] else []), *arguments[1:])
    assert done.returncode == (4 if name == "deep functions" else 0), done.stderr
    assert seconds < SECONDS


@pytest.mark.parametrize("arguments", [["show"], ["lint"], ["diff"], ["export"]], ids=" ".join)
def test_the_limit_is_stated_with_how_to_raise_it(arguments, tmp_path):
    """A graph that explodes when its functions are put in their places is refused with its size and the option."""
    path = tmp_path / "bomb.pb"
    path.write_bytes(bomb(20))

    done, _ = command(arguments[0], path, *([path] if arguments == ["diff"] else []), "--limit", "1000")
    told = done.stdout + done.stderr
    assert done.returncode in (4, 7)
    assert "the graph has 3,145,728 nodes: the limit is 1,000 nodes" in told
    assert "--limit 3145728 allows it" in told

    path.write_bytes(bomb(7))
    raised, _ = command(arguments[0], path, *([path] if arguments == ["diff"] else []), "--limit", "384")
    assert raised.returncode == 0, raised.stderr


def test_functions_that_call_each_other_are_counted_as_they_are_shown():
    """Four functions that all call each other run in 16 places, each with four calls."""
    graph = read_graph(all_call_all(4), "graph.pb")

    assert inlined_nodes(graph) == len(inline(graph).nodes) == 2 + 4 * (1 + 3 + 6 + 6)


def command(*arguments: object) -> tuple[subprocess.CompletedProcess[str], float]:
    """Runs the command as a user does, with no more memory than a small machine has."""
    started = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("trace-scenario")), *map(str, arguments)],
        env={**os.environ, "COLUMNS": "100"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),  # no threads here
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "internal:" not in done.stderr
    assert done.returncode == 0 or done.stderr or "warning:" in done.stdout
    return done, time.monotonic() - started
