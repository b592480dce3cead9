"""What `show` chooses to show, and what its rows say."""

import pytest

from tests.helpers import graph, run, trace
from tests.timed import timed
from tracer.errors import NotFound, Unreadable, UsageError
from tracer.graph.inline import inline
from tracer.profile.attribute import NodeTime
from tracer.render.text import Style
from tracer.render.text.columns import COLUMNS, columns, view_of, with_room
from tracer.render.text.show import show
from tracer.report.outputs import Output
from tracer.report.scopes import scope_rows
from tracer.report.show import chosen_trace, show_report
from tracer.store.foreign.keras_json import keras_graph


def called(name, index, nodes, **facts):
    """Returns a trace of so many nodes that the program called."""
    whole = graph("  ".join(f"n{number}:Neg" for number in range(nodes)))
    return trace(name, index, graphs={"traced": whole}, **facts)


def _damaged(_, __):
    raise Unreadable("graph.pb is cut off", hint="record it again")


@pytest.mark.parametrize(
    ("traces", "shown"),
    [
        ([called("helper", 0, 1), called("step", 1, 5)], "step"),  # called first is not what the author means
        ([called("step", 0, 5), called("inner", 1, 9, calls=0)], "step"),  # inner only was traced inside of it
        ([called("step", 0, 5), called("init", 1, 9, origin="tensorflow")], "step"),
        ([called("init", 0, 9, origin="tensorflow")], "init"),
        ([called("f", 0, 5), called("g", 1, 5)], "f"),
        ([called("f", 0, 5, calls=None), called("g", 1, 9, calls=None)], "f"),  # what another tool left
        ([called("f", 0, 5), trace("g", 1, graphs={"traced": None}, _read=_damaged)], "f"),
        ([called("f", 0, 2), called("f", 1, 1), called("g", 2, 3)], "g"),
    ],
)
def test_the_largest_function_that_was_called_is_shown(traces, shown):
    """Without a name `show` and `export` take the function that the program called and that has the most nodes."""
    recorded = run(*traces)

    assert show_report(recorded).shown_name == shown
    assert chosen_trace(recorded).name == shown


def test_what_is_shown_does_not_hang_on_how_much_is_listed():
    """A short list of functions leaves out the one that is shown, and shows it."""
    report = show_report(run(called("helper", 0, 1), called("step", 1, 5)), top=1)

    assert ([row.name for row in report.functions.items], report.shown_name) == (["helper"], "step")


def test_each_graph_is_read_once_to_be_counted():
    """Counting for the list and for the choice is one."""
    read = []
    whole = graph("x:Neg")

    def read_one(identity, _):
        read.append(identity)
        return whole

    traces = [trace(name, index, graphs={"traced": None}, _read=read_one) for index, name in enumerate("fg")]
    show_report(run(*traces), stage="traced", top=0)

    assert read.count("001-g") == 2  # counted, and looked through for findings; `f` is shown too
    assert read.count("000-f") == 3


def rows(*paths, **options):
    """Returns the folded rows of nodes `path=shape`, each of which is a result."""
    nodes = "  ".join(path.replace("=", ":Neg=float32") for path in paths)
    found = scope_rows(inline(graph(nodes)), **options).folded
    return [found.row(at) for at in range(len(found.depths))]


def labels(*paths):
    """Returns label, short label, number and number of look-alikes of each row below the first."""
    return [(row.label, row.pattern, row.scopes, row.among) for row in rows(*paths)[1:]]


def test_a_row_of_blocks_in_a_row_is_short_a_range():
    """Where the members have all numbers from the first to the last, up or down, the short label says which."""
    up, down = ([f"b{n}_x/y=[1]" for n in numbers] for numbers in (range(9, 13), range(4, 0, -1)))

    assert labels(*up) == [("b9_x ... b12_x", "b9..12_x", 4, 4)]
    assert labels(*down) == [("b4_x ... b1_x", "b4..1_x", 4, 4)]


def test_a_row_of_blocks_with_gaps_is_short_a_pattern():
    """Numbers that are left out, and a first name without one, are no range."""
    assert labels(*(f"b{n}/x=[1]" for n in (1, 3, 6, 13))) == [("b1 ... b13", "b*", 4, 4)]
    assert labels(*(f"{name}/x=[1]" for name in ("d", "d_1", "d_2", "d_3"))) == [("d ... d_3", "d*", 4, 4)]
    assert labels(*(f"b{'9' * 5000}{n}/x=[1]" for n in range(4)))[0][1] == "b*"


def test_a_row_says_where_a_sibling_of_such_a_name_is_not_in_it():
    """From s0 to s4 there are five scopes, of which the row is four."""
    members = [f"s{n}/x=[1]" for n in range(5)]

    assert labels(*members[:3], "s3/odd/x=[1]", members[4]) == [("s0 ... s4", "s*", 4, 5), ("s3/odd", "", 1, 1)]


def test_a_group_within_a_group_counts_all():
    """Five blocks of three and one odd layer: each row within them counts for all five."""
    paths = [f"b{block}/l{layer}/x=[1]" for block in range(4) for layer in (0, 1, 3, 4)]
    odd = [f"b{block}/l2/x/y=[1]" for block in range(4)]
    order = [path for block in range(4) for path in (*paths[block * 4 : block * 4 + 2], odd[block])]
    order += [path for block in range(4) for path in paths[block * 4 + 2 : block * 4 + 4]]

    assert labels(*order)[1:] == [("l0 ... l4", "l*", 16, 20), ("l2/x", "", 4, 4)]


def test_the_output_of_several_scopes_is_the_range_over_them():
    """Each dimension has its least and its most; what differs in rank or type is told as such."""
    alike = rows("b0/x=[2,3]", "b1/x=[2,9]", "b2/x=[2,4]", "b3/x=[2,5]")[1]
    unknown = rows("b0/x=[2,?]", "b1/x=[2,9]", "b2/x=[2,4]", "b3/x=[2,5]")[1]
    ranks = rows("b0/x=[2]", "b1/x=[2,9]", "b2/x=[2,4]", "b3/x=[2,5]")[1]

    assert alike.output == Output("float32", ((2, 2), (3, 9)), (0, 0))
    assert unknown.output == Output("float32", ((2, 2), (None, None)), (0, 0))
    assert ranks.output == Output("float32", None, (0, 0), various=True)


@pytest.mark.parametrize(
    ("output", "wide", "narrow"),
    [
        (Output("float32", ((2, 2), (3, 48)), (0, 0)), "float32[2, 3..48]", "float32[2, *]"),
        (Output("float32", ((None, None),), (1, 4)), "float32[?] +1..4", "float32[?] +1..4"),
        (Output("int64", (), (2, 2)), "int64[] +2", "int64[] +2"),
        (Output("int64", None, (0, 0)), "int64[...]", "int64[...]"),
        (Output("int64", None, (0, 0), various=True), "int64[various]", "int64[various]"),
        (Output("", None, (0, 0)), "", ""),
        (None, "", ""),
    ],
)
def test_an_output_reads_in_a_wide_and_in_a_narrow_page(output, wide, narrow):
    """A narrow page shows only that a dimension differs."""
    import dataclasses

    [row] = rows("x=[1]")
    cell = next(column.cell for column in COLUMNS if column.header == "output")
    changed = dataclasses.replace(row, output=output)

    assert [cell(changed, view_of([], width)) for width in (200, 80)] == [wide, narrow]


def test_a_narrow_page_names_the_usual_type_once():
    """Rows of another type name it."""
    page = show(show_report(run(trace(graphs={"traced": graph(TYPES)}))), Style(width=60))

    assert page.split("\n\n")[2].split("\n")[2:] == [
        "(all)                3   [2] +2         7",
        "├─ a                 1   [2]            2   Neg",
        "├─ b                 1   [3]            3   Neg",
        "└─ c                 1   int32[2]       2   Neg",
        "output: float32, where no other type stands",
    ]


TYPES = "a/x:Neg=float32[2]  b/x:Neg=float32[3]  c/x:Neg=int32[2]"


def test_a_column_without_anything_to_say_is_left_out():
    """Nor are columns there that a narrow page has no room for."""
    found = rows("a/x=[2]")

    assert [column.header for column, _ in columns(found, view_of(found, 200))] == ["nodes", "output", "bytes", "FLOPs"]
    assert [column.header for column, _ in columns(found, view_of(found, 80))] == ["nodes", "output", "FLOPs"]


def test_the_column_that_scopes_are_sorted_by_is_there():
    """A narrow page has it too, and one of any width has calls where they make the order."""
    time = NodeTime("000-step", "a/x", "CPU", -1, 3, 5, 5, 64, (), shared=False, peak_bytes=2048, held_bytes=1024)
    found = scope_rows(inline(graph("a/x:Neg=float32[2]")), times=[time]).folded
    read = [found.row(at) for at in range(2)]

    def added(sort, width):
        heads = [[column.header for column, _ in columns(read, view_of(read, width, sort=each))] for each in (sort, "")]
        return [head for head in heads[0] if head not in heads[1]]

    assert [added(sort, 80) for sort in ("self", "total", "calls", "bytes", "peak", "held")] == [
        [],
        [],
        ["calls"],
        ["allocated"],
        ["peak"],
        ["at peak"],
    ]
    assert [added(sort, 200) for sort in ("calls", "bytes", "peak", "held")] == [["calls"], [], [], []]


def test_the_page_is_sorted_as_it_was_asked_for():
    """The report keeps the order, for the page to have its column."""
    page = show(show_report(timed(), sort="calls"), Style(width=80))

    assert "calls" in next(line for line in page.splitlines() if line.startswith("scopes of step")).split()


def test_ops_that_do_not_fit_are_counted():
    """A narrow page has whole names of ops, the most frequent first, and the number of others."""
    whole = graph("a/x:Neg a/y:Neg<-a/x a/z:AddV2<-a/y a/k:Const a/w:MatMul<-a/z,a/k  a/v:Softmax<-a/w  a/u:Relu<-a/v")
    report = show_report(run(trace(graphs={"traced": whole})))
    pages = [show(report, Style(width=width)).split("\n") for width in (90, 75, 70, 54, 48)]
    ops = [next(line for line in page if line.startswith("└─ a")).partition("?")[2].strip() for page in pages]

    assert ops == [
        "Neg x2, AddV2, MatMul, Relu, Softmax  (1 constant)",
        "Neg x2, AddV2, MatMul, Relu, Softmax  (…)",
        "Neg x2, AddV2, MatMul, Relu +1",
        "Neg x2, AddV2, MatMul +2",
        "Neg x2, AddV2 +3",
    ]


def test_names_cut_in_a_narrow_page_stay_different():
    """Names of one parent that have their beginnings in common, and their ends, keep what tells them apart."""
    nodes = " ".join(
        f"net/{name}_of_a_long_row_BN/x:Neg=float32[2]" for name in ("block_of_the_1st", "block_of_the_2nd")
    )
    ends = " ".join(f"net/block_of_a_row_{name}_of_a_row_BN/x:Neg=float32[2]" for name in ("up", "down"))
    pages = [show(show_report(run(trace(graphs={"traced": graph(each)}))), Style(width=50)) for each in (nodes, ends)]

    assert [[line[3:28].rstrip() for line in page.split("\n")[11:13]] for page in pages] == [
        ["├─ block_of_the_1st…ow_BN", "└─ block_of_the_2nd…ow_BN"],
        ["├─ block_…_up_of_a_row_BN", "└─ block_…own_of_a_row_BN"],
    ]


def test_names_have_a_length_in_a_pipe_too():
    """All rows are as wide as the widest, so a name of thousands of characters is cut."""
    page = show(show_report(run(trace(graphs={"traced": graph(f"{'s/' * 5000}x:Neg")}))), Style())

    assert max(map(len, page.split("\n"))) < 160
    assert f"└─ {'s/' * 30}…{'s/' * 29}s " in page


def test_numbers_give_way_to_names():
    """In a narrow page first the share of the time goes, then the number of nodes, and the time stays."""
    nodes = [NodeTime("000-step", "a_rather_long_name_of_a_layer/x", "CPU", -1, 1, 5, 5, 0, (), shared=False)]
    whole = inline(graph("a_rather_long_name_of_a_layer/x:Neg=float32[2,16,16,128]"))
    found = scope_rows(whole, times=nodes).folded
    read = [found.row(at) for at in range(2)]

    def heads(width):
        view = view_of(read, width)
        return [column.header for column, _ in with_room(columns(read, view), view, 32)]

    assert [heads(width) for width in (78, 77, 66)] == [
        ["time", "%", "nodes", "output", "FLOPs"],
        ["time", "nodes", "output", "FLOPs"],
        ["time", "output", "FLOPs"],
    ]


def test_what_computes_stands_first_among_the_ops():
    """Arguments, results and constants follow, however many they are, and none is lost."""
    whole = inline(graph("x:Placeholder y:Placeholder m:MatMul<-x,y k:Const r:Identity<-m s:Identity<-m"))

    assert scope_rows(whole).folded.row(0).ops == (("MatMul", 1), ("Identity", 2), ("Placeholder", 2), ("Const", 1))
    assert scope_rows(whole, raw=True).folded.row(0).ops[0] == ("MatMul", 1)


def test_below_a_loop_its_own_name_is_not_repeated():
    """The label of a body is `body`; its path is whole."""
    body = "(a) net/while/add:Add<-a net/while/cell/mul:Mul<-a ->net/while/add:z:0"
    found = scope_rows(inline(graph("net/while:While@body.b<-x x:Placeholder", b=body))).folded
    read = [found.row(at) for at in range(len(found.depths))]

    assert [(row.label, row.path) for row in read] == [
        ("(all)", ""),
        ("net/while", "net/while"),
        ("body", "net/while/body/net/while"),
        ("cell", "net/while/body/net/while/cell"),
    ]


def test_what_stands_for_elements_of_a_dataset_is_not_counted():
    """No graph holds it: the tree has as many nodes as the table, and its ops are those that there are."""
    nodes = graph("r:RangeDataset m:MapDataset@f.g<-r", g="(a,b) y:Mul<-a,b ->y:z:0")
    report = show_report(run(trace(graphs={"traced": nodes})))

    assert (report.shown.nodes, [(row.nodes, row.ops) for row in report.tree.items]) == (
        3,
        [(3, (("RangeDataset", 1),)), (2, (("MapDataset", 1),)), (1, (("Mul", 1),))],
    )


def test_layers_are_not_blamed_for_having_no_flops():
    """A graph of a model's layers has neither a column for them nor a note that they are not known."""
    layers = b'{"config": {"layers": [{"class_name": "Dense", "config": {"name": "a", "units": 8}}]}}'
    page = show(show_report(run(trace(graphs={"traced": keras_graph(layers, "model.json")}))), Style())

    assert page.split("\n\n")[2].split("\n")[::2] == [
        "scopes of step   nodes   ops",
        "(all)                1   Dense",
    ]


def test_what_tensorflow_would_not_import_is_told():
    """Names that occur twice and cycles are noted of a file from elsewhere; of ours nobody looks for them."""
    nodes = graph("a:Add<-b b:Neg<-a c:Relu c:Relu")
    pages = [
        show(show_report(run(trace(graphs={"traced": nodes}), host=host)), Style()) for host in ({"name": "here"}, {})
    ]

    notes = [[line for line in page.split("\n") if "edges" in line] for page in pages]
    assert notes == [
        [],
        [
            "several nodes have one name, of which edges mean the first: c x2",
            "edges form a cycle, which no run can enter: b -> a -> b",
        ],
    ]


def test_one_function_is_shown_without_the_others():
    """Who asks for a function, or a scope, is not told again which others there are; `--json` tells it always."""
    recorded = run(called("f", 0, 1), called("g", 1, 2))
    asked = show_report(recorded, function="f")

    listed = [
        [line.split()[0] for line in show(report, Style()).split("\n\n")[1].split("\n")[2:]]
        for report in (show_report(recorded), asked, show_report(recorded, function="g", scope=""))
    ]
    assert listed == [["f", "g"], ["f"], ["g"]]
    assert [row.name for row in asked.functions.items] == ["f", "g"]


def test_a_name_too_long_for_the_page_keeps_both_ends():
    """Where names and numbers leave no room the ops go, and the middle of names."""
    whole = graph("a_rather_long_name_of_a_layer_that_goes_on/x:Neg=float32[2]  b/x:Neg=float32[3]")
    page = show(show_report(run(trace(graphs={"traced": whole}))), Style(width=40))

    assert "├─ a_rather_lo…at_goes_on  [2]         2\n" in page
    assert all(len(line) <= 40 for line in page.split("\n")[6:9])


def test_a_stage_or_a_trace_that_is_not_there_is_not_shown():
    """The hint says which there are."""
    with pytest.raises(NotFound, match="no stage named 'optimised'") as stage:
        show_report(run(called("f", 0, 1)), stage="optimised")
    with pytest.raises(NotFound, match="has no trace number '3'") as number:
        show_report(run(called("f", 0, 1)), function="f#3")

    assert stage.value.hint == "did you mean 'optimized' or 'optimized_hlo'?"
    assert number.value.hint == "its traces are 1 to 1"


@pytest.mark.parametrize("option", [{"scope": "net"}, {"depth": 2}, {"raw": True}, {"sort": "self"}])
def test_a_text_is_shown_without_what_only_graphs_have(option):
    """All such options are refused alike; of HLO there is a graph, which can be exported."""
    traces = run(trace(graphs={"traced": graph("x:Neg"), "hlo": "HloModule m"}))
    with pytest.raises(UsageError) as caught:
        show_report(traces, stage="hlo", **option)

    assert caught.value.message == f"the stage 'hlo' is shown as a text, without --{next(iter(option))}"
    assert caught.value.hint == "graphs: traced, optimized; and as a graph: trace-scenario export --stage hlo"
    assert show_report(traces, stage="hlo").text == "HloModule m"
