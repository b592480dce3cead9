"""A callback for Keras that records a `fit`, an `evaluate` or a `predict`, of Keras 3 and of tf_keras.

    import tracer.keras

    callback = tracer.keras.TraceCallback()
    model.fit(x, y, callbacks=[callback])
    callback.run.functions

Importing this imports no Keras, as the callback inherits from neither: both ask for methods only.
"""

from __future__ import annotations

import contextlib
import logging
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.capture.limits import SECONDS, checked_seconds
from tracer.capture.rolling_session import rolling_settings
from tracer.errors import TracerError, reason
from tracer.store import layout

if TYPE_CHECKING:
    from tracer.capture.fit import FitSession
    from tracer.recorded import Run

__all__ = ["TraceCallback"]

_log = logging.getLogger(__name__)


def _nothing(_self: TraceCallback, _number: Any = None, logs: Any = None) -> None:
    """Keras tells something that is of no use here."""


_nothing._is_default = True  # type: ignore[attr-defined]  # so both Kerases leave out the call, and stay asynchronous


class TraceCallback:
    """Records each `fit`, `evaluate` and `predict` that it is given to as a run of its own.

    Its batches are the steps, and the profiler is on for windows of them, as in `trace-scenario script`; what a fit
    evaluates in between is recorded and is no step of it. The fit goes on as it would without the callback: where
    something cannot be recorded it says so in Python's log, once.
    """

    _supports_tf_logs = True  # tf_keras: no losses are asked for, so it need not wait for them

    def __init__(
        self,
        name: str | None = None,
        *,
        logdir: str | Path | None = None,
        steps: int = 10,
        skip_steps: int = 1,
        every: int = 0,
        profile: bool = True,
        profile_seconds: float = SECONDS,
        sources: bool = True,
        hlo: bool = False,
        verbose: bool = False,
    ) -> None:
        """Says what to record; nothing is recorded yet.

        Args:
          name: the scenario's name in the log folder; the model's name where it is not given.
          logdir: the log folder; `TRACE_SCENARIO_LOGDIR`, or `logs`, where it is not given.
          steps: of a window; a step is one call of Keras' function, of `steps_per_execution` batches.
          skip_steps: steps before the first window: the first one traces.
          every: a window begins each so many steps; 0 for as often as it costs no more than 3 % of the time.
          profile: whether there are windows at all.
          profile_seconds: a window lasts no longer.
          sources: whether copies of the user's files are kept beside the graphs.
          hlo: whether XLA also compiles the functions that the program does not have it compile, for their HLO.
          verbose: whether to print, at the end, where the run is.

        Raises:
          UsageError: a number is out of range.
        """
        self._options: dict[str, Any] = {
            "steps": steps,
            "skip_steps": skip_steps,
            "every": every,
            "profile": profile,
            "profile_seconds": checked_seconds(profile_seconds),
            "sources": sources,
            "hlo": hlo,
        }
        rolling_settings(logdir=Path(), **self._options)  # which checks them now, and not in the fit
        self._name = name
        self._logdir = Path(logdir) if logdir is not None else None
        self._verbose = verbose
        self._clear()

    def _clear(self) -> None:
        self.model: Any = None
        self.params: Any = None
        self._session: FitSession | None = None
        self._depth = 0  # loops over batches that are under way: a fit evaluates, and may fit
        self._run: Run | None = None

    def __getstate__(self) -> dict[str, Any]:
        """A copy has the same options, and has recorded nothing."""
        return {name: getattr(self, name) for name in ("_options", "_name", "_logdir", "_verbose")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._clear()

    def __repr__(self) -> str:
        state = "recording" if self._session else repr(self._run) if self._run else "nothing recorded"
        return f"<TraceCallback: {state}>"

    @property
    def run(self) -> Run | None:
        """What was recorded last; None before the first end, and where nothing could be."""
        self._collect()
        return self._run

    def set_model(self, model: Any) -> None:
        """Keras tells whose callback it is."""
        self.model = model

    def set_params(self, params: Any) -> None:
        """Keras tells how many epochs and steps there will be."""
        self.params = params

    def on_train_begin(self, logs: Any = None) -> None:
        """A fit begins."""
        self._begin("fit")

    def on_test_begin(self, logs: Any = None) -> None:
        """An evaluation begins, of its own or in a fit."""
        self._begin("evaluate")

    def on_predict_begin(self, logs: Any = None) -> None:
        """A prediction begins."""
        self._begin("predict")

    def on_train_batch_begin(self, batch: Any, logs: Any = None) -> None:
        """A batch begins, of whatever it is that runs."""
        if self._session is not None and self._depth == 1:
            self._guarded(self._session.batch)

    on_test_batch_begin = on_predict_batch_begin = on_train_batch_begin

    def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
        """An epoch has ended."""
        if self._session is not None and self._depth == 1:
            self._guarded(self._session.batches_end)

    def on_train_end(self, logs: Any = None) -> None:
        """A fit, an evaluation or a prediction has ended as it should."""
        if self._session is None:
            return
        self._depth -= 1
        if not self._depth:
            self._guarded(self._session.end)
            self._collect()

    on_test_end = on_predict_end = on_train_end
    on_epoch_begin = _nothing
    on_batch_begin = on_batch_end = on_train_batch_end = on_test_batch_end = on_predict_batch_end = _nothing

    def _implements_train_batch_hooks(self) -> bool:  # tf_keras asks
        return True

    _implements_test_batch_hooks = _implements_predict_batch_hooks = _implements_train_batch_hooks

    def _begin(self, verb: str) -> None:
        self._collect()
        session = self._session
        if session is not None:
            if self._depth == 1:
                self._guarded(lambda: session.batches_end(f"the fit went on to {verb}"))
            self._depth += 1
            return
        self._run = None
        self._guarded(lambda: self._open(verb))

    def _open(self, verb: str) -> None:
        from tracer.capture.fit import FitSession
        from tracer.capture.session import open_sessions

        others = [session for session in open_sessions() if not session.background]  # which gives way
        if others:
            _log.warning("TraceCallback records nothing: session '%s' is open, and records this too", others[-1].name)
            return
        settings = rolling_settings(logdir=self._logdir or layout.default_logdir(), **self._options)
        name = self._name or str(getattr(self.model, "name", "")) or verb
        self._session = FitSession(name, settings, verb=verb, model=self.model)
        self._depth = 1
        self._session.begin()

    def _collect(self) -> None:
        """Takes the run of a session that is over, whoever closed it."""
        session = self._session
        if session is None:
            return
        session.close_if_over()
        if not session.is_over:
            return
        self._session, self._depth = None, 0
        self._run = session.run if session.is_readable else None
        if self._verbose and self._run:
            sys.stderr.write(
                f"recorded {self._run.path}\nnext: trace-scenario show {shlex.quote(str(self._run.path))}\n"
            )

    def _guarded(self, do: Callable[[], None]) -> None:
        """Does something for the recording. The fit goes on if that fails."""
        try:
            do()
        except Exception as error:  # noqa: BLE001  # of whatever kind: the model's training is worth more
            hint = f"; {error.hint}" if isinstance(error, TracerError) and error.hint else ""
            said = error.message if isinstance(error, TracerError) else reason(error)
            _log.warning("TraceCallback: %s%s", said, hint)
            session = self._session
            if session is not None and not session.is_over:
                with contextlib.suppress(Exception):  # what went wrong is said already
                    session.close(error)
