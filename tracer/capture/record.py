"""Records calls: once per warm-up step, then over a window of steps with the profiler on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer.capture import hooks
from tracer.capture.profiler import timed_steps
from tracer.capture.session import Session, open_session
from tracer.discover.declare import Call, callable_name
from tracer.errors import ProgramFailed, UsageError, reason
from tracer.recorded import Run, Warned

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
) -> Run:
    """Records `fn(*args)`: `warmup` times, then `steps` times with the profiler on.

        run = tracer.record(step, x, y, steps=20)
        run.functions["step"].traces[0].graph

    Keyword arguments of `fn` go through `functools.partial` or a lambda: the ones here are the recording's.

    Raises:
      UsageError: no steps, or negative ones.
      SessionActive: another session is open in this process.
      WriteFailed: the run could not be written whole.
      Exception: whatever `fn` raises; the run is kept, and its status is `failed`.
    """
    call = Call(fn, *args)
    settings = Settings(steps=steps, warmup=warmup, logdir=logdir, profile=profile, sources=sources, hlo=hlo)
    return record_calls(name or callable_name(fn), lambda: (call,), settings)


class Settings:
    """How to record: steps, warm-up, folder, profiler, sources, HLO."""

    def __init__(
        self,
        *,
        steps: int = 1,
        warmup: int = 0,
        logdir: str | Path | None = None,
        profile: bool = True,
        sources: bool = True,
        hlo: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Checks them.

        Raises:
          UsageError: no steps, or negative ones.
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
        facts=facts,
    ) as session:
        opened(session.path)
        settings.progress("building", 0, 0)
        with hooks.keeping_instances() as kept:
            calls = build()
            session.warnings.extend(notes)
            with session.recording():
                _run(calls, session, settings)
        kept.clear()
        settings.progress("writing", 0, 0)
    return session.run


def _run(calls: Sequence[Call], session: Session, settings: Settings) -> None:
    outcomes: list[dict[str, Any]] = [{"name": call.name, "status": "not called", "error": ""} for call in calls]
    session.note(calls=outcomes, steps=settings.steps, warmup=settings.warmup)
    for number in range(settings.warmup):
        settings.progress("warming up", number, settings.warmup)
        _step(calls, outcomes)

    def step(number: int) -> None:
        settings.progress("recording", number, settings.steps)
        _step(calls, outcomes)

    if session.profiler is None:
        timed_steps(step, settings.steps)
        return
    with session.profiler.window():
        wall_ns = timed_steps(step, settings.steps)
    if not session.profiler.warnings:
        session.note(window={"steps": settings.steps, "warmup": settings.warmup, "wall_ns": wall_ns})


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
