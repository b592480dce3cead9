"""The process that work on a graph is timed in: `python -m benchmarks.graphs CASE FILE SMALL`; prints what it cost.

SMALL is a graph of ten nodes. Reading the file into memory is outside of the time where a case takes bytes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.inside import Work, measure_case

SHOWN = 60  # rows that `show` prints unless it is asked for more


def protobuf(path: Path) -> Work:
    """The bare parse by protobuf, into its own classes."""
    from tensorboard.compat.proto import graph_pb2

    content = path.read_bytes()
    return lambda: graph_pb2.GraphDef.FromString(content)


def tree(path: Path) -> Work:
    """Reading, following calls, the scope tree, and nodes, output bytes and FLOPs of each scope."""
    from tracer.collector import paused_collector
    from tracer.graph.flops import graph_flops
    from tracer.graph.inline import inline
    from tracer.graph.scopes import scope_tree
    from tracer.graph.sizes import output_bytes
    from tracer.store.graph_def import read_graph

    content = path.read_bytes()

    def work() -> Any:
        with paused_collector():
            graph = inline(read_graph(content, path))
            scopes = scope_tree(graph)
            sizes = {kind: output_bytes(kind) or 0 for kind in set(graph.nodes.kinds)}
            flops = graph_flops(graph.nodes, not_followed=graph.not_followed)
            values = (
                [1] * len(graph.nodes),
                [sizes[kind] for kind in graph.nodes.kinds],
                [number or 0 for number in flops.per_node],
            )
            totals = [scopes.total(scopes.own(each)) for each in values]
        return totals[0][0], graph, scopes, totals

    return work


def rows(path: Path) -> Work:
    """What `show` makes of a graph, all but the text."""
    from tracer.collector import paused_collector
    from tracer.graph.inline import inline
    from tracer.report.scopes import scope_rows
    from tracer.store.graph_def import parse_message, read_graph

    content = path.read_bytes()

    def work() -> Any:
        with paused_collector():
            inner = content
            if path.suffix == ".tag":
                inner = parse_message("RunMetadata", content, path).function_graphs[0].pre_optimization_graph
            scopes = scope_rows(inline(read_graph(inner, path)))
            first = [scopes.all.row(at) for at in range(min(len(scopes.all.depths), SHOWN))]
        return first[0].nodes, scopes

    return work


def tensorboard(path: Path) -> Work:
    """What TensorBoard's server does when its page asks for a tag's graph, with the limit that the page gives."""
    from tensorboard.data import provider
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.graph.graphs_plugin import GraphsPlugin

    content = path.read_bytes()

    class OneTag:
        def read_blob_sequences(self, ctx: Any, **_: Any) -> Any:
            return {"run": {"tag": [provider.BlobSequenceDatum(0, 0.0, (provider.BlobReference("blob"),))]}}

        def read_blob(self, ctx: Any, **_: Any) -> bytes:
            return content

    plugin = GraphsPlugin(TBContext(data_provider=OneTag()))
    return lambda: plugin.graph_impl(None, "run", "tag", False, None, 1024, "_too_large_attrs")


def model_explorer(path: Path) -> Work:
    """Model Explorer's own conversion of a GraphDef file to its JSON."""
    adapter: Any = importlib.import_module("ai_edge_model_explorer_adapter")  # has no types

    return lambda: adapter.ConvertGraphDefDirectlyToJson(adapter.VisualizeConfig(), str(path))


def exported(path: Path, form: str) -> Work:
    """`tracer.export`: from a file to a text."""
    from tracer import api

    return lambda: api.export(str(path), format=form, raw=True)


CASES: dict[str, Callable[[Path], Work]] = {
    "protobuf": protobuf,
    "tree": tree,
    "rows": rows,
    "tensorboard": tensorboard,
    "model-explorer": model_explorer,
    "export-json": lambda path: exported(path, "json"),
    "export-model-explorer": lambda path: exported(path, "model-explorer"),
}


if __name__ == "__main__":
    measure_case(CASES)
