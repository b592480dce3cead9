"""A run's profiles to what each node took, and whose it is."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tracer.errors import NotFound, Unreadable
from tracer.graph.inline import LIMIT
from tracer.profile.attribute import NodeTime, Unattributed, attribute
from tracer.profile.coverage import function_runs
from tracer.profile.lookup import OF_EAGER, OF_INPUT, OF_NODE, OF_RUNTIME
from tracer.profile.memory import Peak, peaks_of_hosts
from tracer.profile.model import HOST, Profile
from tracer.profile.sums import ByStep
from tracer.recorded import Run, Trace, Warned
from tracer.timing.by_name import by_name, most_first
from tracer.timing.owners import NOBODY, Owner, TraceOwners
from tracer.timing.phases import INPUT

_WITHOUT_LINE = {
    OF_NODE: "nodes of libraries: no line of yours made them",
    OF_EAGER: "ops that Python ran by itself: TensorFlow does not record their lines",
    OF_INPUT: "the tf.data pipeline",
    OF_RUNTIME: "what TensorFlow does for itself",
}
ENOUGH = 0.95  # coverage below it is said in words


class TimedNode(NamedTuple):
    """What a node took in the window, and whose it is."""

    time: NodeTime
    function: str  # the Python function in whose trace it is; empty if it is in none
    owner: Owner

    @property
    def op(self) -> str:
        """The op that was executed: `_FusedMatMul`."""
        return self.owner.op or (self.time.kernels[0].name if self.time.kernels else "")

    @property
    def without_line(self) -> str:
        """Why no line of the user's is known to have made it; empty if one is."""
        return "" if self.owner.stack else _WITHOUT_LINE[self.time.kind]


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """Where the time and memory of a run's window went.

    The self times of all nodes and of what is unattributed add up to those of the profile.
    """

    run: Run
    nodes: tuple[TimedNode, ...]  # most self time first
    unattributed: tuple[Unattributed, ...]
    coverage_nodes: float  # the part of the executions that found their owner
    coverage_time: float  # the part of their self time
    untraced: int  # executions that TensorFlow did not trace, as far as their number is known; no other number has them
    profiles: tuple[Profile, ...]
    peaks: tuple[Peak, ...]  # of the memory of each device of each host, in all windows
    owners: Mapping[str, TraceOwners]  # by trace
    damaged: tuple[Warned, ...]  # what could not be read, and is left out

    @property
    def self_ns(self) -> int:
        """Of all executions together: of several threads, so that it may be more than the wall time."""
        return sum(node.time.self_ns for node in self.nodes) + sum(rest.self_ns for rest in self.unattributed)

    @property
    def is_complete(self) -> bool:
        """Whether so much was found that the rest needs no word."""
        return min(self.coverage_nodes, self.coverage_time) >= ENOUGH


def read_timing(run: Run, *, by_step: ByStep | None = None, limit: int = LIMIT) -> Timing:
    """Returns what each node of a run took in its window.

    Args:
      run: the run.
      by_step: which steps to tell apart: `each_step`, a node for each step in which it ran; none by default.
      limit: how many nodes a graph may have with its functions in their places; a larger one is left out.

    Raises:
      NotFound: the run has no profile.
      Unreadable: none of its profiles can be read.
    """
    profiles, damaged = _profiles(run)
    owners = {trace.id: TraceOwners(trace, limit=limit) for trace in _called_first(run, profiles)}
    recorded = [each.recorded() for each in owners.values()]
    found = attribute(profiles, recorded, by_step=by_step)
    nodes, rest = found.nodes, found.unattributed
    if not run.is_ours:  # it may have no graphs: names under which nodes ran say more than sums
        nodes, rest = most_first((*nodes, *by_name(profiles, recorded, by_step=by_step))), ()
    found = dataclasses.replace(found, untraced=_untraced(found.nodes, owners, profiles))
    functions = {trace.id: function.name for function in run.functions.values() for trace in function.traces}
    return Timing(
        run=run,
        nodes=tuple(
            TimedNode(node, functions.get(node.trace, ""), _owner(owners.get(node.trace), node)) for node in nodes
        ),
        unattributed=rest,
        coverage_nodes=found.coverage_nodes,
        coverage_time=found.coverage_time,
        untraced=found.untraced,
        profiles=tuple(profiles),
        peaks=tuple(peak for most in peaks_of_hosts(profiles) for peak in most),
        owners=owners,
        damaged=tuple(
            dict.fromkeys((*run.damaged, *damaged, *(warned for each in owners.values() for warned in each.damaged)))
        ),
    )


def _called_first(run: Run, profiles: Sequence[Profile]) -> list[Trace]:
    """Returns a run's traces, those before the others that Python called in the profiles: most nodes are theirs."""
    called = {each.function for profile in profiles for each in profile.runs}
    return sorted(run.traces, key=lambda trace: trace.runtime_name not in called)


def _untraced(nodes: Sequence[NodeTime], owners: Mapping[str, TraceOwners], profiles: Sequence[Profile]) -> int:
    """Returns how many executions the functions that Python called had beside those in the profiles."""
    runs: Counter[str] = Counter()
    for profile in profiles:
        runs.update(function_runs(profile))
    calls: dict[str, Counter[str]] = {}
    for node in nodes:
        if node.device.startswith(HOST):  # kernels on another are no executions of their own
            calls.setdefault(node.trace, Counter())[node.path] += node.calls
    return sum(
        each.untraced(calls.get(trace, {}), runs[each.trace.runtime_name])
        for trace, each in owners.items()
        if runs[each.trace.runtime_name]
    )


def _owner(owners: TraceOwners | None, node: NodeTime) -> Owner:
    owner = owners.owner(node.path) if owners else NOBODY
    return owner._replace(phase=INPUT) if node.in_input or node.kind == OF_INPUT else owner


def _profiles(run: Run) -> tuple[list[Profile], list[Warned]]:
    if not run.profiles:
        raise _no_profile(run)
    found, failures = [], []
    for path in run.profiles:
        try:
            found.append(run.profile(path))
        except Unreadable as error:  # noqa: PERF203  # a profile for each host: few
            failures.append(error)
    if not found:
        raise failures[0]
    return found, [Warned("damaged", error.message, error.hint) for error in failures]


def _no_profile(run: Run) -> NotFound:
    why = next((warned for warned in run.warnings if warned.code == "no-profile"), None)
    if why:
        return NotFound(f"{run.name} has {why.message}", hint=why.hint)
    if run.error:
        return NotFound(f"{run.name} has no profile: it ended by {run.error}", hint="mend that, and record it again")
    return NotFound(f"{run.name} has no profile", hint="record it again without --no-profile (profile=True)")
