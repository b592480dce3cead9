import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.helpers import graph, trace
from tracer.graph.lines import Frame, Lines
from tracer.graph.model import Graph, Kind, Node, Nodes, TensorType, Variable
from tracer.render.graph import render_view
from tracer.report.export import export_view

WAIT_MS = 60_000
# What its renderer draws right now: it draws with WebGL, and keeps this door open for tests.
DRAWN = "() => (window.me_test?.renderers?.[0]?.nodesToRender ?? []).map(item => item.node.label)"


@pytest.fixture
def opened(page, tmp_path):
    """Returns a function that opens a trace's export in Model Explorer; its server ends with the test."""
    with contextlib.ExitStack() as stack:

        def open_it(traced):
            file = tmp_path / "graph.json"
            file.write_text(render_view(export_view(traced), "model-explorer"), encoding="utf-8")
            address = stack.enter_context(_server(file))
            page.goto(address, wait_until="domcontentloaded")
            page.wait_for_function(f"() => ({DRAWN})().length > 0", timeout=WAIT_MS)
            return page

        yield open_it


def test_scopes_are_layers_and_open_to_nodes_with_shapes_lines_and_variables(opened):
    """Scopes are closed layers; a node found by its path opens them, and shows its shapes, line and variable."""
    nodes = graph(
        "x:Placeholder=float32[8,32]  w:Placeholder=resource  f:StatefulPartitionedCall@g=float32[8,16]<-x,w"
        "  out:Identity=float32[8,16]<-f",
        g="(x,w) net/read:ReadVariableOp=float32[32,16]<-w  net/scores:MatMul=float32[8,16]<-x,net/read:value:0"
        "  net/Relu:Relu=float32[8,16]<-net/scores:product:0 ->net/Relu:activations:0",
    )
    weights = Variable("mlp/w:0", TensorType("float32", (32, 16)), trainable=True)
    lines = Lines((Frame("train.py", 12, "call"),), ((0,),), {"g": {"net/scores": 0}})
    page = opened(
        trace("step", graphs={"traced": Graph(nodes.nodes, nodes.functions, {"w": weights})}, lines=lines),
    )

    assert sorted(page.evaluate(DRAWN)) == ["f (g)", "out", "x"]

    page.get_by_placeholder("Search nodes/layers by regex").fill("path:f/net/scores")
    page.get_by_text("scores", exact=True).click(modifiers=["Alt"])
    page.wait_for_function(f"() => ({DRAWN})().includes('scores')", timeout=WAIT_MS)

    assert sorted(page.evaluate(DRAWN)) == ["Relu", "f", "f (g)", "net", "out", "scores", "x"]
    panel = page.locator("info-panel")
    panel.get_by_text("OUTPUTS").wait_for(timeout=WAIT_MS)
    told = panel.inner_text().split()
    text = " ".join(told)
    assert "op MatMul" in text
    assert "source train.py:12 in call" in text
    assert "reads variable mlp/w:0" in text
    assert "shape float32[8, 32]" in text.partition("INPUTS")[2]
    assert "shape float32[8, 16]" in text.partition("OUTPUTS")[2]


def test_hostile_names_are_drawn(opened):
    """Names with markup, quotes, `;`, half a surrogate pair, of prototypes, and twice the same: each is a node."""
    names = ["<b>x", "a;b/c", 'q"\n', "\udc80", "__proto__", "x___group___", "twice", "twice", "", "a//b", "e\\/f"]
    page = opened(trace(graphs={"traced": Graph(Nodes.of(Node(name, Kind("Add"), (), "") for name in names))}))
    page.get_by_text("unfold_more_double", exact=True).first.click()
    page.wait_for_function(f"() => ({DRAWN})().length >= {len(names)}", timeout=WAIT_MS)

    drawn = page.evaluate(DRAWN)
    assert sorted(set(drawn)) == sorted(
        ["<b>x", "c", 'q"\\n', "\\udc80", "__proto__", "x___group___", "twice", "Add", "b", "f"]
    )
    assert drawn.count("twice") == 2


@contextlib.contextmanager
def _server(file):
    """Starts Model Explorer's own server on loopback; the address opens the file."""
    port = _free_port()
    command = [Path(sys.executable).parent / "model-explorer", "--host", "127.0.0.1", "--port", str(port)]
    options = ["--no_open_in_browser", "--skip_health_check"]
    # It asks the package index for a newer version of itself; a proxy that does not exist answers at once.
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
    log = file.with_suffix(".log")
    with log.open("w") as out:
        server = subprocess.Popen([*command, *options, file], stdout=out, stderr=out, env={**os.environ, **nowhere})
        try:
            _wait_for(f"http://127.0.0.1:{port}/check_health", server, log)
            data = urllib.parse.quote(json.dumps({"models": [{"url": str(file)}]}))
            yield f"http://127.0.0.1:{port}/?data={data}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(address, server, log):
    end = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        with (
            contextlib.suppress(urllib.error.URLError, TimeoutError),
            urllib.request.urlopen(address, timeout=5) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"Model Explorer does not answer: {log.read_text()}")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
