"""Writes every function down the moment that TensorFlow traces it, or that the program first calls it.

The function hook is the source of truth: it also sees functions that `trace_export` leaves out, which are those that
are jitted, that ran before, or that live inside `fit` and `tf.data`.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tracer.capture import describe, hooks, tf_private
from tracer.capture.keras_graph import living_models
from tracer.capture.layers import Layer
from tracer.capture.modules import Living, living_modules, living_objects, local_name
from tracer.capture.recorded_function import (
    RecordedFunction,
    named_capture,
    recorded_function,
    trace_facts,
    without_graph,
)
from tracer.capture.retrace_facts import KeyReader, Replacements
from tracer.errors import TracerError, WriteFailed, reason
from tracer.graph.names import function_name
from tracer.recorded import Warned
from tracer.store.writer import RunWriter
from tracer.text import count, plural

# Of the folder's limit: a fourth is for windows, and a fourth for TensorBoard's tags, which hold the graphs once more.
_GRAPHS = 0.25  # traces that come when so much is written lose their graphs
_TRACES = 0.4  # those that come then are counted and no more


class FunctionRecorder:
    """Records the functions of one session."""

    def __init__(
        self,
        writer: RunWriter,
        *,
        hlo: bool = False,
        wanted: Callable[[str], Any] | None = None,
        max_bytes: int = 0,
    ) -> None:
        """Records into `writer`.

        Args:
          writer: of the run.
          hlo: whether to keep what XLA needs to compile functions that are not jitted.
          wanted: tells by its name whether to record a function; all, if it is not given.
          max_bytes: of the run's folder; 0 is no limit. Traces beyond a fourth of it lose their graphs, and some later
            they are counted and no more.
        """
        self.recorded: dict[str, RecordedFunction] = {}  # by runtime name, in the order of recording
        self.untaken: list[RecordedFunction] = []  # those since the optimised graphs were taken from TensorFlow
        self.failure: TracerError | None = None  # the first; the program that is recorded never sees it
        self.living = Living()  # the modules of the program when it was recorded
        self.models: tuple[Layer, ...] = ()  # the Keras models among them
        self.of_model: Any = None  # the one Keras model that is recorded, where that is known
        self.warnings: list[Warned] = []
        self._writer = writer
        self._hlo = hlo
        self._wanted = wanted
        self._max_bytes = max_bytes
        self._without_graphs = 0
        self._left_out: set[str] = set()  # runtime names of functions that are not recorded
        self._too_many = 0  # of these, those that there was no room for
        self._calls_left_out = 0
        self._owners: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()  # number of each tf.function
        self._numbers = itertools.count(1)
        self._replacements = Replacements()
        self._began = time.perf_counter()
        self._pid = os.getpid()
        self._datasets: weakref.WeakSet[Any] = weakref.WeakSet()
        self._called = 0
        self.lock = threading.RLock()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Records while the block runs."""
        with hooks.listening(created=self._created, called=self._on_call, iterated=self._on_iterate):
            try:
                yield
            finally:
                self._look_at_modules()
        self._datasets.clear()

    def deafen(self) -> None:
        """Records nothing from now on."""
        self._pid = -1

    def outcomes(self) -> dict[str, Mapping[str, Any]]:
        """Returns, for each trace folder, what the session told: calls, and why a stage is missing."""
        return {item.folder: {"calls": item.calls, "missing": item.missing} for item in tuple(self.recorded.values())}

    def _created(self, creation: hooks.Creation) -> None:
        if os.getpid() != self._pid:
            return  # a forked child inherits the hooks, but the run is its parent's
        with self.guarded():
            function = tf_private.runtime_function(creation.concrete)
            again = self._number(creation.owner)
            cause = "creates variables" if creation.creates_variables else "traced again" if again else "first trace"
            self._record(function, creation=creation, cause=cause, key=self._key(creation, new=not again))

    def _on_call(self, function: Any) -> None:
        if os.getpid() != self._pid:
            return
        name = describe.text(function.name)
        known = self.recorded.get(name)
        if known is None and name not in self._left_out:
            with self.guarded():
                self._record_existing(function)
            known = self.recorded.get(name)
        if known is None:
            self._calls_left_out += 1
        else:
            with self.lock:
                if known.first_call < 0:
                    known.first_call = self._called
                    self._called += 1
                known.calls += 1

    def _on_iterate(self, dataset: Any) -> None:
        if dataset in self._datasets or os.getpid() != self._pid:
            return
        self._datasets.add(dataset)
        with self.guarded():
            for concrete in tf_private.dataset_functions(dataset):
                self._record_existing(tf_private.runtime_function(concrete))

    def _record_existing(self, function: Any) -> None:
        """Records a function that was traced before the session, and those that it runs."""
        children = [child for child in function.children if hasattr(child, "graph")]  # not those of TensorFlow 1
        bodies = describe.bodies((*children, function))
        for part in (*children, function):
            name = describe.text(part.name)
            base, kind = function_name(name)
            if name in self.recorded or (part is not function and (base == name or name in bodies)):
                continue  # a branch or a loop's body is part of the graph that holds it
            if kind != "inference":
                self._record(part, cause="gradient")
                continue
            creation = hooks.existing(base) if part is function else None
            if creation is not None:
                self._number(creation.owner)
            self._record(part, cause="traced before the session", creation=creation)

    def _look_at_modules(self) -> None:
        """Asks the modules what they are called while they live, and has the variables called as they say."""
        if os.getpid() != self._pid or not self.recorded:
            return  # a forked child, or nothing to tell about
        objects = living_objects()
        with self._tolerant("no-modules", "it is not known which scopes are which module's"):
            self.living = living_modules(objects)
            for name, why in self.living.lost.items():
                self.warnings.append(Warned("no-modules", f"it is not known which scopes are a {name}'s: {why}", ""))
        with self._tolerant("no-keras-graph", "the Keras model's layers could not be drawn"):
            self.models = living_models(objects if self.of_model is None else [self.of_model])
        with self.guarded():
            self._name_variables()

    @contextmanager
    def _tolerant(self, code: str, what: str) -> Iterator[None]:
        """Warns where modules cannot be described: they are the user's objects, and Keras' insides change."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # whatever it is, the rest of the run is good
            self.warnings.append(Warned(code, f"{what}: {reason(error)}", "please report this"))

    def _name_variables(self) -> None:
        for entry in self.recorded.values():
            named = [named_capture(capture, entry.variables, self.living) for capture in entry.captures]
            if named != entry.captures:
                self._writer.complete_trace(entry.folder, captures=named)
                entry.captures = named

    def _number(self, owner: Any) -> bool:
        """Gives a tf.function object a number, and tells whether it had one: whether it was traced before."""
        if owner is None:
            return False
        again = owner in self._owners
        if not again:
            self._owners[owner] = next(self._numbers)
        return again

    def _key(self, creation: hooks.Creation, *, new: bool) -> dict[str, Any]:
        """Returns what tells a trace from others, when it began, and in whose place its tf.function is."""
        since = time.perf_counter() - self._began
        key = {"at_s": max(since - (creation.seconds or 0.0), 0.0), "replaces": 0, **(creation.key or {})}
        if new and creation.owner is not None:
            place = describe.definition(creation.python_function)
            named = (local_name(creation.python_function), *(place or {}).values())
            key["replaces"] = self._replacements.replaced_by(creation.owner, self._owners[creation.owner], named)
        return key

    def _record(
        self,
        function: Any,
        *,
        cause: str,
        creation: hooks.Creation | None = None,
        key: dict[str, Any] | None = None,
    ) -> None:
        with self.lock:
            name = describe.text(function.name)
            if name in self.recorded or name in self._left_out:
                return
            if not self._has_room(name):
                self._left_out.add(name)
                return
            entry = recorded_function(function, creation, hlo=self._hlo)
            number = self._owners.get(creation.owner, 0) if creation and creation.owner is not None else 0
            facts, stages = trace_facts(function, entry, creation, cause, number)
            facts["key"] = key or {"parts": KeyReader().parts(function.function_type)}
            lines = describe.lines(function)
            if self._max_bytes and self._writer.bytes_of_traces > _GRAPHS * self._max_bytes:
                facts, stages = without_graph(facts, stages), {}
                lines = describe.LineTable()
                self._without_graphs += 1
                entry.forget()
            entry.folder = self._writer.add_trace(entry.name, {**facts, "lines": lines.as_json()}, stages)
            self.recorded[name] = entry
            if stages:
                self.untaken.append(entry)
            place = facts["definition"]
            files = {*lines.files, *([place["file"]] if place and facts["origin"] == "user" else [])}
            for file in sorted(files):
                if not describe.is_installed(file):  # installed packages can be had again, and are many
                    self._writer.add_source(file)

    def _has_room(self, name: str) -> bool:
        if self._wanted is not None and not self._wanted(function_name(name)[0]):
            return False
        if self._max_bytes and self._writer.bytes_of_traces > _TRACES * self._max_bytes:
            self._too_many += 1
            return False
        return True

    def said(self) -> list[Warned]:
        """Returns what a reader of the run has to know about functions that are not in it."""
        found = []
        if filtered := len(self._left_out) - self._too_many:
            message = f"{plural(filtered, 'trace')} of other functions are not recorded"
            found.append(Warned("functions-left-out", message, "--functions says which are"))
        if self._without_graphs or self._too_many:
            message = (
                f"the program traced so much that {plural(self._without_graphs, 'trace')} are recorded without their "
                f"graphs, and {count(self._too_many)} not at all, nor {plural(self._calls_left_out, 'call')} of those"
            )
            found.append(
                Warned("too-many-traces", message, "trace-scenario retraces says why; --max-bytes N keeps more")
            )
        return found

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keeps our failures out of the program that is recorded; the session reports the first when it ends."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # whatever it is, the user's program goes on
            self.failed(error)

    def failed(self, error: Exception) -> None:
        """Keeps a failure of ours for the end of the session."""
        if self.failure is not None:
            return
        if isinstance(error, TracerError):
            self.failure = error
            return
        self.failure = WriteFailed(
            f"a function could not be recorded: {type(error).__name__}: {error}",
            hint="the rest of the run is good; please report this with the function's source",
        )
        self.failure.__cause__ = error
