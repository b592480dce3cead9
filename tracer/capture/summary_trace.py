"""The session that TensorBoard expects: `tf.summary.trace_on` to `trace_export`, without what they leave broken.

The profiler is not left to `trace_on(profiler=True)`: its `trace_export` raises if the profiler stopped before, and
stops it twice if not; a run is to keep its graphs whatever the profiler does. So `tracer.capture.profiler` owns it, on
the same folder, and `trace_on` collects graphs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tracer.capture import tf_private
from tracer.errors import SessionActive, TracerError, UsageError, reason
from tracer.recorded import Warned
from tracer.store import layout
from tracer.store.events import read_graph_tags

_TAG = "raw"


class SummaryTrace:
    """TensorFlow's own trace of one session, exported to a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.warnings: list[Warned] = []
        self._folder = folder / layout.RAW_EXPORT
        self._on = False

    def start(self) -> None:
        """Turns the trace on, with nothing in it from before.

        Raises:
          UsageError: inside a tf.function or a v1 graph, where TensorFlow only logs and records nothing.
          SessionActive: the program has a trace of its own open.
        """
        import tensorflow as tf

        if not tf.executing_eagerly():
            raise UsageError(
                "a session cannot be opened inside a tf.function or a v1 graph",
                hint="open it around the call from eager code",
            )
        if tf_private.trace_is_on():
            raise SessionActive(
                "the program's own tf.summary.trace_on is on",
                hint="end it with tf.summary.trace_export or trace_off before this session",
            )
        tf.summary.trace_on(graph=True, profiler=False)
        self._on = True
        tf_private.start_collecting()

    def stop(self) -> list[Any]:
        """Ends the trace, leaves nothing switched on, and returns the FunctionGraphs messages that it wrote."""
        import tensorflow as tf

        if not self._on:
            return []
        self._on = False
        try:
            if tf_private.trace_is_on():
                return self._export()
            self._warn("the program ended the session's trace itself (trace_export or trace_off)")
            return []
        except (TracerError, tf.errors.OpError, OSError, ValueError) as error:
            self._warn(f"TensorFlow could not export it: {reason(error)}")
            return []
        finally:
            tf.summary.trace_off()
            tf_private.stop_collecting()

    def _export(self) -> list[Any]:
        import tensorflow as tf

        writer = tf.summary.create_file_writer(str(self._folder))
        with writer.as_default():
            tf.summary.trace_export(_TAG, step=0)
        writer.close()
        graphs: list[Any] = []
        for file in sorted(self._folder.glob(layout.EVENT_PREFIX + "*")):
            for metadata in read_graph_tags(file).values():
                graphs.extend(metadata.function_graphs)
        return graphs

    def _warn(self, message: str) -> None:
        self.warnings.append(
            Warned(
                "no-raw-export", f"no raw export: {message}", "the functions are recorded; only that copy is missing"
            )
        )
