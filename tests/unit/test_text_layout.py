"""Lines of styled text: their width, cut, wrapped, and in tables."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.render.text import Style
from tracer.render.text.layout import Piece, cut, line_width, shortened, width_of, wrap
from tracer.render.text.style import Wrapped, plain, table

words = st.text(st.sampled_from("ab…é模型ש─ e\u0301"), max_size=9).map(str.strip)
LINE = (Piece("abc "), Piece("模型", "cyan"), Piece(" de"))


def texts(lines):
    """Returns lines without their styles."""
    return ["".join(piece.text for piece in line) for line in lines]


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("├─ é…", 5), ("模型", 4), ("שלום", 4), ("e\u0301", 1), ("\u200b", 0)]
)
def test_width_is_what_a_terminal_takes(text, width):
    """Wide characters take two columns, combining ones none."""
    assert width_of(text) == width


@pytest.mark.parametrize(
    ("width", "kept"), [(11, "abc 模型 de"), (10, "abc 模型 …"), (8, "abc 模…"), (7, "abc 模…"), (6, "abc …"), (1, "…")]
)
def test_a_line_is_cut_between_characters(width, kept):
    """What does not fit goes, a wide character whole, and an ellipsis says so."""
    [line] = texts([cut(LINE, width)])

    assert line == kept
    assert width_of(line) <= width


@pytest.mark.parametrize(("width", "kept"), [(9, "block_12"), (7, "blo…_12"), (2, "b…"), (1, "…")])
def test_a_name_is_shortened_in_its_middle(width, kept):
    """Names differ at their ends, so both stay."""
    assert shortened("block_12", width) == kept


def test_wide_names_are_shortened_by_columns():
    """A wide character counts as two."""
    assert shortened("模型模型模型", 6) == "模…型"


def test_a_line_is_wrapped_between_words():
    """A line goes on below itself with an indent, keeps its styles, and has no blanks at its ends."""
    line = (Piece("one two "), Piece("three four", "dim"))

    assert wrap(line, 9, indent=2) == [
        (Piece("one two"),),
        (Piece("  "), Piece("three", "dim")),
        (Piece("  "), Piece("four", "dim")),
    ]


def test_a_number_stays_with_its_unit():
    """A line is not broken between the two; a word is no unit, even if it begins like one."""
    assert texts(wrap((Piece("in all 100 % of it"),), 10)) == ["in all", "100 % of", "it"]
    assert texts(wrap((Piece("took (1.25 ms) or 12 meters"),), 12)) == ["took", "(1.25 ms) or", "12 meters"]
    assert texts(wrap((Piece("it had 12 steps"),), 10)) == ["it had 12", "steps"]


@pytest.mark.parametrize(("behind", "kept"), [(0.5, "blo…_12"), (0.75, "bl…k_12"), (0.25, "block…2")])
def test_the_end_of_a_name_has_its_share(behind, kept):
    """Where beginnings are alike, ends tell names apart."""
    assert shortened("block_12", 7, behind) == kept


def test_a_word_longer_than_a_line_is_broken():
    """Nothing is wider than the page."""
    assert texts(wrap((Piece("ab 模型模型模 c"),), 5)) == ["ab", "模型", "模型", "模 c"]


def test_the_last_of_a_number_of_lines_is_cut():
    """A text that may take two lines ends with an ellipsis where it needs three."""
    assert texts(wrap((Piece("one two three four"),), 5, most=2)) == ["one", "two …"]


@given(st.lists(words, max_size=8).map(" ".join), st.integers(4, 20))
def test_wrapping_loses_nothing(text, width):
    """The lines have all characters but blanks, in order, and each fits."""
    lines = texts(wrap((Piece(text),), width))

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(line) <= width for line in lines)


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=5))
def test_a_table_is_set_as_rich_sets_it(rows):
    """Where everything fits a table has the text that rich gives one of the same columns."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    ours = table("name", ">number", "last")
    theirs = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for head, side in (("name", "left"), ("number", "right"), ("last", "left")):
        theirs.add_column(head, justify=side, no_wrap=True)
    for row in rows:
        ours.add_row(*map(plain, row))
        theirs.add_row(*map(Text, row))
    out = io.StringIO()
    Console(file=out, width=200).print(theirs)

    expected = "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())
    assert Style().render([ours]).replace("\u200e", "") == expected


@given(st.lists(st.tuples(words, words, words), max_size=5), st.integers(10, 60))
def test_columns_are_straight_in_any_script(rows, width):
    """Each line fits, and the last cell of each row begins in the same column."""
    shown = table("name", ">number", "<last")
    for first, second, _ in rows:
        shown.add_row(plain(first), plain(second), plain("|"))
    heads, rule, *lines = texts(shown.lines(width))

    assert all(width_of(line) <= width for line in (heads, rule, *lines))
    begins = {width_of(line[:-1]) for line in lines if line.endswith("|")}
    assert len(begins) <= 1


def test_right_to_left_text_ends_before_the_next_cell():
    """A mark behind the cell keeps a terminal from setting the numbers beside it from right to left as well."""
    shown = table("name", "nodes")
    shown.add_row(plain("שלום"), plain("12"))
    shown.add_row(plain("net"), plain("7"))

    assert texts(shown.lines(80))[2:] == ["שלום   \u200e12", "net    7"]


def test_the_widest_cell_gives_way_first():
    """Columns that may be cut are, the widest first, but for the names that stand first and for numbers."""
    shown = table("name", ">number", "text", "<whole", "more")
    shown.add_row(*map(plain, ("a long name", "1,000", "t" * 30, "stays whole", "m" * 12)))

    assert texts(shown.lines(60)) == [
        "name         number  text          whole        more",
        "─" * 60,
        "a long name   1,000  ttttttttttt…  stays whole  mmmmmmmmmmmm",
    ]


def test_a_line_across_all_columns_makes_none_of_them_wider():
    """It is cut at the width of the page."""
    shown = table("a", "b")
    shown.add_row("1", "2")
    shown.add_span((Piece("a longer line"),))

    assert texts(shown.lines(9)) == ["a   b", "─────", "1   2", "a longer…"]


def test_colour_is_in_codes_that_end_with_their_text():
    """Each piece has its own codes; without colour there is none, and no blank at the end of a line."""
    line = (Piece("a", "bold red"), Piece("b"), Piece("c ", "dim"), Piece("  "))

    assert Style(color=True).render([line]) == "\x1b[1;31ma\x1b[0mb\x1b[2mc\x1b[0m\n"
    assert Style().render([line]) == "abc\n"
    assert Style(color=True).render([Wrapped(plain("two words", "dim"))]) == "\x1b[2mtwo words\x1b[0m\n"
    assert line_width(line) == 6
