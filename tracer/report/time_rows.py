"""Two runs to the time of each scope, line, op and layer before and after."""

from __future__ import annotations

import dataclasses
import difflib
import statistics
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from tracer.recorded import Run
from tracer.timing.compare import (
    ANYWHERE,
    FASTER,
    INCONCLUSIVE,
    NOISE,
    OF_ROWS,
    SLOWER,
    Compared,
    Comparison,
    Pass,
    compare,
    discoveries,
    independent,
    looks,
    p_values,
    spanned,
    verdict,
)
from tracer.timing.samples import Sampled
from tracer.timing.timing import TimedNode

BY = ("scope", "line", "op", "layer")
_JUDGED = 0.01  # the part of a step's self time below which a row is not judged: 1,000 tiny rows would hide the others
_MATTERS = (
    0.1  # the part of it that a row has to differ by: a short op of an unchanged program may take 30 times as long
)
_STRETCH = 100  # lines of a stretch up to which `difflib`, which takes their number's third power, is asked
_LEVELS = 100  # of scopes: paths may be thousands of levels deep

Line = tuple[str, int]  # file and line


class RowKey(NamedTuple):
    """What a row is about, in the words of the second run."""

    by: str  # "scope", "line", "op", "layer"
    function: str  # of a scope; else empty
    name: str  # a scope's path, a line's file, an op, a layer
    line: int = 0  # its number


@dataclasses.dataclass(frozen=True, slots=True)
class TimeRow(Compared):
    """A scope, line, op or layer, and what a step spends in it: self times added up over threads."""

    key: RowKey
    comparison: Comparison  # of self times, judged among all rows; 0 where a side has no such row
    calls: tuple[float, float]  # executions in a step, before and after
    bytes: tuple[float, float]  # that it allocates in a step, as far as TensorFlow reports
    samples: Pass = dataclasses.field(repr=False)  # self time of a step in each batch of steps

    def exceeds(self, growth: float) -> bool | None:
        """Returns whether it grew by more than a part of what it was, by itself; None if that cannot be told."""
        same = min(self.comparison.noise / OF_ROWS, NOISE)
        return compare([self.samples], self.comparison.noise, same).exceeds(growth)


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """What a row's key takes to be the same on both sides."""

    traces: Mapping[str, str]  # by trace: the name of its function on the second side
    paths: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)  # by trace: renamed nodes
    lines: Callable[[Line], Line] = lambda line: line
    only: bool = False  # whether nothing counts but these traces


class _Cell:
    """A row's sums by batch of steps, while they grow."""

    __slots__ = ("bytes", "calls", "own")

    def __init__(self) -> None:
        self.own: dict[int, int] = {}
        self.calls: dict[int, int] = {}
        self.bytes: dict[int, int] = {}


def time_rows(before: Sampled, after: Sampled, sides: tuple[Side, Side], noise: float = NOISE) -> tuple[TimeRow, ...]:
    """Returns the rows of both runs, those with the most difference first.

    A row is slower or faster if it is so by more than `OF_ROWS` times the noise, by at least a tenth of the step's self
    time, and where the tests of all rows of its kind together have at most one in twenty wrong. A row that takes less
    than a hundredth of the step on both sides is `inconclusive`. There are no rows where steps are not marked.
    """
    if not before.batches or not after.batches:
        return ()
    old, new = _cells(before, sides[0]), _cells(after, sides[1])
    whole = max(statistics.median(before.self_ns()), statistics.median(after.self_ns()))
    rows: list[TimeRow] = []
    for by in BY:
        keys = [key for key in dict.fromkeys((*new, *old)) if key.by == by]
        rows += _judged(
            [(key, old.get(key, _Cell()), new.get(key, _Cell())) for key in keys], before, after, whole, noise
        )
    return tuple(sorted(rows, key=lambda row: (-abs(row.comparison.after - row.comparison.before), row.key)))


def _judged(
    pairs: Sequence[tuple[RowKey, _Cell, _Cell]], before: Sampled, after: Sampled, whole: float, noise: float
) -> Iterator[TimeRow]:
    samples = [(before.per_step(old.own), after.per_step(new.own)) for _, old, new in pairs]
    medians = [(statistics.median(old), statistics.median(new)) for old, new in samples]
    judged = [index for index, each in enumerate(medians) if max(each) >= _JUDGED * whole]
    allowed = noise * OF_ROWS
    tests = [_chance(samples[index], allowed) for index in judged]
    believed = {index for index, sure in zip(judged, discoveries(tests), strict=True) if sure}
    for index, (key, old, new) in enumerate(pairs):
        found = spanned(looks(*samples[index])) if index in judged else ANYWHERE
        said = verdict(found, allowed, min(noise, NOISE))
        sure = index in believed and abs(medians[index][1] - medians[index][0]) >= _MATTERS * whole
        if said in (SLOWER, FASTER) and not sure:
            said = INCONCLUSIVE
        yield TimeRow(
            key=key,
            comparison=Comparison(*medians[index], found, allowed, said),
            calls=(statistics.mean(before.per_step(old.calls)), statistics.mean(after.per_step(new.calls))),
            bytes=(statistics.mean(before.per_step(old.bytes)), statistics.mean(after.per_step(new.bytes))),
            samples=samples[index],
        )


def _chance(samples: Pass, noise: float) -> float:
    """Returns how likely samples are if nothing changed: of two one-sided tests the better, so twice its chance."""
    return 2 * min(p_values(independent(samples[0]), independent(samples[1]), noise))


def _cells(sampled: Sampled, side: Side) -> dict[RowKey, _Cell]:
    found: dict[RowKey, _Cell] = {}
    known: dict[tuple[str, str, str], tuple[RowKey, ...]] = {}
    for node in sampled.timing.nodes:
        time = node.time
        if time.step < 0 or (side.only and time.trace not in side.traces):
            continue
        place = (time.trace, time.path, time.kind)
        if place not in known:
            known[place] = tuple(_keys(node, side))
        for key in known[place]:
            cell = found.setdefault(key, _Cell())
            for sums, value in ((cell.own, time.self_ns), (cell.calls, time.calls), (cell.bytes, time.bytes)):
                sums[time.step] = sums.get(time.step, 0) + value
    return found


def _keys(node: TimedNode, side: Side) -> Iterator[RowKey]:
    """Yields the rows that a node counts in."""
    time, owner = node.time, node.owner
    if time.trace:
        function = side.traces.get(time.trace, node.function)
        path = side.paths.get(time.trace, {}).get(time.path, time.path)
        yield RowKey("scope", function, "")
        for scope in islice(_scopes(path), _LEVELS):
            yield RowKey("scope", function, scope)
    if owner.stack:
        yield RowKey("line", "", *side.lines((owner.stack[-1].file, owner.stack[-1].line)))
    if node.op or not time.trace:
        yield RowKey("op", "", node.op or time.path)
    if owner.module:
        yield RowKey("layer", "", owner.module.name)


def _scopes(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def moved_lines(before: Run, after: Run, files: Sequence[str]) -> Callable[[Line], Line]:
    """Returns what gives a line of the first run as the second has it, where lines above it came or went.

    Args:
      before: the first run.
      after: the second.
      files: of the second run. A file that stands elsewhere now is known by its name, if only one has that.
    """
    known: dict[str, tuple[str, Mapping[int, int]]] = {}

    def moved(line: Line) -> Line:
        file, number = line
        if file not in known:
            partner = _partner(file, files)
            old, new = before.source(file).lines, after.source(partner).lines
            known[file] = (partner, _moves(old, new) if old != new else {})
        partner, moves = known[file]
        return (partner, moves.get(number, number))

    return moved


def _partner(file: str, files: Sequence[str]) -> str:
    if file in files:
        return file
    name = _name(file)
    alike = [other for other in files if _name(other) == name]
    return alike[0] if len(alike) == 1 else file


def _name(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]


def _moves(before: Sequence[str], after: Sequence[str]) -> Mapping[int, int]:
    """Returns for each line before its number after; lines that were rewritten in place keep their order.

    `difflib` would take minutes for thousands of lines that come again and again: it has what is left between lines
    that stand once on both sides.
    """
    moves: dict[int, int] = {}
    stretches = [(0, len(before), 0, len(after))]
    while stretches:
        old, old_end, new, new_end = stretches.pop()
        one, other = before[old:old_end], after[new:new_end]
        anchors = _anchors(one, other) if len(one) * len(other) > _STRETCH**2 else []
        for line, number in anchors or _alike(one, other):
            moves[old + line + 1] = new + number + 1
        if anchors:
            corners = ((-1, -1), *anchors, (len(one), len(other)))
            stretches += [(old + a + 1, old + b, new + c + 1, new + d) for (a, c), (b, d) in pairwise(corners)]
    return moves


def _alike(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yields the lines of two stretches that belong together; of long ones by their order alone."""
    codes = [("replace", 0, len(before), 0, len(after))]
    if len(before) * len(after) <= _STRETCH**2:
        codes = list(difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes())
    for _, old, old_end, new, new_end in codes:
        yield from zip(range(old, old_end), range(new, new_end))  # noqa: B905  # what is left over has no partner


def _anchors(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Returns the most lines that can be paired in order: of those that stand once, or else equally often."""
    old, new = _places(before), _places(after)
    alike = [line for line, numbers in old.items() if len(numbers) == len(new.get(line, ()))]
    once = [line for line in alike if len(old[line]) == 1]
    return _rising(sorted(pair for line in once or alike for pair in zip(old[line], new[line], strict=True)))


def _places(lines: Sequence[str]) -> Mapping[str, list[int]]:
    """Returns where each line stands."""
    places: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        places.setdefault(line, []).append(number)
    return places


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns the most pairs, of some in the order of their first numbers, whose second numbers rise as well."""
    least: list[int] = []  # of the rows of each length: the least second number that one ends with
    last: list[int] = []  # and the pair that has it
    previous: list[int] = []  # of each pair: the one before it in its row
    for index, (_, number) in enumerate(pairs):
        length = bisect_left(least, number)
        least[length : length + 1], last[length : length + 1] = [number], [index]
        previous.append(last[length - 1] if length else -1)
    row, at = [], last[-1] if last else -1
    while at >= 0:
        row.append(pairs[at])
        at = previous[at]
    return row[::-1]
