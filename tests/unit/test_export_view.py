import json
from pathlib import Path

import pytest

from tests.helpers import graph, trace
from tests.unit.exports import small_trace, view
from tracer.errors import NotFound, UsageError
from tracer.graph.lines import Frame, Lines
from tracer.graph.model import Graph, TensorType, Variable
from tracer.graph.references import CONTROL
from tracer.render.graph import FORMATS, render_view
from tracer.render.graph.csv import COLUMNS
from tracer.report.export import Edge, Read, TextView, export_view


def test_a_called_functions_nodes_stand_in_the_scope_of_the_call():
    """A call's scope holds the call and what it runs, and is labelled with the function."""
    found = export_view(small_trace())

    assert [(group.name, group.label, group.parent, group.nodes) for group in found.groups] == [
        ("", "(graph)", -1, 3),
        ("f", "f (g)", 0, 2),
        ("net", "net", 1, 1),
    ]
    assert [(node.path, node.group, node.scope) for node in found.nodes] == [
        ("x", 0, ""),
        ("f", 1, "f"),
        ("f/net/scores", 2, "f/net"),
    ]


def test_a_node_says_its_line_and_the_variables_that_it_reads():
    """The line comes from inside the called function, and a variable through the nodes that are put aside."""
    scores = export_view(small_trace()).nodes[2]

    assert scores.line == Frame("train.py", 12, "call")
    assert scores.reads == (Read("w", "variable", "mlp/w:0"),)


def test_what_a_python_function_is_called_is_taken_from_its_runtime_name():
    """Scopes show `layer` for `__inference_layer_12`, and tell the function that a gradient tape made."""
    found = view(
        "a:PartitionedCall@__inference_layer_12  b:PartitionedCall@__inference___backward_layer_3_4",
        __inference_layer_12="m:Mul",
        __inference___backward_layer_3_4="m:Mul",
    )

    assert [group.label for group in found.groups] == ["(graph)", "a (layer)", "b (layer, backward)"]


def test_branches_and_bodies_keep_their_own_labels():
    """The scopes `then` and `body` say what they are, so no function's name is added."""
    found = view("c:If@then.t@else.e", t="m:Mul", e="m:Mul")

    assert [group.label for group in found.groups] == ["(graph)", "c", "then", "else"]


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("net/MatMul_3:MatMul", "MatMul"),
        ("add_1:AddV2", "AddV2"),
        ("attention:MatMul", "attention"),
        ("attention_2:MatMul", "attention_2"),
        ("m:MatMul", "m"),
        ("Placeholder_1:Placeholder", "Placeholder_1"),
    ],
)
def test_a_node_is_labelled_by_the_users_name_or_else_its_op(typed, label):
    """A name that TensorFlow made from the op says no more than the op."""
    assert view(typed).nodes[0].label == label


def test_edges_carry_what_their_port_puts_out():
    """An edge from the second output has that output's number; one to an output that is not known has no type."""
    found = view("s:Zed=float32[2]  t:Zed<-s,s:1,^s", raw=True)

    assert found.edges == (
        Edge(0, 0, 1, 0, TensorType("", (2,))),
        Edge(0, 1, 1, 1, None),
        Edge(0, CONTROL, 1, 2, None),
    )


def test_the_clean_view_tells_what_it_leaves_out():
    """Constants are read, not drawn, and listed with the reason; the raw view has everything."""
    typed = "c:Const=int32[]  i:Identity<-c  m:Neg<-i"

    assert [node.path for node in view(typed).nodes] == ["m"]
    assert view(typed).put_aside == {"c": "constant", "i": "identity"}
    assert [node.path for node in view(typed, raw=True).nodes] == ["c", "i", "m"]


def test_a_scope_brings_along_what_it_reads_from_outside():
    """The producers outside are there once, marked, with their paths as labels and without edges of their own."""
    found = view("a/x:Mul  a/y:Mul<-a/x  b/z:Mul<-a/y  b/n:Neg<-a/y,b/z", scope="b")

    assert [(node.path, node.label, node.outside) for node in found.nodes] == [
        ("b/z", "z", False),
        ("b/n", "n", False),
        ("a/y", "a/y", True),
    ]
    assert [(edge.source, edge.target) for edge in found.edges] == [(2, 0), (2, 1), (0, 1)]
    assert [group.name for group in found.groups] == ["b"]


def test_a_scope_that_is_not_there_is_not_found():
    """A wrong scope gets the closest one as a hint."""
    with pytest.raises(NotFound) as error:
        view("layer/x:Mul", scope="layr")

    assert error.value.hint == "did you mean 'layer'?"


def test_nodes_that_share_a_name_are_both_there():
    """Of two nodes with one name both are in the view, and edges come from the first."""
    found = view("a:Mul  a:Neg  b:Abs<-a", raw=True)

    assert [(node.path, node.op) for node in found.nodes] == [("a", "Mul"), ("a", "Neg"), ("b", "Abs")]
    assert [edge.source for edge in found.edges] == [0]


def test_an_optimized_node_has_the_line_of_the_traced_node_of_its_path():
    """The numbers that lowering adds to a path do not matter; a node that the optimiser made has no line."""
    lines = Lines((Frame("train.py", 3, "f"),), ((0,),), {"t": {"m": 0}})
    graphs = {"traced": graph("c:If@then.t", t="m:Mul"), "optimized": graph("c/then/_5/m:Mul  new:Mul")}
    found = export_view(trace(graphs=graphs, lines=lines), stage="optimized")

    assert [node.line for node in found.nodes] == [Frame("train.py", 3, "f"), None]


def test_a_captured_variable_is_a_node_of_the_raw_view():
    """There its placeholder has the variable's name and type."""
    captured = Variable("w:0", TensorType("float32", (2,)))
    found = export_view(trace(graphs={"traced": Graph(graph("c:Placeholder").nodes, {}, {"c": captured})}), raw=True)

    assert (found.nodes[0].label, found.nodes[0].variable) == ("w:0", captured)


def test_a_text_stage_is_for_json_alone():
    """AutoGraph's code exported as a picture is a usage error that names the stages which are graphs."""
    code = export_view(trace(graphs={"traced": graph("x:Mul"), "autograph": "def tf__f(x): ..."}), stage="autograph")

    assert isinstance(code, TextView)
    assert '"text": "def tf__f(x): ..."' in render_view(code, "json")
    for name in set(FORMATS) - {"json"}:
        with pytest.raises(UsageError) as error:
            render_view(code, name)
        assert error.value.hint == "--format json gives the text; graphs are: traced, optimized, hlo, optimized_hlo"


def test_hlo_is_exported_as_a_graph_with_the_users_lines():
    """An instruction of HLO has the source line of the node that its metadata names."""
    text = """HloModule m

ENTRY %main (x: f32[2]) -> f32[2] {
  %x = f32[2]{0} parameter(0)
  ROOT %twice = f32[2]{0} add(%x, %x), metadata={op_type="AddV2" op_name="net/add"}
}
"""
    lines = Lines((Frame("/home/me/net.py", 7, "call"),), ((0,),), {"": {"net/add": 0}})
    recorded = trace(graphs={"traced": graph("x:Placeholder  net/add:AddV2<-x,x"), "hlo": text}, lines=lines)
    view = export_view(recorded, stage="hlo")

    assert [(node.path, node.op, node.line) for node in view.nodes] == [
        ("x", "parameter", None),
        ("twice", "add", Frame("/home/me/net.py", 7, "call")),
    ]


def test_an_unknown_format_gets_the_closest_one():
    """`--format dto` is answered with `dot`."""
    with pytest.raises(UsageError) as error:
        render_view(view("x:Mul"), "dto")

    assert error.value.hint == "did you mean 'dot'?"


def test_the_page_on_export_names_every_format_key_and_column():
    """docs/export.md has a row for each format, and tells each key of JSON and each column of CSV."""
    page = (Path(__file__).parents[2] / "docs/export.md").read_text(encoding="utf-8")

    for entry in FORMATS.values():
        assert f"| `{entry.name}` | `{entry.suffix}` |" in page
    written = json.loads(render_view(export_view(small_trace()), "json"))
    keys = {*written, *(key for part in ("scopes", "nodes", "edges", "put_aside") for key in written[part][0])}
    assert [key for key in (*sorted(keys), *COLUMNS) if f"`{key}`" not in page and f"`{key}[]`" not in page] == []
