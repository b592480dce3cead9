"""A run as HTML and SVG: what it says, and that nothing in it can break it."""

import dataclasses
import re
from html.parser import HTMLParser
from textwrap import dedent
from xml.etree import ElementTree

import pytest

from tests.helpers import graph, run, trace
from tests.timed import timed
from tests.unit.exports import HOSTILE
from tracer.errors import NotFound, Unreadable, UsageError
from tracer.graph.model import Graph, Kind, Node, Nodes
from tracer.recorded import Argument, Raised, Warned
from tracer.render.html import FORMATS
from tracer.render.html.page import fragment
from tracer.render.html.picture import FAINT, HEAT, HUES, svg
from tracer.report.overview import overview

FRAME = '<rect width="100%" height="100%" fill="#f76707" fill-opacity="{}" stroke="currentColor" stroke-opacity=".3"/>'
VOID = {"br", "meta", "rect"}


def test_the_picture_of_a_small_run():
    """Each scope is a box with its name, time and output; its tooltip has all of it; the hottest is the darkest."""
    head, *boxes, end = svg(overview(timed())).partition("</style>")[2].split("\n<svg ")

    assert head == ""
    assert f"<svg {boxes[0]}" == dedent(f"""\
        <svg x="0%" y="0" width="100%" height="22"><title>(all)
        50 ns, 100 % of all; 0 ns of its own
        3 nodes
        output: float32[2]
        ops: Placeholder</title>{FRAME.format("0.07")}<text x="5" y="15" fill="currentColor">(all)\
<tspan dx="8" opacity=".75">50 ns · float32[2]</tspan></text></svg>""")
    assert f"<svg {boxes[1]}" == dedent(f"""\
        <svg x="0%" y="23" width="80%" height="22"><title>net
        40 ns, 80.0 % of all; 40 ns of its own
        1 node
        output: float32[2]
        ops: Mul</title>{FRAME.format("0.60")}<text x="5" y="15" fill="currentColor">net\
<tspan dx="8" opacity=".75">40 ns · float32[2]</tspan></text></svg>""")
    assert end.startswith('x="80%" y="23" width="20%" height="22"><title>gradient_tape/net/mul\n10 ns')
    assert end.endswith("</svg>\n</svg>\n")


def test_the_page_of_a_small_run():
    """A cell shows state, window and coverage in words, functions, the lines with time, scopes, and ops."""
    facts = {"warnings": (Warned("no-x", "x is missing", "add x"),), "parameters": {"width": "64"}}

    assert read(fragment(overview(timed(**facts)))) == dedent("""\
        demo/20261123-021530 complete
        recorded in 1.50 s · width=64
        window: 2 steps after 1 warm-up call; a step takes 500 ns with the profiler. Coverage: 80.0 % of executions, \
87.7 % of their time; 57 ns in all, threads added up.
        that is below 95.0 %: see (unattributed)
        function | traces | calls | nodes | tracing | line | signature
        step | 1 | 1 | 3 | 250 ms | user.py:1 |
        scopes of step width: time in a scope; colour: the part that is its own
        self | % | | line | source
        40 ns | 70.2 | | net.py:3 | return x @ w
        10 ns | 17.5 | | train.py:12 | tape.gradient(y, x)
        7 ns | 12.3 | | | (unattributed)
        scopes
        scope | time | % | nodes | output | bytes | FLOPs
        (all) | 50 ns | 100.0 | 3 | float32[2] | 24 B | 4
        net | 40 ns | 80.0 | 1 | float32[2] | 8 B | 2
        gradient_tape/net/mul | 10 ns | 20.0 | 1 | float32[2] | 8 B | 2
        ops
        self | % | | calls | op | node
        40 ns | 70.2 | | 2 | Mul | net/mul
        10 ns | 17.5 | | 2 | Mul | gradient_tape/net/mul/Mul
        7 ns | 12.3 | | 1 | | (unattributed)
        x is missing add x
        trace-scenario show logs/demo/20261123-021530
        """)


def test_a_failed_run_says_why():
    """The last line of what the program raised is there, and the state."""
    shown = read(fragment(overview(run(status="failed", error="ValueError: <b>no</b>"))))

    assert shown.splitlines()[:3] == ["demo/20261123-021530 failed", "recorded in 1.50 s", "ValueError: <b>no</b>"]


def test_the_step_that_raised_is_named():
    """As on every page, the error begins with the step that it comes from."""
    failed = run(status="failed", error="ValueError: boom", raised=Raised("window", 4))

    assert read(fragment(overview(failed))).splitlines()[2] == "in step 4 of the window: ValueError: boom"


def test_a_run_without_a_profile_says_what_a_step_takes():
    """The sentences on a run need no profile."""
    shown = read(fragment(overview(run(unprofiled_ns=(900, 358, 358, 358)))))

    assert "A step takes 358 ns without the profiler (median of 3)." in shown.splitlines()


def test_the_profile_is_read_once():
    """What the nodes took is for the sentences what it is for the tables."""
    recorded = timed()
    opened = []

    def opening(path):
        opened.append(path)
        return recorded.profile(path)

    overview(dataclasses.replace(recorded, _open_profile=opening))

    assert opened == ["vm.xplane.pb"]


def test_a_function_traced_often_is_cut_and_what_is_left_is_counted():
    """Four of its traces have rows."""
    traces = [trace("step", number, graphs={"traced": graph("a:Neg")}, call_site=None) for number in range(9)]
    rows = read(fragment(overview(run(*traces)))).splitlines()

    assert [row for row in rows if "step | 9" in row or "more" in row] == [
        "step | 9 | 1 | 1 | 250 ms | user.py:1 |",
        "... and 5 traces more | | | | | |",
    ]


def test_findings_are_told_with_advice():
    """They are folded under their number."""
    shown = read(fragment(overview(run(trace(graphs={"traced": graph("x:Placeholder net/p:EagerPyFunc<-x")})))))

    assert re.search(r"^findings: 1 \w+$", shown, re.MULTILINE)
    assert "do: " in shown


def test_a_graph_that_cannot_be_read_leaves_the_rest():
    """Its damage is told as a warning, and the function has no number of nodes."""

    def damaged(_, __):
        raise Unreadable("graph.pb is cut off", hint="record it again")

    shown = read(fragment(overview(run(trace("step", graphs={"traced": None}, _read=damaged)))))

    assert "step | 1 | 1 | ? | 250 ms | user.py:1 |" in shown
    assert "graph.pb is cut off record it again" in shown


def test_a_graph_that_is_too_large_leaves_the_rest():
    """The reason is told, with what to do."""
    called = graph("a:Call@g b:Call@g", g="x:Neg y:Neg")
    seen = overview(run(trace(graphs={"traced": called})), limit=2)

    assert (seen.show, seen.picture) == (None, None)
    assert seen.problem.message in read(fragment(seen))
    assert seen.problem.hint in read(fragment(seen))


def test_a_run_without_a_graph_has_a_page_and_a_picture_that_says_so():
    """Neither is empty."""
    assert "demo/20261123-021530: no graph to draw" in svg(overview(run()))
    assert "demo/20261123-021530 complete" in read(FORMATS["html"].render(overview(run())))


def test_only_graphs_have_a_picture():
    """A stage that is a text, or a scope that is not there, is an error."""
    with pytest.raises(UsageError, match="no picture of the stage 'source'"):
        overview(timed(), stage="source")
    with pytest.raises(NotFound, match="no scope named 'nowhere'"):
        overview(timed(), scope="nowhere")


@pytest.mark.parametrize("name", [*HOSTILE, "</script><script>alert(1)</script>", "</title>", "-->", "]]>", "$x$"])
def test_no_name_breaks_the_page(name):
    """Whatever functions, scopes, files and errors are called, elements are as always, and SVG is XML."""
    nodes = Graph(Nodes.of([Node(f"{name}/{name}/x", Kind("Neg"), (), ""), Node("y", Kind(name), (), "")]))
    step = trace(name, graphs={"traced": nodes}, arguments=(Argument(name, name),), returns=name)
    recorded = run(step, name=name, path=name, error=name, parameters={name: name}, warnings=(Warned("w", name, name),))
    plain = run(trace("f", graphs={"traced": graph("a/b/x:Neg y:Neg")}, arguments=(Argument("x", "y"),), returns="z"),
                error="e", parameters={"a": "b"}, warnings=(Warned("w", "m", "h"),))  # fmt: skip

    ElementTree.fromstring(svg(overview(recorded)))
    page = FORMATS["html"].render(overview(recorded))
    assert elements(page) <= elements(FORMATS["html"].render(overview(plain))) | {"span", "title", "i"}
    page.encode()


def test_ten_thousand_scopes_make_no_large_page():
    """What is shown has an end, whatever the graph: and so has each name."""
    nodes = " ".join(f"{'long' * 50}{number}/{'name' * 50}/x:Neg{number}" for number in range(5_000))
    graphs = [graph(nodes), *[graph("x:Neg")] * 29]
    seen = overview(run(*(trace(f"{'f' * 5000}{at}", at, graphs={"traced": each}) for at, each in enumerate(graphs))))
    page = fragment(seen)

    assert len(page) < 200_000
    assert "... and 18 functions more" in read(page)
    assert re.search(r"... and [\d,]+ scopes more", read(page))


def test_scopes_that_lie_too_deep_are_counted():
    """Neither the picture nor the table says less of a deep nest than that there is more of it."""
    nest = graph(" ".join(f"{'/'.join(f's{level}' for level in range(depth))}/x:Neg" for depth in range(1, 21)))
    seen = overview(run(trace(graphs={"traced": nest})))
    shown = read(fragment(seen))

    assert len(seen.picture.boxes) == 12
    assert "scopes of step width: nodes; 9 scopes too small or too deep to draw" in shown.splitlines()
    assert "... and 8 scopes more" in shown.splitlines()


@pytest.mark.parametrize("hue", HUES.values())
@pytest.mark.parametrize(
    ("ink", "paper"), [("#000000", "#ffffff"), ("#ffffff", "#111111"), ("#1f2328", "#ffffff"), ("#e6edf3", "#0d1117")]
)
@pytest.mark.parametrize("heat", [FAINT, HEAT])
def test_text_in_boxes_can_be_read_on_light_and_on_dark(hue, ink, paper, heat):
    """Its contrast is at least 4.5 (WCAG 2.2, 1.4.3), however hot the box is."""
    box = [heat * on + (1 - heat) * below for on, below in zip(rgb(hue), rgb(paper), strict=True)]
    light, dark = sorted((luminance(box), luminance(rgb(ink))), reverse=True)

    assert (light + 0.05) / (dark + 0.05) >= 4.5


def rgb(color):
    """Returns a colour's parts, 0 to 1."""
    return [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def luminance(parts):
    """Returns the relative luminance of a colour (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def read(page):
    """Returns what a reader sees of a page, without the picture: blocks as lines, cells with `|` between them."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = (re.sub(r"[ \n]+", " ", line).strip().removesuffix(" |") for line in reader.text.split("\0"))
    return "".join(f"{line}\n" for line in lines if line)


def elements(page):
    """Returns the names of a page's elements; they are closed in the order of their nesting."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader.found


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.text, self.open, self.found = "", [], set()

    def handle_starttag(self, tag, attributes):
        self.found.add(tag)
        assert not any(name.startswith("on") for name, _ in attributes)
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"p", "div", "tr", "summary", "li"} and "td" not in self.open[:-1]:
            self.text += "\0"
        if tag == "br":
            self.text += " "

    def handle_startendtag(self, tag, attributes):
        self.found.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in {"p", "tr", "summary"}:
            self.text += "\0"
        elif tag in {"td", "th"}:
            self.text += " | "

    def handle_data(self, data):
        if not {"svg", "style", "title"} & set(self.open):
            self.text += data.replace("\n", " ")
