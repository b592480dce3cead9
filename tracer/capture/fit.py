"""A Keras fit, evaluation or prediction as a run: its batches are the steps, whatever ends it.

Keras tells a callback when a fit begins, but not when it is left by an exception. Then its list of callbacks goes, or
its frame; the run is closed as soon as either is seen: at once for an error, and for Ctrl-C at the latest when somebody
asks for the run, opens another, or Python ends.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import os
import sys
import threading
import traceback
import weakref
from types import FrameType, TracebackType
from typing import Any

from tracer.capture import hooks
from tracer.capture.rolling_session import RollingSession, RollingSettings
from tracer.capture.signals import interrupt_noted
from tracer.capture.window import ran_before
from tracer.errors import ProgramFailed, TracerError, reason
from tracer.recorded import Warned
from tracer.text import plural

VERBS = {"fit": "Model.fit", "evaluate": "Model.evaluate", "predict": "Model.predict"}
_FIRST_FIT = "record the model's first fit, or compile() it again before this one"


class FitSession(RollingSession):
    """The recording of one fit, evaluation or prediction."""

    def __init__(self, name: str, settings: RollingSettings, *, verb: str, model: Any) -> None:
        """Makes the run's folder.

        Args:
          name: the run's scenario.
          settings: what to record.
          verb: what runs the batches: `fit`.
          model: the Keras model.

        Raises:
          SessionActive: another session is open in this process.
          WriteFailed: the log folder cannot be written.
        """
        super().__init__(name, settings, target=f"{VERBS[verb]} of {getattr(model, 'name', type(model).__name__)}")
        self._recorder.of_model = model
        self._step = VERBS[verb]
        self._eager = bool(getattr(model, "run_eagerly", False))
        self._number = 0  # of the next batch
        self._is_due = False  # whether a batch has begun whose step has not
        self._came_back = True  # whether the call of the batch under way did, or there was none
        self._ended_early = 0  # batches of a window that were none: the data was at its end
        self._seen: BaseException | None = None  # what the last call ended by, as a copy that holds no frame
        self._seen_at = ""  # its traceback
        self._loop = _Loop(verb)
        self._handled = id(sys.exc_info()[1])  # what the program was handling when it began

    def begin(self) -> None:
        """Records from here on, until it is closed."""
        super().begin()
        self._stack.enter_context(interrupt_noted(self._interrupted))
        atexit.register(self._left_at_exit)
        self._stack.callback(atexit.unregister, self._left_at_exit)
        if self._loop.callbacks is not None:
            finalizer = weakref.finalize(self._loop.callbacks, self._left)
            finalizer.atexit = False
            self._stack.callback(finalizer.detach)

    def _listen_to_steps(self) -> None:
        self._stack.enter_context(
            hooks.outermost_calls(began=self._called, ended=self._returned, failed=self._recorder.failed)
        )

    def batch(self) -> None:
        """A batch begins: with the call of Keras' function, if there is one."""
        self._is_due = True
        if self._eager:
            self._begin_step()

    def batches_end(self, then: str = "") -> None:
        """The batch under way was the last of its epoch.

        Args:
          then: what comes now, if that is to be in no window.
        """
        if os.getpid() != self._pid:
            return
        if not self._came_back:  # Keras asks for batches until there is none, where it does not know how many there are
            self._ended_early += self.windows.is_open
        self.windows.end(raised=not self._came_back)
        self._is_due, self._came_back, self._seen, self._seen_at = False, True, None, ""
        if then:
            self.windows.break_off(then)

    @property
    def is_over(self) -> bool:
        """Whether it is closed, by whomever."""
        return self._closed

    def end(self) -> None:
        """All batches were run, and Keras has said so.

        Raises:
          WriteFailed: something could not be written or does not read back.
        """
        self.batches_end()
        self.close(None)

    def close(self, error: BaseException | None) -> None:
        """Ends the session, once. Args and raises: as `Session.close`."""
        if not self._closed and os.getpid() == self._pid:
            self.windows.ran_before = ran_before(self.functions_so_far, advice=_FIRST_FIT)
        super().close(error)

    def close_if_over(self) -> None:
        """Closes it where the fit was left without a word."""
        if not self._loop.goes_on():
            self._left()

    def save(self) -> None:
        """Has what is known by now on disk."""
        self.windows.ran_before = ran_before(self.functions_so_far, advice=_FIRST_FIT)
        super().save()

    def _left(self) -> None:
        """The fit was left by an exception, which Keras tells no callback."""
        with contextlib.suppress(TracerError):  # the run says what it lacks
            self.close(self._why_left())

    def _left_at_exit(self) -> None:
        interrupted = isinstance(getattr(sys, "last_value", None), KeyboardInterrupt) and not hasattr(sys, "ps1")
        self._left()
        if interrupted:
            # Python dies of SIGINT, as a shell expects, only if the last text that it has run ended by Ctrl-C; making
            # a dataclass, in a module that is imported here for the first time, runs one.
            with contextlib.suppress(KeyboardInterrupt):
                exec("raise KeyboardInterrupt")  # noqa: S102

    def _why_left(self) -> BaseException:
        for error in (sys.exc_info()[1], getattr(sys, "last_value", None)):
            if error is not None and self._loop.is_in(error.__traceback__):
                return error
        if self._seen is not None and self._seen_at:
            self.note(traceback=self._seen_at)
        return self._seen or ProgramFailed(f"{self._step} was left before its end")

    def _begin_step(self) -> None:
        """A step begins, and the one under way ends: in Keras' loop, as tf_keras warns of callbacks that take time."""
        number, self._number = self._number, self._number + 1
        self._is_due, self._seen, self._seen_at = False, None, ""
        self.windows.begin(self._step, number, tentative=number < self._settings.plan.skip_steps)

    def _called(self, _: Any) -> None:
        if os.getpid() != self._pid:
            return
        self._drain_if_full()
        if self._is_due:
            self._begin_step()
        self._came_back = False

    def _returned(self, _: Any) -> None:
        error = sys.exc_info()[1]
        if error is None or id(error) == self._handled:
            self._came_back = True
            return
        self._seen_at = "".join(traceback.format_exception(error))
        try:
            self._seen = copy.copy(error).with_traceback(None)
        except Exception:  # noqa: BLE001  # not every exception can be made again
            self._seen = ProgramFailed(reason(error))

    def _interrupted(self) -> None:
        self._seen = KeyboardInterrupt()

    def _said(self) -> list[Warned]:
        found = super()._said()
        if self._eager:
            message = "the model runs eagerly (run_eagerly=True), so its steps have no graph"
            found.append(Warned("runs-eagerly", message, "compile it without run_eagerly to record one"))
        if self._ended_early:
            steps = plural(self._ended_early, "profiled step")
            message = f"{steps} ran no batch, which is not counted: Keras asked for one, and the data was at its end"
            found.append(Warned("empty-steps", message, "give fit steps_per_epoch=, or skip the first epoch's end"))
        return found

    def _nothing_traced(self) -> list[Warned]:
        return [] if self._eager else super()._nothing_traced()


class _Loop:
    """Keras' loop over batches, which calls the callbacks: whether it goes on."""

    def __init__(self, verb: str) -> None:
        """Finds it on the stack. `verb` is the method that loops."""
        self._thread = threading.get_ident()
        self._callbacks: weakref.ref[Any] | None = None
        self._code: Any = None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and self._code is None:
            owner = frame.f_locals.get("self")
            if self._callbacks is None and hasattr(owner, "callbacks") and hasattr(owner, "on_train_batch_begin"):
                self._callbacks = weakref.ref(owner)
            if frame.f_code.co_name == verb and self._is_of(frame):
                self._code = frame.f_code
            frame = frame.f_back

    @property
    def callbacks(self) -> Any:
        """Keras' list of callbacks; None if it is gone, or was not found."""
        return self._callbacks() if self._callbacks else None

    def goes_on(self) -> bool:
        """Tells whether the loop goes on, as far as one can see."""
        if self._callbacks is None:
            return True
        if self._code is None:
            return self.callbacks is not None
        return self._is_above(sys._current_frames().get(self._thread))

    def is_in(self, trace: TracebackType | None) -> bool:
        """Tells whether an exception with this traceback came through the loop."""
        while trace is not None:  # Keras leaves its own frames out, but not out of those that they have called
            if self._is_above(trace.tb_frame):
                return True
            trace = trace.tb_next
        return False

    def _is_above(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code is self._code and self._is_of(frame):
                return True
            frame = frame.f_back
        return False

    def _is_of(self, frame: FrameType) -> bool:
        callbacks = self.callbacks
        return callbacks is not None and frame.f_locals.get("callbacks") is callbacks
