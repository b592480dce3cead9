import re

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exports import HOSTILE, chain, small_trace, view
from tracer.render.graph import render_view
from tracer.render.graph.mermaid import DEPTH, MAX_EDGES, MAX_TEXT
from tracer.report.export import export_view

# The lines that are written, in the grammar of mermaid.js.org/syntax/flowchart.html. Between quotes only what has no
# meaning there: a character is a letter, a digit, one of few signs, or `#number;` ("entity codes" in that page).
_TEXT = r'"(?:[^\W\n]|[ _/,()\[\]]|#\d+;)*"'
_LINE = re.compile(
    rf"flowchart TD|%% [\w ,:]+|end|subgraph s\d+ \[{_TEXT}\]"
    rf"|n\d+\[{_TEXT}\]|n\d+\(\[{_TEXT}\]\)|s\d+\[\[{_TEXT}\]\]"
    rf"|[ns]\d+ (?:-->|-\.->|-->\|{_TEXT}\|) [ns]\d+"
)


def test_the_flowchart_of_a_small_graph():
    """Scopes are subgraphs, and edges have types."""
    assert render_view(export_view(small_trace()), "mermaid") == (
        "flowchart TD\n"
        '  n0["x"]\n'
        '  subgraph s1 ["f (g)"]\n'
        '    n1["f"]\n'
        '    subgraph s2 ["net"]\n'
        '      n2["scores"]\n'
        "    end\n"
        "  end\n"
        '  n2 -->|"float32[8, 16]"| n1\n'
        '  n0 -->|"float32[8, #63;]"| n2\n'
    )


def test_variables_are_rounded_and_control_edges_dotted():
    """In the raw view a captured variable has its name and another shape than ops."""
    text = render_view(export_view(small_trace(), raw=True), "mermaid")

    assert '  n1(["mlp/w#58;0"])\n' in text
    assert render_view(view("a:Mul  b:Mul<-^a", raw=True), "mermaid").endswith("  n0 -.-> n1\n")


def test_mermaids_own_marks_are_escaped():
    """What Mermaid writes for `&` and `;` on its way would be drawn as those."""
    assert '["#92;ufb02#176;amp#182;#92;xdf"]' in render_view(chain(["ﬂ°amp¶ß"]), "mermaid")


def test_edges_between_two_boxes_are_one():
    """Equal tensors are counted, and unequal ones too, but without their types."""
    text = render_view(view("a:Zed=float32[2]  b:Zed<-a,a  c:Zed<-a,a:1", raw=True), "mermaid")

    assert text.splitlines()[-2:] == ['  n0 -->|"[2] (2)"| n1', '  n0 -->|"2 tensors"| n2']


def test_a_large_graph_has_its_scopes_closed_at_the_deepest_level_that_fits():
    """A comment says from which level on, and how many nodes have no box of their own."""
    blocks = [f"net/block_{block}/{kind}/op_{op}:Zed" for block in range(20) for kind in "ab" for op in range(60)]
    text = render_view(view(" ".join(["x:Zed", "net/y:Zed", *blocks])), "mermaid")

    assert text.startswith("%% scopes are closed from level 3 on, so 2,400 nodes have no box\nflowchart TD\n")
    assert text.count("subgraph") == 21
    assert re.findall(r'\[\["(.*)"\]\]', text) == ["a (60 nodes)", "b (60 nodes)"] * 20


def test_a_level_too_large_for_mermaid_is_cut():
    """Where not even the outermost level fits, what is drawn has all its edges, and a comment counts the rest."""
    text = render_view(view("  ".join(["n0:Zed", *(f"n{at}:Zed<-n{at - 1}" for at in range(1, 5000))])), "mermaid")

    boxes, edges = len(re.findall(r"^  n\d+\[", text, re.MULTILINE)), text.count("-->")
    assert text.startswith(f"%% too large: {boxes} of 5,000 boxes of the outermost level are drawn\nflowchart TD\n")
    assert boxes == edges + 1 <= MAX_EDGES + 1
    assert len(text) <= MAX_TEXT


def test_scopes_nest_no_deeper_than_can_be_read():
    """What lies deeper is in closed scopes."""
    levels = "/".join("abc" * 20)
    text = render_view(view(" ".join(f"{levels[: 2 * depth + 1]}/x:Mul" for depth in range(60))), "mermaid")

    assert text.count("subgraph") == DEPTH


def test_hostile_names_leave_the_grammar_as_it_is():
    """Whatever names hold, each line is one of the few that are written."""
    assert _boxes(render_view(chain(HOSTILE), "mermaid")) == len(HOSTILE)


@given(st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=8))
def test_any_names_leave_the_grammar_as_it_is(names):
    """Whatever names hold, each node has a line of its own."""
    assert _boxes(render_view(chain(names), "mermaid")) == len(names)


def _boxes(text):
    """Returns how many nodes are drawn; fails at a line that the grammar does not have."""
    text.encode("utf-8")
    lines = [line.strip(" ") for line in text.removesuffix("\n").split("\n")]
    for line in lines:
        assert _LINE.fullmatch(line), line
    assert sum(line.startswith("subgraph") for line in lines) == lines.count("end")
    return sum(bool(re.match(r"n\d+[\[(]", line)) for line in lines)
