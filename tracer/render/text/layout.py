"""Styled text set in lines: how many columns it takes, cut, wrapped, and in tables.

This is what rich does, for the little that pages need of it: a table of 100,000 rows takes rich half a minute, and its
import as long as a small page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

ELLIPSIS = "…"
# What takes one column each: Latin letters, the lines of trees and tables, dots and dashes.
_SIMPLE = re.compile(r"[\x20-\x7e\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u2193\u2500-\u257f]*").fullmatch
# A word with the blanks behind it; a number and its unit are one, as in "100 %" and "1.25 ms".
_WORD = re.compile(r"(?:\S*\d\s(?=(?:%|[num]?s|[kMGTP]|B|[KMGT]iB)(?!\w)))?\S+\s*|\s+")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
# Ends the reach of right-to-left text, of no width: without it a terminal that knows such scripts also moves the
# numbers in the cells behind it.
_LEFT_TO_RIGHT = "\u200e"
_GAP, NARROW_GAP = 3, 2  # columns between two cells; where the room is short


class Piece(NamedTuple):
    """Text in one style."""

    text: str  # without line breaks
    look: str = ""  # "bold", "dim", "cyan", "bold red"


Line = tuple[Piece, ...]
Cell = Line | Callable[[int], Line]  # a callable gives what fits into so many columns


class Head(NamedTuple):
    """The head of a table's column."""

    title: str
    right: bool = False  # whether it is set to the right
    whole: bool = False  # whether it stays as wide as it is while others give way
    least: int = 8  # columns that are left of it where it gives way


def width_of(text: str) -> int:
    """Returns how many columns a terminal takes for a text: two for wide characters, none for combining ones."""
    if text.isascii() or _SIMPLE(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def line_width(line: Line) -> int:
    """Returns how many columns a line takes."""
    total = 0
    for text, _ in line:  # a loop, because most of a large page's time goes here
        total += len(text) if text.isascii() else width_of(text)
    return total


def cut(line: Line, width: int) -> Line:
    """Returns a line without what does not fit into `width` columns, and with an ellipsis for that."""
    if line_width(line) <= width:
        return line
    kept: list[Piece] = []
    left = width - 1
    for text, look in line:
        size = width_of(text)
        if size > left:
            kept.append(Piece(_beginning(text, left) + (ELLIPSIS if width > 0 else ""), look))
            break
        kept.append(Piece(text, look))
        left -= size
    return tuple(kept)


def without_end(pieces: Sequence[Piece]) -> Line:
    """Returns a line without blanks at its end."""
    while pieces and not pieces[-1].text.strip():
        pieces = pieces[:-1]
    return (*pieces[:-1], pieces[-1]._replace(text=pieces[-1].text.rstrip())) if pieces else ()


def shortened(text: str, width: int, behind: float = 0.5) -> str:
    """Returns a text cut in its middle to `width` columns: names differ at their ends.

    Args:
      text: the text.
      width: columns.
      behind: the share of these that its end gets.
    """
    if width_of(text) <= width:
        return text
    room = max(width - 1, 0)
    end = _beginning(text[::-1], int(room * behind))[::-1]
    return f"{_beginning(text, room - width_of(end))}{ELLIPSIS}{end}"


def wrap(line: Line, width: int, *, indent: int = 0, most: int = 0) -> list[Line]:
    """Returns a line as several that fit into `width` columns, broken between words; those after the first indented.

    Args:
      line: the line.
      width: columns.
      indent: blanks before each line but the first.
      most: how many lines at most, the last cut; 0 is all.
    """
    lines: list[list[Piece]] = [[]]
    used = 0
    for text, look in line:
        for word in _WORD.findall(text):
            for part in _parts(word, width - indent):
                if used + width_of(part.rstrip()) > width and lines[-1]:
                    if len(lines) == most:
                        whole = [without_end(each) for each in lines[:-1]]
                        return [*whole, cut((*lines[-1], Piece(part + ELLIPSIS, look)), width)]
                    lines.append([Piece(" " * indent)] if indent else [])
                    used = indent
                _add(lines[-1], Piece(part, look))
                used += width_of(part)
    return [without_end(each) for each in lines]


class Table:
    """Rows in columns, each as wide as what is in it; where they do not fit, the widest that may give way are cut."""

    def __init__(self, heads: Sequence[Head]) -> None:
        self._heads = heads
        self._rows: list[tuple[Cell, ...]] = []
        self._spans: set[int] = set()  # rows that are one line across all columns

    def add_row(self, *cells: Cell | str) -> None:
        """Adds a row; cells that are not given are empty."""
        self._rows.append(
            tuple([((Piece(cell),) if cell else ()) if isinstance(cell, str) else cell for cell in cells])
        )

    def add_span(self, line: Line) -> None:
        """Adds a line that reaches across all columns."""
        self._spans.add(len(self._rows))
        self._rows.append((line,))

    def lines(self, width: int) -> Iterable[Line]:
        """Yields the lines of the table: the heads, a rule, the rows."""
        heads: tuple[Cell, ...] = tuple((Piece(head.title, "bold"),) for head in self._heads)
        natural = self.natural_widths()
        gap = _GAP if sum(natural) + _GAP * (len(natural) - 1) <= width else NARROW_GAP
        widths = self._fitting(natural, width - gap * (len(natural) - 1))
        yield cut(self._set(heads, widths, gap), width)
        yield (Piece("─" * min(sum(widths) + gap * (len(widths) - 1), width)),)
        for number, row in enumerate(self._rows):
            line = _at(row[0], width) if number in self._spans else self._set(row, widths, gap)
            yield cut(line, width)

    def fits(self, width: int) -> bool:
        """Tells whether nothing has to be cut."""
        natural = self.natural_widths()
        return sum(natural) + NARROW_GAP * (len(natural) - 1) <= width

    def natural_widths(self) -> list[int]:
        """Returns how wide each column is where nothing is cut."""
        widths = [width_of(head.title) for head in self._heads]
        for number, row in enumerate(self._rows):
            if number not in self._spans:
                for at, cell in enumerate(row):
                    if cell:
                        widths[at] = max(widths[at], line_width(_at(cell, 0)))
        return widths

    def _fitting(self, widths: Sequence[int], width: int) -> list[int]:
        """Returns the widths with those that may give way cut, the widest first."""
        fitting = list(widths)
        for giving in (range(1, len(fitting)), range(1)):  # names stand first, and give way last
            may = [at for at in giving if not (self._heads[at].whole or self._heads[at].right)]
            while (excess := sum(fitting) - width) > 0:
                may = [at for at in may if fitting[at] > self._heads[at].least]
                if not may:
                    break
                order = sorted((fitting[at] for at in may), reverse=True)
                at = max(may, key=lambda at: fitting[at])
                to = max(order[1] - 1 if len(order) > 1 else 0, self._heads[at].least, fitting[at] - excess)
                fitting[at] = to
        return fitting

    def _set(self, row: Sequence[Cell], widths: Sequence[int], gap: int) -> Line:
        pieces: list[Piece] = []
        behind, mark = 0, ""  # what the next cell needs before it: blanks, and the end of right-to-left text
        for cell, width, head in zip(row, widths, self._heads, strict=False):
            line = cut(_at(cell, width), width) if cell else ()
            free = width - line_width(line)
            if line:
                before = behind + (free if head.right else 0)
                if before:
                    pieces.append(Piece(" " * before + mark))
                pieces += line
                behind = gap + (0 if head.right else free)
                mark = _LEFT_TO_RIGHT if any(map(_is_right_to_left, line)) else ""
            else:
                behind += width + gap
        return tuple(pieces)


def _at(cell: Cell, width: int) -> Line:
    """Returns what a cell says in so many columns; 0 is as many as it likes."""
    return cell(width) if callable(cell) else cell


def _beginning(text: str, width: int) -> str:
    """Returns the longest beginning of a text that fits into `width` columns."""
    kept = text[: max(width, 0)]
    while width_of(kept) > width:
        kept = kept[:-1]
    return kept


def _add(line: list[Piece], piece: Piece) -> None:
    """Adds a piece to a line, as one with the last where they look the same."""
    if line and line[-1].look == piece.look:
        piece = Piece(line.pop().text + piece.text, piece.look)
    line.append(piece)


def _parts(word: str, width: int) -> Iterable[str]:
    """Yields a word, in parts if it is wider than a line."""
    while width_of(word.rstrip()) > max(width, 1):
        part = _beginning(word, max(width, 1)) or word[0]
        yield part
        word = word[len(part) :]
    yield word


def _is_right_to_left(piece: Piece) -> bool:
    if piece.text.isascii() or _SIMPLE(piece.text):
        return False
    return any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in piece.text)
