"""What `runs` lists."""

from __future__ import annotations

import dataclasses

from tracer.report.listing import Listing


@dataclasses.dataclass(frozen=True, slots=True)
class RunRow:
    """One run in the list of runs."""

    run: str
    path: str
    scenario: str
    status: str
    started: str
    steps: int | None
    functions: int
    bytes: int
    warning: str = ""  # why its run.json could not be read


@dataclasses.dataclass(frozen=True, slots=True)
class RunsReport:
    """What has been recorded, newest first."""

    logdir: str
    runs: Listing[RunRow]
