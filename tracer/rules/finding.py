"""What a rule finds."""

from __future__ import annotations

import dataclasses
from typing import Literal

from tracer.graph.lines import Frame

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")  # the most pressing first


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What the check of one rule says; the same words about the same line are one finding."""

    message: str  # what is there; without the names of single nodes, so that forty of them are one finding
    advice: str  # what to do
    node: int = -1  # the place, as the index of a node of the inlined graph; -1 for the function as a whole
    line: Frame | None = None  # the place as a line, where no node stands for it
    count: int = 1  # how many nodes, or traces, it is about


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing in a run that deserves a look."""

    rule: str  # "large-constant"; `docs/lint.md#large-constant` explains it
    severity: Severity
    function: str  # its name in the run
    trace: str  # the id of the first trace that it is in; empty if it is about the function
    where: str  # the scope of the node; empty at top level, or if it is about the function
    node: str  # the node path of the first node that it is about; empty if it is about the function
    line: Frame | None  # the line of the user's behind it, as far as known
    message: str
    advice: str
    count: int  # nodes in one trace that it is about, or traces if it is about the function
    local_node: str = dataclasses.field(default="", repr=False)  # as its function names it, if it has no line there

    @property
    def docs(self) -> str:
        """The place in the documentation that explains the rule."""
        return f"docs/lint.md#{self.rule}"
