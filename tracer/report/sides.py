"""What a user names to compare: `RUN[:FUNCTION][#TRACE][@STAGE]`.

    control_flow                    the newest run of a scenario, every function in it
    latest~1:step                   one function
    latest:step#2                   its second trace
    latest:step#1@optimized         one stage of a trace; `traced` is what is meant where none is named
    :step#2   #2   @optimized       on the second side: the rest is that of the first

RUN is a path, or what `show` takes. A function may hold any characters but "@"; the last ":" begins it, unless that is
in the path of something that is there, or behind the letter of a drive.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from tracer.errors import UsageError, did_you_mean
from tracer.recorded import STAGES

_GRAMMAR = "RUN[:FUNCTION][#TRACE][@STAGE]"
_TRACE = re.compile(r"(?P<rest>.*)#(?P<number>\d{1,9})", re.DOTALL)
_DRIVE = re.compile(r"[A-Za-z]:[/\\][^:]*", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """One of the two things that are compared."""

    run: str = ""  # as the user names it; empty where it is that of the other side
    function: str = ""  # empty: every function
    trace: int = 0  # 1 is the first trace of the function; 0: every trace
    stage: str = ""  # empty: traced

    def after(self, first: Side) -> Side:
        """Returns this side with what it leaves out before its own first part taken from the first side."""
        if self.run:
            return self
        if self.function:
            return dataclasses.replace(self, run=first.run)
        return dataclasses.replace(self, run=first.run, function=first.function, trace=self.trace or first.trace)

    def __str__(self) -> str:
        function = f":{self.function}" if self.function else ""
        trace = f"#{self.trace}" if self.trace else ""
        return f"{self.run}{function}{trace}{'@' + self.stage if self.stage else ''}"


def _no_path(_: str) -> bool:
    return False


def parse_side(text: str, is_path: Callable[[str], bool] = _no_path) -> Side:
    """Returns what `RUN[:FUNCTION][#TRACE][@STAGE]` names; parts that are left out are empty.

    Args:
      text: what a user typed.
      is_path: tells whether something lies at a path; asked only where a ":" stands before a "/".

    Raises:
      UsageError: no such stage, or a trace number that is none.
    """
    rest, at, stage = text.rpartition("@")
    if not at or "/" in stage or "\\" in stage:  # an "@" in a path
        rest, stage = text, ""
    elif stage not in STAGES:
        hint = did_you_mean(stage, STAGES, otherwise=f"write {_GRAMMAR}; stages: {', '.join(STAGES)}")
        raise UsageError(f"no stage named '{stage}'", hint=hint)
    match = _TRACE.fullmatch(rest)
    number = int(match["number"]) if match else 0
    rest = match["rest"] if match else rest
    if match and not number:
        raise UsageError(f"there is no trace #0 in '{text}'", hint="the first trace is #1")
    run, colon, function = rest.rpartition(":")
    if not colon or _DRIVE.fullmatch(rest) or (("/" in function or "\\" in function) and is_path(rest)):
        run, function = rest, ""
    return Side(run, function, number, stage)


def parse_sides(
    before: str, after: str, *, function: str = "", stage: str = "", is_path: Callable[[str], bool] = _no_path
) -> tuple[Side, Side]:
    """Returns the two sides of a comparison.

    Args:
      before: the first side; without a run it is of the `latest`.
      after: the second; what it leaves out before its own first part it has from the first.
      function: the function on both sides where they name none.
      stage: the stage on both sides where they name none.
      is_path: tells whether something lies at a path.

    Raises:
      UsageError: a side cannot be read, or there is no such stage.
    """
    if stage:
        parse_side(f"@{stage}")  # says what is wrong with it
    first = parse_side(before, is_path)
    first = dataclasses.replace(first, run=first.run or "latest")
    second = parse_side(after, is_path).after(first)
    sides = [
        dataclasses.replace(side, function=side.function or function, stage=side.stage or stage)
        for side in (first, second)
    ]
    return sides[0], sides[1]
