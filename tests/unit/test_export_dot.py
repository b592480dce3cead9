import os
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exports import HOSTILE, chain, small_trace, view
from tracer.render.graph import render_view
from tracer.render.graph.dot import DEPTH
from tracer.report.export import export_view

# The language's tokens as graphviz.org/doc/info/lang.html has them: quoted strings, names, numbers, signs.
_TOKEN = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|-?\d+|->|[\[\]{};=,]', re.DOTALL)


def test_the_digraph_of_a_small_graph():
    """Scopes are clusters, edges have types, and a tooltip tells path and line."""
    assert render_view(export_view(small_trace()), "dot") == (
        'digraph "step, traced" {\n'
        '  graph [label="step, traced", labelloc=t, compound=true, fontname="Helvetica"];\n'
        '  node [shape=box, style="rounded,filled", fillcolor="#f5f5f5", fontname="Helvetica", fontsize=10];\n'
        '  edge [fontname="Helvetica", fontsize=8, color="#555555"];\n'
        '  n0 [label="x\\nPlaceholder", tooltip="x"];\n'
        "  subgraph cluster_1 {\n"
        '    graph [label="f (g)", style=rounded, color="#888888"];\n'
        '    n1 [label="f\\nPartitionedCall", tooltip="f"];\n'
        "    subgraph cluster_2 {\n"
        '      graph [label="net", style=rounded, color="#888888"];\n'
        '      n2 [label="scores\\nMatMul\\nvariable mlp/w:0", tooltip="f/net/scores\\ntrain.py:12 in call"];\n'
        "    }\n"
        "  }\n"
        '  n2 -> n1 [label="float32[8, 16]"];\n'
        '  n0 -> n2 [label="float32[8, ?]"];\n'
        "}\n"
    )


def test_ports_and_control_edges_are_told():
    """The second output is labelled as such, and a control edge is dashed."""
    text = render_view(view("s:Split=float32[2]  t:Zed<-s:1,^s", raw=True), "dot")

    assert text.splitlines()[-3:-1] == ['  n0 -> n1 [label="1: "];', "  n0 -> n1 [style=dashed, constraint=false];"]


def test_scopes_that_only_frame_another_are_one_box():
    """`body/net/while` is one cluster where nothing else is in `body` and `body/net`."""
    text = render_view(view("a/b/c/x:Mul  a/b/c/y:Mul"), "dot")

    assert re.findall(r'graph \[label="([^"]*)"', text) == ["step, traced", "a/b/c"]


def test_scopes_nest_no_deeper_than_graphviz_can_read():
    """Below the limit nodes stand in the last cluster."""
    levels = "/".join("abc" * 1000)
    nodes = " ".join(f"{levels[: 2 * depth + 1]}/x:Mul" for depth in range(3000))
    text = render_view(view(nodes), "dot")

    assert text.count("subgraph") == DEPTH
    assert text.count("tooltip") == 3000


def test_hostile_names_leave_the_structure_as_it_is():
    """Whatever names hold, there is a statement for each node."""
    assert _node_statements(chain(HOSTILE)) == {f"n{number}" for number in range(len(HOSTILE))}


@given(st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=8))
def test_any_names_leave_the_structure_as_it_is(names):
    """Whatever names hold, there is a statement for each node."""
    assert _node_statements(chain(names)) == {f"n{number}" for number in range(len(names))}


@pytest.mark.skipif(not shutil.which("dot") and not os.environ.get("CI"), reason="Graphviz is not installed")
@pytest.mark.parametrize("raw", [False, True])
def test_graphviz_reads_hostile_names_and_shows_them(raw):
    """Graphviz draws each node, and shows names with markup and escapes as they are."""
    done = subprocess.run(
        ["dot", "-Tsvg"],
        input=render_view(chain(HOSTILE, raw=raw), "dot").encode("utf-8"),
        capture_output=True,
        check=True,
        timeout=100,
    )
    drawn = done.stdout.decode("utf-8")

    assert not done.stderr
    assert drawn.count('class="node"') == len(HOSTILE)
    for shown in ("&lt;b&gt;x", "\\N", "a\\nb", "&amp;amp;", "&amp;#35;", "\\udc80", "\\u202eabc", "ش"):
        assert f">{shown}</text>" in drawn


def _statements(text):
    """Returns the words of each statement; fails at anything that is no token of the language."""
    at, words = 0, []
    text.encode("utf-8")
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match, text[at : at + 50]
        words += [match[0]] if match[0].strip() else []
        at = match.end()
    assert words.count("{") == words.count("}")
    statements, current = [], []
    for word in words:
        if word in {";", "{", "}"}:
            statements.append(current)
            current = []
        else:
            current.append(word)
    return [statement for statement in statements if statement]


def _node_statements(view):
    """Returns the nodes that are declared, each once."""
    declared = [
        statement[0]
        for statement in _statements(render_view(view, "dot"))
        if re.fullmatch(r"n\d+", statement[0]) and statement[1] == "["
    ]
    assert len(declared) == len(set(declared))
    return set(declared)
