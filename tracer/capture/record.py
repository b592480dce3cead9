"""Records calls: to warm up, then a pass of steps for their true time, then a window of steps with the profiler on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer.capture import hooks
from tracer.capture.callables import graph_call
from tracer.capture.limits import SECONDS, checked_seconds
from tracer.capture.session import Session, open_session
from tracer.capture.steps import Pass, telling
from tracer.capture.window import steps_window
from tracer.discover.declare import Call, callable_name
from tracer.errors import ProgramFailed, UsageError, reason
from tracer.recorded import BARE, WARM_UP, Run, Warned

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, how much there is


def record(
    fn: Callable[..., Any],
    *args: Any,
    steps: int = 1,
    warmup: int = 0,
    name: str | None = None,
    logdir: str | Path | None = None,
    profile: bool = True,
    sources: bool = True,
    hlo: bool = False,
    profile_seconds: float = SECONDS,
) -> Run:
    """Records `fn(*args)` over `steps` steps with the profiler on, and before that as many without it.

        run = tracer.record(step, x, y, steps=20)
        run.functions["step"].traces[0].graph

    `fn` runs `warmup + steps + 1 + steps` times: to warm up; for the true time of each step; once while TensorFlow
    instantiates its functions again, so that no kernel goes untraced; and in the window. With `profile=False` it runs
    `warmup + steps` times. A function's own sequences of random numbers, where they have a seed, begin again with the
    window (those of `tf.random.Generator` and of Keras go on).

    Keyword arguments of `fn` go through `functools.partial` or a lambda: the ones here are the recording's.

    Args:
      fn: what to call.
      args: what to call it with.
      steps: steps in the window.
      warmup: steps before everything else.
      name: the scenario's name in the log folder; `fn`'s own if it is not given.
      logdir: the log folder; `TRACE_SCENARIO_LOGDIR`, or `logs`, where it is not given.
      profile: whether there is a window at all.
      sources: whether copies of the user's files are kept beside the graphs.
      hlo: whether XLA also compiles the functions that the program does not have it compile, for their HLO.
      profile_seconds: when so many seconds are up, the steps that are left run without the profiler.

    Raises:
      UsageError: no steps or negative ones, or `profile_seconds` is no time above 0.
      SessionActive: another session is open in this process.
      WriteFailed: the run could not be written whole.
      Exception: whatever `fn` raises; the run is kept, and its status is `failed`.
    """
    call = Call(fn, *args)
    settings = Settings(
        steps=steps,
        warmup=warmup,
        logdir=logdir,
        profile=profile,
        sources=sources,
        hlo=hlo,
        profile_seconds=profile_seconds,
    )
    return record_calls(name or callable_name(fn), lambda: (call,), settings)


class Settings:
    """How to record: steps, warm-up, folder, profiler and for how long, sources, HLO."""

    def __init__(
        self,
        *,
        steps: int = 1,
        warmup: int = 0,
        logdir: str | Path | None = None,
        profile: bool = True,
        sources: bool = True,
        hlo: bool = False,
        profile_seconds: float = SECONDS,
        progress: Progress | None = None,
    ) -> None:
        """Checks them.

        Raises:
          UsageError: no steps or negative ones, or `profile_seconds` is no time above 0.
        """
        if steps < 1:
            raise UsageError(f"steps is {steps}", hint="record at least one step: --steps 1")
        if warmup < 0:
            raise UsageError(f"warmup is {warmup}", hint="a number of calls, 0 or more: --warmup 0")
        self.steps = steps
        self.warmup = warmup
        self.logdir = logdir
        self.profile = profile
        self.sources = sources
        self.hlo = hlo
        self.profile_seconds = checked_seconds(profile_seconds)
        self.progress: Progress = progress or (lambda *_: None)


def record_calls(
    name: str,
    build: Callable[[], Sequence[Call]],
    settings: Settings,
    *,
    facts: Mapping[str, Any] | None = None,
    notes: Sequence[Warned] = (),
    opened: Callable[[Path], None] = lambda _: None,
) -> Run:
    """Builds calls and records them, in one run.

    `notes` are warnings for the run that `build` may add to; `opened` is told the run's folder as soon as there is one.

    `build` runs inside the run's folder but is not recorded itself: a failure in it is a failed run, and its functions
    are not in the way of those that the calls trace.

    Raises:
      UsageError, WriteFailed: as `record`.
      Exception: what the program raised; or `ProgramFailed` where a call that was to fail did not.
    """
    with open_session(
        name,
        logdir=settings.logdir,
        profile=settings.profile,
        sources=settings.sources,
        hlo=settings.hlo,
        profile_seconds=settings.profile_seconds,
        facts=facts,
    ) as session:
        opened(session.path)
        settings.progress("building", 0, 0)
        with hooks.keeping_instances() as kept:
            calls = [graph_call(call) for call in build()]
        session.warnings.extend(notes)
        with session.recording():
            _run(calls, session, settings)
        kept.clear()
        settings.progress("writing", 0, 0)
    return session.run


def _run(calls: Sequence[Call], session: Session, settings: Settings) -> None:
    outcomes: list[dict[str, Any]] = [{"name": call.name, "status": "not called", "error": ""} for call in calls]
    session.note(calls=outcomes, steps=settings.steps, warmup=settings.warmup)

    def once() -> None:
        _step(calls, outcomes)

    number = 0
    with telling(session, WARM_UP, lambda: number):
        for number in range(settings.warmup):
            settings.progress("warming up", number, settings.warmup)
            once()
    bare, known = Pass(), len(session.functions_so_far)
    try:
        with telling(session, BARE, lambda: len(bare.step_ns)):
            bare.run(
                once,
                settings.steps,
                progress=lambda number: settings.progress("timing", number, settings.steps),
                cpu=True,
            )
    finally:
        session.note(bare_step_ns=bare.step_ns, bare_cpu_ns=bare.cpu_ns)  # whatever becomes of the window
    bare.traced = session.traced_since(known)
    if session.profiler is not None:
        iterators = any(hooks.is_iterator(given) for call in calls for given in (*call.args, *call.kwargs.values()))
        steps_window(session, session.profiler, once, settings, bare, iterators=iterators)


def _step(calls: Sequence[Call], outcomes: list[dict[str, Any]]) -> None:
    for call, outcome in zip(calls, outcomes, strict=True):
        outcome["status"] = "failed"  # until it comes to an end
        outcome.update(_make(call))


def _make(call: Call) -> dict[str, str]:
    """Makes one call; a failure that the call expects is its outcome, any other goes its way."""
    if call.expects is None:
        call()
        return {"status": "returned", "error": ""}
    try:
        call()
    except call.expects as error:
        return {"status": "raised", "error": reason(error)}
    raise ProgramFailed(
        f"{call.name} was to raise {call.expects.__name__}, and did not",
        hint="the scenario says so with Call(...).raising(...)",
    )
