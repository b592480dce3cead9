"""GraphDef bytes to graphs."""

import struct

from tests.helpers import graph, graph_def
from tracer.graph.inline import inline
from tracer.graph.model import Body
from tracer.store.graph_def import read_graph


def parsed(message):
    """Returns the graph that is read from the bytes of a message."""
    return read_graph(message.SerializeToString(), "graph.pb")


def test_a_graph_def_becomes_plain_values():
    """Nodes, inputs, control inputs and the functions of the library are read as they are written."""
    text = "a/x:Mul  a/y:Add<-a/x:1,^a/x"

    assert parsed(graph_def(text, g="z:Relu<-a")) == graph(text, g="z:Relu<-a")


def test_the_device_of_a_node_is_kept():
    """A node says where it was placed."""
    message = graph_def("x:Mul")
    message.node[0].device = "/device:GPU:0"

    assert parsed(message).nodes[0].device == "/device:GPU:0"


def test_branches_and_loops_are_labelled_as_tensorflow_lowers_them():
    """Function attributes become the scopes that executed names have."""
    message = graph_def(
        "i:If@then_branch.f@else_branch.g  w:StatelessWhile@cond.f@body.g  c:StatefulPartitionedCall@f",
        f="x:Relu",
        g="y:Tanh",
    )

    assert {node.name: node.bodies for node in parsed(message).nodes} == {
        "i": (Body("then", "f"), Body("else", "g")),
        "w": (Body("cond", "f"), Body("body", "g")),
        "c": (Body("", "f"),),
    }


def test_the_branches_of_a_case_are_numbered():
    """A `Case` holds a list of functions; TensorFlow executes them as `branch0`, `branch1`."""
    message = graph_def("s:StatelessCase@branches[].f@branches[].g", f="x:Relu", g="y:Tanh")

    assert inline(parsed(message)).nodes.names == ["s", "s/branch0/x", "s/branch1/y"]


def test_another_attribute_that_is_a_function_is_its_own_label():
    """An op that runs a function in its own way (`MapDataset`) shows it under the attribute's name."""
    message = graph_def("d:ReduceDataset@reduce_func.f", f="x:Relu")

    assert inline(parsed(message)).nodes.names == ["d", "d/reduce_func/x"]


def test_an_empty_function_attribute_is_no_body():
    """An op may leave its function attribute empty (`gradient_op` of XLA's ops): it runs nothing."""
    message = graph_def("x:Custom")
    message.node[0].attr["gradient"].func.name = ""

    assert parsed(message).nodes[0].bodies == ()


def constant(**fields):
    """Returns the constant that is read from a Const whose tensor has these fields."""
    message = graph_def("c:Const")
    tensor = message.node[0].attr["value"].tensor
    for dim in fields.pop("shape", ()):
        tensor.tensor_shape.dim.add(size=dim)
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(tensor, name).extend(value)
        else:
            setattr(tensor, name, value)
    return parsed(message).nodes[0].attributes["value"]


def test_a_small_constant_has_its_values():
    """Values are read from the fields as from the packed content."""
    assert constant(dtype=1, float_val=[1.5, 2.5], shape=[2]).values == (1.5, 2.5)
    assert constant(dtype=3, tensor_content=struct.pack("<3i", 4, 5, 6), shape=[3]).values == (4, 5, 6)
    assert constant(dtype=7, string_val=[b"a\xff"]).values == ("a\\xff",)


def test_equal_values_are_one_that_stands_for_all():
    """A constant that repeats one value reads the same however it was written."""
    packed = constant(dtype=3, tensor_content=struct.pack("<4i", 7, 7, 7, 7), shape=[4])

    assert packed.values == constant(dtype=3, int_val=[7], shape=[4]).values == (7,)


def test_values_that_are_not_written_are_zero():
    """Protobuf leaves zeros out; a tensor without elements has no values."""
    assert constant(dtype=1, shape=[3]).values == (0.0,)
    assert constant(dtype=10).values == (False,)
    assert constant(dtype=3, shape=[0]).values == ()


def test_a_large_constant_has_its_type_only():
    """What a constant of many values holds is not kept; its type, shape and size are."""
    large = constant(dtype=3, tensor_content=struct.pack("<20i", *range(20)), shape=[20])

    assert (large.dtype, large.shape, large.nbytes > 80, large.values) == ("int32", (20,), True, None)
