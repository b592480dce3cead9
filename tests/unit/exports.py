from tests.helpers import graph, trace
from tracer.graph.lines import Frame, Lines
from tracer.graph.model import Graph, Kind, Node, Nodes, TensorType, Variable
from tracer.report.export import export_view

# What has broken readers of one format or another: markup, quotes, comments, escapes, directions of writing, keywords.
HOSTILE = (
    "",
    '"',
    "\\",
    "\\N",
    '\\"',
    "a\nb",
    "\r",
    "\0",
    "<b>x",
    "<svg onload=x>",
    "&amp;",
    "&#35;",
    "\u202eabc",
    "ش",
    "\udc80",
    "x" * 10_000,
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "'x",
    "a,b;c",
    "end",
    "1. a",
    "`md`",
    "%%{init: {}}%%",
    "style:#x;",
    "ﬂ°1¶ß",
    "__proto__",
    "x___group___",
    "a//b",
    "/",
    "a:1",
    "^a",
    "twice",
    "twice",
)


def small_trace():
    """Returns a trace of a call of `g`, which multiplies the argument by a variable on line 12 of train.py."""
    nodes = graph(
        "x:Placeholder=float32[8,?]  w:Placeholder=resource  f:PartitionedCall@g=float32[8,16]<-x,w",
        g="(x,w) net/read:ReadVariableOp=float32[3,16]<-w  net/scores:MatMul=float32[8,16]<-x,net/read:value:0"
        "  ->net/scores:product:0",
    )
    weights = Variable("mlp/w:0", TensorType("float32", (3, 16)), trainable=True)
    lines = Lines((Frame("train.py", 12, "call"),), ((0,),), {"g": {"net/scores": 0}})
    return trace(graphs={"traced": Graph(nodes.nodes, nodes.functions, {"w": weights})}, lines=lines)


def view(nodes, *, raw=False, scope="", **functions):
    """Returns the view of a graph that is typed in one line."""
    return export_view(trace(graphs={"traced": graph(nodes, **functions)}), raw=raw, scope=scope)


def chain(names, *, raw=True):
    """Returns the view of nodes with these names, each of which reads the one before."""
    rows = [
        Node(name, Kind("Zed"), (f"^{before}", before) if index else (), "")
        for index, (before, name) in enumerate(zip(("", *names), names, strict=False))
    ]
    return export_view(trace(graphs={"traced": Graph(Nodes.of(rows))}), raw=raw)
