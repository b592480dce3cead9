"""What all pages of text share: width and colour, tables, the lines of a tree."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tracer import text
from tracer.graph.lines import Frame
from tracer.recorded import Warned

if TYPE_CHECKING:
    from rich.console import RenderableType

UNLIMITED = 10_000  # the width where nothing is cut: a pipe
STATUS_STYLES = {
    "complete": "green",
    "recording": "cyan",
    "failed": "red",
    "interrupted": "yellow",
    "unreadable": "red",
}


class Style:
    """How to write: width in columns, and whether in colour."""

    def __init__(self, *, width: int = UNLIMITED, color: bool = False) -> None:
        self.width = width
        self.color = color

    def render(self, parts: Iterable[RenderableType]) -> str:
        """Returns the parts below each other as text, without blanks at the ends of lines."""
        from rich.console import Console

        out = io.StringIO()
        console = Console(
            file=out,
            width=self.width,
            color_system="standard" if self.color else None,
            force_terminal=self.color,
            no_color=not self.color,
            highlight=False,
            emoji=False,
            markup=False,
        )
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str), no_wrap=None)
        return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


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


def warnings(warned_of: Sequence[Warned]) -> list[RenderableType]:
    """Returns each warning and its hint, a blank line before it."""
    from rich.text import Text

    parts: list[RenderableType] = []
    for warned in warned_of:
        parts += ["", Text(f"warning: {text.one_line(warned.message)}", style="yellow")]
        if warned.hint:
            parts.append(f"hint: {text.one_line(warned.hint)}")
    return parts


def more(number: int, noun: str) -> str:
    """Returns the line that says how many rows were left out."""
    return f"... and {text.plural(number, noun)} more: --top 0 shows all"


def plain(content: str, style: str = "") -> Any:
    """Returns a cell of one line: what it holds is text, not rich's markup."""
    from rich.text import Text

    return Text(text.one_line(content), style=style, no_wrap=True)


def table(*columns: str) -> Any:
    """Returns an empty table; `>` before a column's name sets it to the right, `<` keeps it whole on the left."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        right = column.startswith(">")
        # Where the width is too small rich cuts the widest of the columns that may wrap: so names, which stand first,
        # and numbers say that they may not. Nothing does wrap: the cells say so (`plain`).
        made.add_column(
            plain(column.lstrip("<>")),
            justify="right" if right else "left",
            no_wrap=column.startswith(("<", ">")) or number == 0,
            overflow="ellipsis",
        )
    return made
