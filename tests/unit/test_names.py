import pytest

from tracer.graph.ops import dtype_name, output_types
from tracer.graph.references import port_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("1", 1),
        ("999999999", 999_999_999),
        ("1" * 10, 0),
        ("9" * 5_000, 0),
        ("", 0),
        ("-1", 0),
        ("z", 0),
        ("٣", 0),
    ],
)
def test_the_number_of_an_output_is_a_small_one(text, number):
    """What no output has as its number counts as the first: nothing else can be meant."""
    assert port_number(text) == number


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "float32"),
        (101, "float32_ref"),
        (0, ""),
        (9999, "dtype9999"),
        (2**31 - 1, "dtype2147483647"),
        (-5, "dtype-5"),
    ],
)
def test_a_dtype_that_is_not_known_is_its_number(number, name):
    """Only a known dtype has references."""
    assert dtype_name(number) == name


def test_attributes_of_other_types_are_unknown_types():
    """A damaged file may have a number for a dtype, texts for shapes, and ask for more outputs than memory holds."""
    assert output_types("Relu", {"T": 7, "_output_shapes": ("a", (2,))}) == [("", None), ("", (2,))]
    assert output_types("Split", {"T": "float32", "num_split": 2**62}) == []
    assert output_types("IdentityN", {"T": ((2,), "int32")}) == [("", None), ("int32", None)]
