"""The columns of the scope tree, in one table: what each says of a scope, and when it is left out."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence

from tracer import text
from tracer.render.text.layout import NARROW_GAP, width_of
from tracer.report.outputs import Output
from tracer.report.scopes import ScopeRow

WIDE = 100  # columns from which on there is room for everything
RANGES = 140  # columns from which on a row that stands for several scopes shows the range of each dimension
_OUTPUT = 40  # columns of a type
_NEVER = 1 << 30  # columns of a page: the column is there only where rows are sorted by it


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """How the rows are looked at."""

    width: int  # columns of the page
    dtype: str  # that a row need not name, as a note below the table does; empty where each names its own
    whole_ns: int = 0  # what shares of the time are of
    of_layers: bool = False  # whether the nodes are layers: nobody expects their FLOPs from a graph without operations
    sort: str = ""  # the order that was asked for


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers or short texts between the scopes' names and their ops."""

    header: str
    cell: Callable[[ScopeRow, View], str]
    nothing: frozenset[str] = frozenset({""})  # what it may hold throughout and be left out
    right: bool = True  # set to the right
    from_width: int = 0  # left out of a page that is narrower
    sort: str = ""  # the order that is by it: in that order it is on every page
    gives_way: int = 0  # left out where names that need them have fewer columns than these; the most first


def output_text(row: ScopeRow, view: View) -> str:
    """Returns the type of what leaves a scope; where several tensors do, the first, and how many more there are."""
    if row.output is None or (not row.output.dtype and row.output.dims is None and not row.output.various):
        return ""
    dtype = "" if row.output.dtype == view.dtype else row.output.dtype
    shown = text.one_line(dtype + _dims(row.output, "*" if view.width < RANGES else ""), _OUTPUT)
    least, most = row.output.others
    others = f" +{least}" if least == most else f" +{least}..{most}"
    return shown + (others if most else "")


def _dims(output: Output, differs: str) -> str:
    """Returns a shape; of several scopes' outputs the range of each dimension, or a sign for it where room is short."""
    if output.dims is None:
        return "[various]" if output.various else text.shape(None)
    return f"[{', '.join(_dim(low, high, differs) for low, high in output.dims)}]"


def _dim(low: int | None, high: int | None, differs: str) -> str:
    if low is None or high is None or low < 0:
        return "?"
    return str(low) if low == high else differs or f"{low}..{high}"


def _at_least(shown: str, value: int, unknown: int) -> str:
    """Returns a sum; with a plus behind it where parts of it are not known, and nothing where all of it is none."""
    return f"{shown}+" if value and unknown else shown if value else "?" if unknown else ""


def _parameters(row: ScopeRow, _: View) -> str:
    return _at_least(text.quantity(row.parameters), row.parameters, row.unsized_variables)


def _slots(row: ScopeRow, _: View) -> str:
    return text.quantity(row.optimizer_parameters) if row.optimizer_parameters else ""


def _bytes(row: ScopeRow, _: View) -> str:
    return _at_least(text.byte_size(row.bytes), row.bytes, row.unsized)


def _flops(row: ScopeRow, view: View) -> str:
    return "" if view.of_layers else _at_least(text.quantity(row.flops), row.flops, row.unknown_flops)


def _time(row: ScopeRow, _: View) -> str:
    return text.nanoseconds(row.total_ns) if row.total_ns else ""


def _share(row: ScopeRow, view: View) -> str:
    return f"{100 * row.total_ns / view.whole_ns:.1f}" if row.total_ns and view.whole_ns else ""


def _calls(row: ScopeRow, _: View) -> str:
    return text.count(row.calls) if row.calls else ""


def _allocated(row: ScopeRow, _: View) -> str:
    return text.byte_size(row.allocated) if row.allocated else ""


def _peak(row: ScopeRow, _: View) -> str:
    return text.byte_size(row.peak_bytes) if row.peak_bytes else ""


def _held(row: ScopeRow, _: View) -> str:
    return text.byte_size(row.held_bytes) if row.held_bytes else ""


COLUMNS = (
    Column("time", _time),
    Column("%", _share, gives_way=40),
    Column("nodes", lambda row, _: text.count(row.nodes), gives_way=28),
    Column("output", output_text, right=False),
    Column("params", _parameters),
    Column("slots", _slots, from_width=WIDE),
    # A narrow page leaves no room for the ops beside all numbers.
    Column("bytes", _bytes, nothing=frozenset({"", "?"}), from_width=WIDE),
    # That nobody knows them is no reason to leave them out: of no graph are they none.
    Column("FLOPs", _flops),
    Column("calls", _calls, from_width=_NEVER, sort="calls"),
    Column("allocated", _allocated, from_width=WIDE, sort="bytes"),
    Column("peak", _peak, from_width=RANGES, sort="peak"),
    Column("at peak", _held, from_width=WIDE, sort="held"),
)


def columns(rows: Sequence[ScopeRow], view: View) -> list[tuple[Column, list[str]]]:
    """Returns each column that has something to say, with its cells."""
    found = [
        (column, [column.cell(row, view) for row in rows])
        for column in COLUMNS
        if view.width >= column.from_width or (column.sort and column.sort == view.sort)
    ]
    return [(column, cells) for column, cells in found if not column.nothing.issuperset(cells)]


def with_room(shown: list[tuple[Column, list[str]]], view: View, widest: int) -> list[tuple[Column, list[str]]]:
    """Returns columns without those that give way to the names of scopes, of which the widest has `widest` columns."""
    for least in sorted({column.gives_way for column in COLUMNS if column.gives_way}, reverse=True):
        taken = sum(NARROW_GAP + max(map(width_of, (column.header, *cells))) for column, cells in shown)
        if view.width - taken < min(widest, least):
            shown = [(column, cells) for column, cells in shown if column.gives_way != least]
    return shown


def view_of(rows: Sequence[ScopeRow], width: int, *, of_layers: bool = False, sort: str = "") -> View:
    """Returns how to look at rows on a page: a narrow one names the dtype that most outputs have only once."""
    dtypes = Counter(row.output.dtype for row in rows if row.output is not None and row.output.dtype)
    often = max(dtypes, key=lambda dtype: dtypes[dtype], default="")
    whole_ns = rows[0].total_ns or 0 if rows else 0
    return View(width, often if width < WIDE and dtypes[often] > 1 else "", whole_ns, of_layers, sort)
