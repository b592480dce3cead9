import json

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exports import HOSTILE, chain, small_trace, view
from tracer.render.graph import render_view
from tracer.report.export import export_view


def test_the_collection_of_a_small_graph():
    """Scopes are namespaces with the function's name, outputs have shapes, attributes tell line and variable."""
    found = json.loads(render_view(export_view(small_trace()), "model-explorer"))

    typed = {"T": "float32", "dtype": "float32"}
    assert found["label"] == "step"
    (graph,) = found["graphs"]
    assert graph.pop("nodes") == [
        _node("x", "x", "", {"op": "Placeholder", "path": "x", **typed}, (), "float32[8, ?]"),
        _node(
            "f",
            "f",
            "f (g)",
            {"op": "PartitionedCall", "path": "f", "runs": "g", **typed},
            ("f/net/scores",),
            "[8, 16]",
        ),
        _node(
            "f/net/scores",
            "scores",
            "f (g)/net",
            {
                "op": "MatMul",
                "path": "f/net/scores",
                "source": "train.py:12 in call",
                "reads": "variable mlp/w:0",
                **typed,
            },
            ("x",),
            "float32[8, 16]",
        ),
    ]
    assert graph == {
        "id": "step (traced)",
        "nodeLabelsToHide": [],
        "groupNodeAttributes": {"": {"function": "step", "stage": "traced"}, "f (g)": {"function": "g"}},
    }


def test_a_control_edge_comes_from_no_output():
    """It has an output of its own name, so no shape is shown on it."""
    (graph,) = json.loads(render_view(view("a:Mul  b:Mul<-^a", raw=True), "model-explorer"))["graphs"]

    assert graph["nodes"][1]["incomingEdges"] == [
        {"sourceNodeId": "a", "sourceNodeOutputId": "control", "targetNodeInputId": "0"}
    ]


def test_nodes_of_one_name_have_ids_of_their_own():
    """The second of two nodes gets a number behind its path, also where that name is taken."""
    (graph,) = json.loads(render_view(chain(["a", "a (2)", "a"]), "model-explorer"))["graphs"]

    assert [node["id"] for node in graph["nodes"]] == ["a", "a (2)", "a (3)"]


def test_namespaces_hold_nothing_that_the_web_app_would_split_or_drop():
    r"""`;` and `\/` mean something there, and empty parts are dropped from some of its ids, not from all."""
    (graph,) = json.loads(render_view(chain(["a;b/c", "e\\/f", "a//b"]), "model-explorer"))["graphs"]

    assert [node["namespace"] for node in graph["nodes"]] == ["a,b", "e\u2216", "a/(empty)"]


def test_hostile_names_are_nodes_of_their_own():
    """As many ids as nodes, all strings, and every edge ends at one of them."""
    _check(HOSTILE)


@given(st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=8))
def test_any_names_are_nodes_of_their_own(names):
    """As many ids as nodes, and every edge ends at one of them."""
    _check(names)


def _check(names):
    text = render_view(chain(names), "model-explorer")
    assert text.isascii()
    (graph,) = json.loads(text)["graphs"]
    ids = {node["id"] for node in graph["nodes"]}
    assert len(ids) == len(names)
    assert "" not in ids
    for node in graph["nodes"]:
        assert {edge["sourceNodeId"] for edge in node["incomingEdges"]} <= ids
        assert all(part for part in node["namespace"].split("/")) or not node["namespace"]


def _node(name, label, namespace, attributes, inputs, shape):
    return {
        "id": name,
        "label": label,
        "namespace": namespace,
        "attrs": [{"key": key, "value": value} for key, value in attributes.items()],
        "incomingEdges": [
            {"sourceNodeId": source, "sourceNodeOutputId": "0", "targetNodeInputId": str(number)}
            for number, source in enumerate(inputs)
        ],
        "outputsMetadata": [{"id": "0", "attrs": [{"key": "tensor_shape", "value": shape}]}],
    }
