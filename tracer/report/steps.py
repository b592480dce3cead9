"""The steps of a window: how long they took, where their wall time went, and what the slowest did differently."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tracer.errors import NotFound
from tracer.profile.steps import StepAccount
from tracer.profile.sums import each_step
from tracer.recorded import Run
from tracer.report.listing import Listing, listing
from tracer.report.timed import TimedReport
from tracer.timing.statistics import Spread, median, spread
from tracer.timing.timing import Timing

_DIFFERENT = 5  # rows that say what was different in the slowest step
_SLOWER = 1.1  # a slowest step is told of where it took so much more than the median


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """What took another time in the slowest step than in a median one."""

    what: str  # a part of the wall time: "python"; or a node
    is_part: bool  # a part of the wall time; else a node's self time
    median_ns: int
    slowest_ns: int


@dataclasses.dataclass(frozen=True, slots=True)
class StepsReport(TimedReport):
    """The steps of a run's window."""

    steps: Listing[StepAccount]
    parts: Mapping[str, int]  # nanoseconds of all steps, by where their wall time went, the most first
    wall_ns: int  # of all steps together: what the parts add up to
    typical: StepAccount  # the one of median wall time: one step that was held up tells nothing of the others
    profiled: Spread | None  # wall time of the steps, with the profiler on
    bare: Spread | None  # of the same steps without it: the true one
    raised: tuple[StepAccount, ...]  # the steps that raised: they are in no statistics of steps
    settling: bool  # whether the only step without the profiler was the program's first, which traces
    slowest: StepAccount | None  # None if no step stands out
    different: tuple[Difference, ...]  # in the slowest step, the most first


def steps_report(timing: Timing, *, top: int = 0) -> StepsReport:
    """Returns the steps of a window, in their order.

    Args:
      timing: of the run; with the steps told apart, by `each_step`, the report knows the nodes that took longer in the
        slowest.
      top: how many steps to list, 0 for all; the slowest is told of even if it is not listed.

    Raises:
      NotFound: the profile has no steps, and nothing else either.
    """
    of_hosts = [step_accounts(timing.run, [profile.path]) for profile in timing.profiles]
    accounts = [account for of_host in of_hosts for account in of_host]
    if not accounts:
        raise NotFound(f"{timing.run.name}: nothing ran while the profiler was on", hint="record more steps: --steps")
    run = timing.run
    ended = [account for account in accounts if not account.raised]
    parts: Counter[str] = Counter()
    for account in accounts:
        parts.update(account.parts)
    slowest = _slowest(ended)
    return StepsReport(
        timing=timing,
        steps=listing(accounts, top=top),
        parts=dict(parts.most_common()),
        wall_ns=sum(account.wall_ns for account in accounts),
        typical=_typical(ended or accounts),
        profiled=_profiled(timing, ended),
        bare=spread(run.settled_ns),
        raised=tuple(account for account in accounts if account.raised),
        settling=run.window is not None and not run.window.warmup and len(run.bare_step_ns) == 1,
        slowest=slowest,
        different=_different(slowest, of_hosts, timing) if slowest else (),
    )


def _profiled(timing: Timing, accounts: Sequence[StepAccount]) -> Spread | None:
    """Returns how long steps took with the profiler on: those that are marked, else those that the run wrote down."""
    if any(profile.steps for profile in timing.profiles):
        return spread([account.wall_ns for account in accounts])
    return spread(timing.run.window.step_ns) if timing.run.window else None


def step_accounts(run: Run, paths: Iterable[str]) -> list[StepAccount]:
    """Returns the steps in some of a run's profiles, host by host. Raises `Unreadable` if one is damaged."""
    return [account for path in paths for account in run.steps(path)]


def _typical(accounts: Sequence[StepAccount]) -> StepAccount:
    return sorted(accounts, key=lambda account: account.wall_ns)[(len(accounts) - 1) // 2]


def _slowest(accounts: Sequence[StepAccount]) -> StepAccount | None:
    if len(accounts) < 3:
        return None
    usual = median([account.wall_ns for account in accounts])
    slowest = max(accounts, key=lambda account: account.wall_ns)
    return slowest if slowest.wall_ns > _SLOWER * usual else None


def _different(
    slowest: StepAccount, of_hosts: Sequence[Sequence[StepAccount]], timing: Timing
) -> tuple[Difference, ...]:
    """Returns which parts of the wall time, and which nodes, took longer than in a median step."""
    accounts: list[StepAccount] = []
    numbers: list[int] = []  # of `each_step`, of each account
    for of_host, steps in zip(of_hosts, each_step(timing.profiles), strict=True):
        accounts += of_host
        numbers += (steps or (-1,))[: len(of_host)]  # without marked steps there is an account of the whole
    mine = numbers[accounts.index(slowest)]
    numbers = [number for number, account in zip(numbers, accounts, strict=True) if not account.raised]
    accounts = [account for account in accounts if not account.raised]
    kinds = dict.fromkeys(kind for account in accounts for kind in account.parts)
    found = [
        Difference(kind, True, median([account.parts.get(kind, 0) for account in accounts]), slowest.parts.get(kind, 0))
        for kind in kinds
    ]
    nodes: dict[tuple[str, str], dict[int, int]] = {}
    for node in timing.nodes:
        nodes.setdefault((node.time.trace, node.time.path), Counter())[node.time.step] += node.time.self_ns
    found += [
        Difference(path, False, median([own.get(number, 0) for number in numbers]), own.get(mine, 0))
        for (_, path), own in nodes.items()
    ]
    least = (slowest.wall_ns - median([account.wall_ns for account in accounts])) // 100
    longer = [each for each in found if each.slowest_ns - each.median_ns > least]
    longer.sort(key=lambda each: each.median_ns - each.slowest_ns)
    return tuple(longer[:_DIFFERENT])
