import json

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import graph, trace
from tests.timed import recorded_step
from tests.unit.exports import HOSTILE, chain, small_trace
from tests.unit.profile_exports import timed
from tracer.graph.model import FunctionName, Graph, Kind, Node, Nodes, Tensor
from tracer.render.graph import render_view
from tracer.report.export import export_view
from tracer.timing.timing import read_timing
from tracer.version import __version__


def test_the_object_of_a_small_graph():
    """Every key of the format is there, and what is not known is null."""
    found = json.loads(render_view(export_view(small_trace()), "json"))

    typed = {"T": "float32", "dtype": "float32"}
    nothing = {"device": "", "source": None, "variable": None, "reads": [], "functions": [], "not_followed": None}
    nothing["cost"] = None
    assert found == {
        "format": 1,
        "version": __version__,
        "trace": "000-step",
        "function": {
            "name": "step",
            "qualname": "",
            "runtime_name": "__inference_step_0",
            "signature": "",
            "kind": "inference",
        },
        "stage": "traced",
        "scope": "",
        "raw": False,
        "profile": None,
        "scopes": [
            {"id": 0, "name": "", "label": "(graph)", "parent": None, "depth": 0, "nodes": 3, "function": None},
            {"id": 1, "name": "f", "label": "f (g)", "parent": 0, "depth": 1, "nodes": 2, "function": "g"},
            {"id": 2, "name": "net", "label": "net", "parent": 1, "depth": 2, "nodes": 1, "function": None},
        ],
        "nodes": [
            {
                **nothing,
                "id": 0,
                "path": "x",
                "op": "Placeholder",
                "label": "x",
                "scope_id": 0,
                "scope": "",
                "inputs": [],
                "attributes": typed,
                "outside": False,
                "outputs": [{"dtype": "float32", "shape": [8, None]}],
            },
            {
                **nothing,
                "id": 1,
                "path": "f",
                "op": "PartitionedCall",
                "label": "f",
                "scope_id": 1,
                "scope": "f",
                "inputs": ["f/net/scores"],
                "attributes": typed,
                "functions": ["g"],
                "outside": False,
                "outputs": [{"dtype": None, "shape": [8, 16]}],
            },
            {
                **nothing,
                "id": 2,
                "path": "f/net/scores",
                "op": "MatMul",
                "label": "scores",
                "scope_id": 2,
                "scope": "f/net",
                "inputs": ["x"],
                "attributes": typed,
                "outside": False,
                "outputs": [{"dtype": "float32", "shape": [8, 16]}],
                "source": {"file": "train.py", "line": 12, "function": "call"},
                "reads": [{"path": "w", "kind": "variable", "text": "mlp/w:0"}],
            },
        ],
        "edges": [
            {
                "source": 2,
                "source_output": 0,
                "target": 1,
                "target_input": 0,
                "control": False,
                "dtype": "float32",
                "shape": [8, 16],
            },
            {
                "source": 0,
                "source_output": 0,
                "target": 2,
                "target_input": 0,
                "control": False,
                "dtype": "float32",
                "shape": [8, None],
            },
        ],
        "put_aside": [
            {"path": "f/net/read", "reason": "read of a variable"},
            {"path": "w", "reason": "variable"},
        ],
    }


def test_nodes_that_were_executed_have_their_costs():
    """A node tells what it took, null if it was not executed; the window and the coverage are told once."""
    found = json.loads(render_view(export_view(recorded_step(), timing=read_timing(timed())), "json"))

    costs = {"total_ns": 40, "allocated_bytes": 0, "phase": "forward", "module": "net"}
    assert [node["cost"] for node in found["nodes"]][:2] == [None, {"calls": 2, "self_ns": 40, **costs}]
    assert (found["profile"]["window"]["steps"], found["profile"]["window"]["wall_ns"]) == (2, 1000)
    assert found["profile"]["coverage"] == {"nodes": 0.8, "time": 1 - 7 / 57}
    assert found["profile"]["warnings"] == []


def test_instructions_of_hlo_have_no_costs():
    """Times are those of nodes: an instruction may have the name of one, and is another thing."""
    hlo = "HloModule f\n\nENTRY main {\n  x = f32[2]{0} parameter(0)\n  ROOT mul = f32[2]{0} multiply(x, x)\n}\n"
    step = recorded_step(graphs={"traced": graph("mul:Mul"), "optimized_hlo": hlo})
    found = json.loads(render_view(export_view(step, stage="optimized_hlo", timing=read_timing(timed())), "json"))

    assert (found["profile"], [node["cost"] for node in found["nodes"]]) == (None, [None, None])


def test_attributes_of_every_kind_are_plain_json():
    """Functions and constants are objects; numbers that JSON has no word for are texts."""
    attributes = {
        "f": FunctionName("g"),
        "inf": float("inf"),
        "value": Tensor("float32", (2,), 8, (float("nan"), 1.5)),
        "list": (1, (None, 2)),
        "flag": True,
    }
    node = Node("n", Kind("Zed", attributes), (), "")
    found = json.loads(_strict(render_view(export_view(trace(graphs={"traced": Graph(Nodes.of([node]))})), "json")))

    assert found["nodes"][0]["attributes"] == {
        "f": {"function": "g"},
        "inf": "inf",
        "value": {"dtype": "float32", "shape": [2], "bytes": 8, "values": ["nan", 1.5]},
        "list": [1, [None, 2]],
        "flag": True,
    }


def test_hostile_names_come_back_as_they_were():
    """Names with anything in them are escaped, and read back equal."""
    found = json.loads(render_view(chain(HOSTILE), "json"))

    assert [node["path"] for node in found["nodes"]] == list(HOSTILE)


@given(st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=8))
def test_any_names_come_back_as_they_were(names):
    """Half surrogate pairs and control characters too, in a file that is plain ASCII."""
    text = render_view(chain(names), "json")

    assert text.isascii()
    assert [node["path"] for node in json.loads(_strict(text))["nodes"]] == names


def _strict(text):
    """Returns the text, if no number in it is one that only Python reads."""
    json.loads(text, parse_constant=lambda word: (_ for _ in ()).throw(AssertionError(word)))
    return text
