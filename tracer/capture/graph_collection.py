"""TensorFlow's optimised graphs of a whole program, taken as it makes them, whoever else collects them.

A program may use `tf.summary.trace_on` itself, so its state is left to it: graphs are collected below that, in the
context, and what the program exports is seen too. TensorFlow holds them in memory until somebody takes them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tracer.capture import hooks, tf_private
from tracer.recorded import Warned

_CONTEXT = "tensorflow.python.eager.context:Context."


class GraphCollection:
    """Collects from the first function on: before that the program may still choose its devices."""

    def __init__(self, take: Callable[[list[Any]], None]) -> None:
        """Gives the FunctionGraphs messages to `take`, in the order in which functions were instantiated."""
        self.warnings: list[Warned] = []
        self._take = take
        self._on = False
        self._export: Callable[[Any], Any] | None = None  # TensorFlow's own
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        """Waits for the program's first function, and collects from then on."""
        for name in ("enable_run_metadata", "enable_graph_collection"):
            self._stack.enter_context(tf_private.replaced(_CONTEXT + name, self._enabling))
        self._stack.enter_context(tf_private.replaced(_CONTEXT + "export_run_metadata", self._exporting))
        self._stack.enter_context(hooks.functions_made(self._first))

    def drain(self) -> None:
        """Takes what TensorFlow holds; while the program's own trace is on, that is for the program's export first."""
        if self._on and not tf_private.trace_is_on():
            self._take(self._held())

    def stop(self) -> list[Any]:
        """Ends it, and returns what nobody has taken."""
        if not self._on:
            self._stack.close()
            return []
        self._on = False
        graphs = self._held()
        self._stack.close()
        if not tf_private.trace_is_on():
            tf_private.stop_collecting()
        return graphs

    def _held(self) -> list[Any]:
        if self._export is None:
            return []
        metadata = self._export(tf_private.eager_context())
        return list(metadata.function_graphs) if metadata is not None else []

    def _first(self, _: Any) -> None:
        if not self._on:
            with contextlib.suppress(Exception):  # the program goes on; what TensorFlow optimised is missing then
                tf_private.eager_context().enable_graph_collection()
                self._on = True

    def _enabling(self, original: Any) -> Any:
        def enable(context: Any) -> Any:
            with contextlib.suppress(Exception):  # as above
                self.drain()  # the program's export is to have what comes from here on
            return original(context)

        return enable

    def _exporting(self, original: Any) -> Any:
        self._export = original

        def export(context: Any) -> Any:
            metadata = original(context)
            if self._on and metadata is not None:
                self._take(list(metadata.function_graphs))
            return metadata

        return export
