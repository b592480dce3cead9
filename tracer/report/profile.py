"""What there is to export of a run's profile: stacks with their time, and what ran when."""

from __future__ import annotations

import dataclasses

from tracer.profile.attribute import Unattributed
from tracer.report.stacks import StacksReport, stacks_report
from tracer.report.timed import rest_of
from tracer.report.timeline import Timeline, timelines
from tracer.timing.timing import Timing


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileView:
    """The time of a run's window: by stack and op, and on its hosts' timelines."""

    timing: Timing
    function: str  # only of its nodes; empty for all
    stacks: StacksReport  # a row for each stack and op
    unattributed: tuple[Unattributed, ...]  # executions without a node, by reason

    def timelines(self) -> tuple[Timeline, ...]:
        """Returns what ran when, on each host."""
        return timelines(self.timing, function=self.function)


def profile_view(timing: Timing, *, function: str = "") -> ProfileView:
    """Returns what there is to export of a profile.

    Args:
      timing: of the run.
      function: only of the nodes of this function, or of this trace of it: `step#2`.

    Raises:
      NotFound: no such function.
    """
    return ProfileView(
        timing=timing,
        function=function,
        stacks=stacks_report(timing, function=function, by_op=True),
        unattributed=rest_of(timing, function),
    )
