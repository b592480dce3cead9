"""What all pages of text share: width and colour, tables, the lines of a tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from tracer import text
from tracer.graph.lines import Frame
from tracer.recorded import Warned
from tracer.render.text.layout import Cell, Head, Line, Piece, Table, cut, shortened, without_end, wrap

UNLIMITED = 10_000  # the width where nothing is cut: a pipe
_WIDEST = 110  # columns: sentences are read badly in longer lines
_INDENT = 2
STATUS_LOOKS = {
    "complete": "green",
    "recording": "cyan",
    "failed": "red",
    "interrupted": "yellow",
    "unreadable": "red",
}
# The codes of ECMA-48, which terminals obey.
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Wrapped(NamedTuple):
    """A line that goes on below itself where it is too long."""

    line: Line
    indent: int = 0  # of all lines but the first
    most: int = 0  # lines; 0 is all of them


Part = Line | Wrapped | Table | str  # a line is cut where it is too long, a str is not


class Style:
    """How to write: width in columns, and whether in colour."""

    def __init__(self, *, width: int = UNLIMITED, color: bool = False) -> None:
        self.width = width
        self.color = color

    def render(self, parts: Iterable[Part]) -> str:
        """Returns the parts below each other as text, without blanks at the ends of lines."""
        lines = (self._drawn(line) for part in parts for line in self._lines(part))
        return "".join(f"{line}\n" for line in lines)

    def sentences(self, lines: Iterable[Line], *, indent: int = 0) -> list[Part]:
        """Returns sentences that stand below a line, broken where one reads them well; a pipe gets each in one line.

        Args:
          lines: the sentences.
          indent: blanks before what goes on below itself.
        """
        width = self.width if self.width >= UNLIMITED else min(self.width, _WIDEST)
        blanks = Piece(" " * _INDENT)
        return [(blanks, *row) for line in lines for row in wrap(line, width - _INDENT, indent=indent)]

    def _lines(self, part: Part) -> Iterable[Line]:
        if isinstance(part, str):
            return ((Piece(part),),)
        if isinstance(part, Table):
            return part.lines(self.width)
        if isinstance(part, Wrapped):
            return wrap(part.line, self.width, indent=part.indent, most=part.most)
        return (cut(part, self.width),)

    def _drawn(self, line: Line) -> str:
        if not self.color:
            return "".join([piece.text for piece in line]).rstrip()
        return "".join(map(_coloured, without_end(line)))


def _coloured(piece: Piece) -> str:
    codes = ";".join(_CODES[word] for word in piece.look.split())
    return f"\x1b[{codes}m{piece.text}\x1b[0m" if codes else piece.text


def source_line(frame: Frame | None) -> str:
    """Returns a line of Python as one names it: `train.py:12`."""
    return "-" if frame is None else f"{frame.file.replace(chr(92), '/').rpartition('/')[2]}:{frame.line}"


class HasDepth(Protocol):
    """A row of a tree."""

    @property
    def depth(self) -> int:
        """How deep it stands."""


def guides(rows: Sequence[HasDepth]) -> list[str]:
    """Returns the lines of the tree before each row, from the rows alone: parents come first."""
    lines: list[str] = []
    open_levels: set[int] = set()  # depths at which a sibling is still to come
    base = rows[0].depth if rows else 0
    for row in reversed(rows):
        open_levels = {level for level in open_levels if level <= row.depth}
        branch = "" if row.depth == base else "├─ " if row.depth in open_levels else "└─ "
        stem = "".join("│  " if level in open_levels else "   " for level in range(base + 1, row.depth))
        lines.append(stem + branch)
        open_levels.add(row.depth)
    return lines[::-1]


def warnings(warned_of: Sequence[Warned]) -> list[Part]:
    """Returns each warning and its hint, a blank line before it."""
    parts: list[Part] = []
    for warned in warned_of:
        parts += ["", Wrapped(plain(f"warning: {warned.message}", "yellow"))]
        if warned.hint:
            parts.append(f"hint: {text.one_line(warned.hint)}")
    return parts


def more(number: int, noun: str) -> str:
    """Returns the line that says how many rows were left out."""
    return f"... and {text.plural(number, noun)} more: --top 0 shows all"


def plain(content: str, look: str = "") -> Line:
    """Returns a line, or a cell, in one style, without control characters."""
    shown = text.one_line(content)
    return (Piece(shown, look),) if shown else ()


def whole_ends(content: str) -> Cell:
    """Returns a cell that loses its middle where room is short: of a line of Python the number stands last."""
    shown = text.one_line(content)
    return lambda width: (Piece(shortened(shown, width) if width else shown),)


def table(*columns: str) -> Table:
    """Returns an empty table; `>` before a column's name sets it to the right, `<` keeps it whole on the left."""
    return Table([Head(name.lstrip("<>"), name.startswith(">"), name.startswith("<")) for name in columns])
