from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import graph
from tracer.graph.model import Kind, TensorType
from tracer.graph.sizes import elements, output_bytes, tensor_bytes, variable_bytes


def test_a_scalar_has_one_element():
    """An empty shape is a scalar's, and not that of nothing."""
    assert [elements(()), elements((2, 3)), elements((2, 0))] == [1, 6, 0]


def test_what_is_not_known_is_not_a_size():
    """A shape with an unknown size, and one of unknown rank, have no number of elements."""
    assert elements((2, None)) is None
    assert elements(None) is None


def test_bytes_are_elements_times_the_bytes_of_one():
    """Each dtype counts with its own size."""
    types = [TensorType(dtype, (2, 3)) for dtype in ("float32", "bfloat16", "int64", "bool", "float32_ref")]

    assert [tensor_bytes(type_) for type_ in types] == [24, 12, 48, 6, 24]


def test_elements_without_a_fixed_size_have_no_bytes():
    """Texts, handles and unknown dtypes are not taken as 0 bytes."""
    assert [tensor_bytes(TensorType(dtype, ())) for dtype in ("string", "variant", "")] == [None] * 3


def test_a_variable_takes_the_bytes_of_its_value():
    """64 by 10 floats are 2,560 bytes."""
    assert variable_bytes(TensorType("float32", (64, 10))) == 2560


def test_a_node_takes_the_bytes_of_all_outputs():
    """The outputs of a split are added."""
    kind = Kind("Split", {"T": "float32", "num_split": 2, "_output_shapes": ((2, 3), (2, 5))})

    assert output_bytes(kind) == 4 * (6 + 10)


def test_one_unknown_output_makes_the_node_unknown():
    """A sum that leaves one out would be too small."""
    kind = Kind("Split", {"T": "float32", "num_split": 2, "_output_shapes": ((2, 3), (2, None))})

    assert output_bytes(kind) is None


def test_a_node_without_outputs_takes_nothing():
    """A NoOp is known to have none; of a custom op nothing is known."""
    assert output_bytes(graph("a:NoOp").nodes[0].kind) == 0
    assert output_bytes(graph("a:MyOwnOp").nodes[0].kind) is None


@given(st.lists(st.integers(0, 9), max_size=4))
def test_an_unknown_size_anywhere_is_unknown_everywhere(shape):
    """Whatever else is known of a shape, one size that is not makes its elements unknown."""
    assert elements((*shape, None)) is None
    assert elements((None, *shape)) is None


def test_a_handle_holds_no_data():
    """A resource is a handle, whatever its shape: the variable behind it is no output."""
    assert tensor_bytes(TensorType("resource", ())) == 0
    assert tensor_bytes(TensorType("resource", None)) == 0
