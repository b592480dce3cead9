"""The profiler's window, of steps or of a block that is not ours to run again, and what may go unseen in it."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tracer.capture import hooks, marks, tf_private
from tracer.capture.profiler import Profiler
from tracer.capture.steps import Pass, StepMark, telling
from tracer.recorded import BLOCK, INSTANTIATING, REST, WINDOW, Warned, Window
from tracer.text import plural

if TYPE_CHECKING:
    from tracer.capture.record import Settings
    from tracer.capture.recorded_function import RecordedFunction
    from tracer.capture.session import Session

_NAMES = 3  # so many functions are named in a sentence
_BEGIN_EARLIER = (
    "begin the block before the first call, or record with tracer.record, which has functions instantiated again"
)
_LONGER = (
    "--profile-seconds N (profile_seconds=N) has it run longer where time was up; memory is bounded in any case, so "
    "record fewer steps, or a smaller part of the program"
)
_ITERATORS = (
    "an iterator of a dataset was made before the window, and TensorFlow stops to trace a cheap kernel of the dataset "
    "after about 90 elements: make the iterator inside what is recorded"
)
_NOT_FRESH = (
    "this TensorFlow has no way to instantiate functions again, and stops to trace a cheap kernel after about 90 runs: "
    "record with --warmup 0 and few --steps"
)


def steps_window(
    session: Session,
    profiler: Profiler,
    step: Callable[[], None],
    settings: Settings,
    bare: Pass,
    *,
    iterators: bool,
) -> None:
    """Profiles a pass of steps, and says in the run what was seen.

    Args:
      session: the recording under way.
      profiler: its profiler.
      step: what a step does.
      settings: how many steps, and whom to tell of them.
      bare: the pass of the same steps without the profiler.
      iterators: whether the steps are given iterators of tf.data.
    """
    known = session.functions_so_far
    fresh = _instantiated_again(session, profiler, step)
    if profiler.warnings:
        return
    settled = len(session.functions_so_far)
    seen = Pass()
    with hooks.older_iterators() as older:
        try:
            with profiler.window(), telling(session, WINDOW, lambda: len(seen.step_ns)):
                seen.run(
                    step,
                    settings.steps,
                    progress=lambda number: settings.progress("profiling", number, settings.steps),
                    goes_on=lambda: not profiler.used_up,
                )
        finally:
            if not profiler.warnings:
                seen.traced = session.traced_since(settled)
                incomplete = _ITERATORS if iterators or older() else "" if fresh else _NOT_FRESH
                _note(session, seen, warmup=settings.warmup, bare=bare, fresh=fresh, incomplete=incomplete)
                session.warnings += _not_steady(profiler, seen, bare) if seen.step_ns else []
                session.warnings += _repeating(known) if fresh else []
    _run_the_rest(session, profiler, step, settings, len(seen.step_ns))


def _run_the_rest(
    session: Session, profiler: Profiler, step: Callable[[], None], settings: Settings, done: int
) -> None:
    """Runs the steps that the profiler stopped before: whoever counts on their effects has them."""
    if done == settings.steps:
        return
    steps = plural(settings.steps, "step")
    message = f"the profiler stopped after {done} of {steps}: {profiler.used_up}; the others ran without it"
    session.warnings.append(Warned("profile-stopped", message, _LONGER))
    number = done
    with telling(session, REST, lambda: number):
        for number in range(done, settings.steps):
            settings.progress("finishing", number, settings.steps)
            step()


def _note(session: Session, seen: Pass, *, warmup: int, bare: Pass, fresh: bool, incomplete: str) -> None:
    window = Window(
        steps=len(seen.step_ns),
        warmup=warmup,
        wall_ns=seen.wall_ns,
        step_ns=tuple(seen.step_ns),
        bare_step_ns=tuple(bare.step_ns),
        fresh=fresh,
        incomplete=incomplete,
        bare_cpu_ns=tuple(bare.cpu_ns),
    )
    session.note(window=dataclasses.asdict(window), bare_step_ns=None, bare_cpu_ns=None)


def _instantiated_again(session: Session, profiler: Profiler, step: Callable[[], None]) -> bool:
    """Has functions instantiated again, pays for it with one step, and tells whether it was done.

    The executor lowers what it believes a kernel to cost only in runs that nobody traces, so the profiler is on in this
    step already: the turns of a long loop would use up the kernels of its body.
    """
    with profiler.discarded() as running:
        if not running or not tf_private.instantiate_again():
            return False
        session.instantiated_again = True
        with telling(session, INSTANTIATING, lambda: 0):
            step()
        return True


@contextmanager
def block_window(session: Session, profiler: Profiler) -> Iterator[None]:
    """Profiles a block, which is one step, and says in the run what was seen."""
    marked = _MarkedSteps(profiler)
    ended = False
    with hooks.older_iterators() as older, marks.listening(marked):
        try:
            with profiler.window(stops_itself=True), telling(session, BLOCK, lambda: 0):
                yield
                ended = True
        finally:
            if not profiler.warnings:
                whole = [profiler.wall_ns] if ended else []
                block = Pass(marked.step_ns or whole, wall_ns=sum(marked.step_ns) or profiler.wall_ns)
                incomplete = ran_before(session.functions_so_far) or (_ITERATORS if older() else "")
                _note(session, block, warmup=0, bare=Pass(), fresh=False, incomplete=incomplete)
    if profiler.used_up:
        message = f"the profiler stopped before the block did: {profiler.used_up}"
        session.warnings.append(Warned("profile-stopped", message, _LONGER))


class _MarkedSteps:
    """The steps that a block marks with `tracer.step()`."""

    def __init__(self, profiler: Profiler) -> None:
        self.step_ns: list[int] = []  # of each that the profiler saw to its end
        self._profiler = profiler
        self._began_ns = 0
        self._mark: StepMark | None = None

    def begin(self, function: str, number: int, *, tentative: bool = False) -> None:
        """A step begins."""
        self._mark = StepMark(function, number)
        self._began_ns = time.perf_counter_ns()

    def end(self, *, raised: bool = False) -> None:
        """It is over."""
        if self._mark is not None:
            self._mark.end(raised=raised)
        if self._profiler.is_running and not raised:
            self.step_ns.append(time.perf_counter_ns() - self._began_ns)


def ran_before(functions: Sequence[RecordedFunction], *, advice: str = _BEGIN_EARLIER) -> str:
    """Returns why cheap kernels may be missing: functions that ran before the recording; empty if none did."""
    names = [function.name for function in functions if function.existing and function.calls]
    if not names:
        return ""
    return (
        f"{_listed(names)} ran before the recording, and TensorFlow stops to trace a cheap kernel after about 90 runs "
        f"that nobody traced: {advice}"
    )


def _not_steady(profiler: Profiler, seen: Pass, bare: Pass) -> list[Warned]:
    """Warns where steps of the window paid for what steps do not pay for when all is settled.

    Who traces as often in each step, as a Keras fit does for its dataset, traces as a part of the steps' work.
    """
    before, steps = Counter(bare.traced), (len(seen.step_ns), len(bare.step_ns))
    names = [name for name, times in Counter(seen.traced).items() if times * steps[1] > before[name] * steps[0]]
    found = [f"{_listed(names)} traced"] if names else []
    if profiler.saw_compiling():
        found.append("programs compiled by XLA")
    if not found:
        return []
    hint = "raise --warmup (warmup=); where that does not help, each call is a new one: trace-scenario lint"
    return [Warned("not-steady", f"the window has more than the steps' work in it: {', and '.join(found)}", hint)]


def _repeating(functions: Sequence[RecordedFunction]) -> list[Warned]:
    """Warns of seeded sequences that began again when functions were instantiated again."""
    seeded = {
        function.name: ops
        for function in functions
        if function.calls and not function.jitted
        for ops in [{op for name in (function.runtime_name, *function.children) for op in tf_private.seeded_ops(name)}]
        if ops
    }
    if not seeded:
        return []
    message = (
        f"the window repeats random numbers of the steps before it: {', '.join(sorted(set().union(*seeded.values())))} "
        f"in {_listed(list(seeded))} began again from the seed, as functions were instantiated again for the profile"
    )
    hint = "times do not change; tf.random.Generator and layers of Keras do not begin again, nor does --no-profile"
    return [Warned("random-repeats", message, hint)]


def _listed(names: Sequence[str]) -> str:
    """Returns names for a sentence, each once: `'f'`, `'f' and 'g'`, `'f', 'g', 'h' and 2 more`."""
    unique = [f"'{name}'" for name in dict.fromkeys(names)]
    more = len(unique) - _NAMES
    head, last = (unique[:_NAMES], f"{more} more") if more > 0 else (unique[:-1], unique[-1])
    return f"{', '.join(head)} and {last}" if head else last
