"""The messages that graphs come in, as far as they are read.

Fields and numbers are those of tensorflow/core/framework/{graph,node_def,function,op_def}.proto.
"""

from __future__ import annotations

import functools
from typing import Any

from tracer.messages import MANY, ONE, message_classes

_STRING = "string"  # a name: a text, or bytes where it is no UTF-8
_MESSAGES = {
    "NodeDef": [
        ("name", 1, _STRING, ONE),
        ("op", 2, _STRING, ONE),
        ("input", 3, _STRING, MANY),
        ("device", 4, _STRING, ONE),
        ("attr", 5, "bytes", MANY),
    ],
    "Entry": [("key", 1, _STRING, ONE), ("value", 2, _STRING, ONE)],
    "AttrEntry": [("key", 1, "bytes", ONE), ("value", 2, "bytes", ONE)],
    "ArgDef": [("name", 1, _STRING, ONE), ("type", 3, "int32", ONE)],
    "ArgAttrs": [("attr", 1, "bytes", MANY)],
    "ArgEntry": [("key", 1, "int32", ONE), ("value", 2, "ArgAttrs", ONE)],
    "OpDef": [("name", 1, _STRING, ONE), ("input_arg", 2, "ArgDef", MANY), ("output_arg", 3, "ArgDef", MANY)],
    "FunctionDef": [
        ("signature", 1, "OpDef", ONE),
        ("node_def", 3, "NodeDef", MANY),
        ("ret", 4, "Entry", MANY),
        ("attr", 5, "bytes", MANY),
        ("arg_attr", 7, "ArgEntry", MANY),
    ],
    "FunctionDefLibrary": [("function", 1, "FunctionDef", MANY)],
    "GraphDef": [("node", 1, "NodeDef", MANY), ("library", 2, "FunctionDefLibrary", ONE)],
    # The same with nodes as bytes. Of a node that has its name or op more than once the last one counts.
    "NodeBytes": [
        ("name", 1, "bytes", MANY),
        ("op", 2, "bytes", MANY),
        ("input", 3, "bytes", MANY),
        ("device", 4, "bytes", ONE),
        ("attr", 5, "bytes", MANY),
    ],
    "FunctionBytes": [
        ("signature", 1, "OpDef", ONE),
        ("node_def", 3, "bytes", MANY),
        ("ret", 4, "Entry", MANY),
        ("attr", 5, "bytes", MANY),
    ],
    "LibraryBytes": [("function", 1, "FunctionBytes", MANY)],
    "GraphBytes": [("node", 1, "bytes", MANY), ("library", 2, "LibraryBytes", ONE)],
    # tensorflow/core/{protobuf/{meta_graph,saved_model,config},util/event,framework/summary}.proto
    "MetaGraphDef": [
        ("meta_info_def", 1, "bytes", ONE),
        ("graph_def", 2, "GraphDef", ONE),
        ("signature_def", 5, "AttrEntry", MANY),
        ("object_graph_def", 7, "bytes", ONE),
    ],
    "SavedModel": [("meta_graphs", 2, "MetaGraphDef", MANY)],
    "FunctionGraphs": [("pre_optimization_graph", 2, "bytes", ONE), ("post_optimization_graph", 3, "bytes", ONE)],
    "RunMetadata": [("function_graphs", 4, "FunctionGraphs", MANY)],
    "SummaryValue": [("tag", 1, _STRING, ONE), ("tensor", 8, "bytes", ONE), ("metadata", 9, "bytes", ONE)],
    "Summary": [("value", 1, "SummaryValue", MANY)],
    "Event": [("graph_def", 4, "bytes", ONE), ("summary", 5, "bytes", ONE)],
}


@functools.cache
def classes(texts: str) -> dict[str, Any]:
    """Returns the message classes, by name.

    Args:
      texts: what names are read as: "string", which refuses those that are no UTF-8, or "bytes", which takes all.
    """
    messages = {
        name: [(field, number, texts if kind == _STRING else kind, often) for field, number, kind, often in fields]
        for name, fields in _MESSAGES.items()
    }
    return message_classes(f"tracer.{texts}", messages)
