import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 us"),
        (12_345, "12.3 us"),
        (999_499, "999 us"),
        (999_500, "1.00 ms"),
        (123_456_789, "123 ms"),
        (1_500_000_000, "1.50 s"),
        (-2_500, "-2.50 us"),
    ],
)
def test_a_duration_has_three_digits_and_its_unit(value, shown):
    """A duration is shown in the largest unit that leaves something before the point."""
    assert text.nanoseconds(value) == shown


@given(st.integers(1, 999 * 10**9))
def test_no_duration_needs_four_digits(value):
    """A number of nanoseconds up to 999 s never shows as 1000 of a unit."""
    assert float(text.nanoseconds(value).split()[0]) < 1000


@pytest.mark.parametrize(("value", "shown"), [(None, "-"), (0.0000015, "1.50 us"), (2.0, "2.00 s")])
def test_seconds_are_shown_as_any_duration(value, shown):
    """A duration in seconds takes the unit that fits it."""
    assert text.seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (5 << 20, "5.00 MiB"), (3 << 40, "3.00 TiB")],
)
def test_a_size_is_in_binary_units(value, shown):
    """A size in bytes is shown in units of 1024."""
    assert text.byte_size(value) == shown


def test_counts_have_thousands_apart():
    """A large count is grouped by thousands."""
    assert text.count(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("number", "words", "shown"),
    [
        (1, ("node",), "1 node"),
        (0, ("node",), "0 nodes"),
        (2000, ("node",), "2,000 nodes"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_a_noun_follows_its_number(number, words, shown):
    """Only one of something is singular; an irregular plural is given."""
    assert text.plural(number, *words) == shown


@pytest.mark.parametrize(
    ("dims", "shown"), [(None, "[...]"), ((), "[]"), ((2, 3), "[2, 3]"), ((None, 3), "[?, 3]"), ((-1, 3), "[?, 3]")]
)
def test_unknown_dimensions_are_question_marks(dims, shown):
    """A shape shows what is known of it."""
    assert text.shape(dims) == shown


def test_one_line_is_cut_with_an_ellipsis():
    """A line that is too long ends in an ellipsis inside the width."""
    assert text.one_line("abcdef", 4) == "abc…"
    assert text.one_line("abcd", 4) == "abcd"


@given(st.text(), st.integers(1, 20))
def test_any_string_becomes_one_line(string, width):
    """Whatever a program calls its nodes, a line stays one printable line of at most the width."""
    shown = text.one_line(string, width)

    assert len(shown.splitlines()) <= 1
    assert shown.isprintable()
    assert len(shown) == min(len(string), width)
