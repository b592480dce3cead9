"""Small graphs, traces and runs, typed in one line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tracer.graph.lines import Frame
from tracer.graph.model import Body, Function, Graph, Kind, Node, Nodes
from tracer.recorded import Key, Part, Run, Trace, group_functions
from tracer.store.process import this_process

_NODE = re.compile(
    r"(?P<name>[^:\s]+):(?P<op>\w+)(?P<bodies>(?:@[^@<=\s]+)*)"
    r"(?:=(?P<dtype>\w+)(?:\[(?P<shape>[^\]]*)\])?)?(?:<-(?P<inputs>\S+))?"
)


def graph(nodes, **functions):
    """Returns a graph: `a/x:Mul  a/y:Add=float32[2,?]<-a/x:1,^a/x  w:While@cond.c@body.b  f:Call@g`.

    Functions come by keyword; `(x,y)` before their nodes are their arguments, `->z:z:0` behind them what they return.
    """
    return Graph(_nodes(nodes), {name: _function(name, text) for name, text in functions.items()})


def graph_def(nodes, **functions):
    """Returns such a graph as a GraphDef message; a body's label is its attribute, `@branches[].f` one of a list."""
    from tensorboard.compat.proto import graph_pb2

    message = graph_pb2.GraphDef()
    _fill(message.node, nodes)
    for name, text in functions.items():
        function = message.library.function.add()
        function.signature.name = name
        _fill(function.node_def, text)
    return message


def draw(tree):
    """Draws a scope tree: each scope with its number of nodes."""
    totals = tree.total(tree.own([1] * len(tree.owners)))
    order = list(tree.walk())
    lines = [f"(graph) {totals[0]}"]
    for position, scope in enumerate(order[1:], 2):
        above = [scope]
        while tree.parents[above[0]] > 0:
            above.insert(0, tree.parents[above[0]])
        later = [any(tree.parents[other] == tree.parents[each] for other in order[position:]) for each in above]
        bars = "".join("│  " if more else "   " for more in later[:-1])
        lines.append(f"{bars}{'├─' if later[-1] else '└─'} {tree.names[scope]} {totals[scope]}")
    return "\n".join(lines) + "\n"


def trace(name="step", index=0, *, graphs=None, stages=None, **facts):
    """Returns a trace that was called once; its stages are those of `graphs`, and what `stages` says of others."""
    graphs = graphs or {}
    parts = tuple(Part(argument.name, argument.type) for argument in facts.get("arguments", ()))
    defaults = {
        "id": f"{index:03d}-{name}",
        "name": name,
        "qualname": "",
        "runtime_name": f"__inference_{name}_{index}",
        "kind": "inference",
        "origin": "user",
        "arguments": (),
        "returns": "",
        "definition": Frame("user.py", 1, name),
        "call_site": None,
        "cause": "first trace",
        "seconds": 0.25,
        "calls": 1,
        "stages": {**dict.fromkeys(graphs, ""), **(stages or {})},
        "key": Key(parts=parts),
        "_read": lambda _, stage: graphs[stage],
    }
    return Trace(**{**defaults, **facts})


def run(*traces, **facts):
    """Returns a finished run of these traces."""
    defaults = {
        "path": "logs/demo/20261123-021530",
        "name": "demo/20261123-021530",
        "status": "complete",
        "scenario": "demo",
        "target": "demo",
        "parameters": {},
        "started": "2026-11-23T02:15:30.000+00:00",
        "seconds": 1.5,
        "versions": {},
        "host": {"name": "here"},
        "window": None,
        "error": "",
        "traceback": "",
        "calls": (),
        "warnings": (),
        "functions": group_functions(list(traces)),
    }
    return Run(**{**defaults, **facts})


def run_folder(logdir, name, **facts):
    """Makes the folder of a finished run, `scenario/20261123-021530`, with nothing but its run.json."""
    folder = Path(logdir, name)
    folder.mkdir(parents=True)
    header = {"format": 1, "status": "complete", "scenario": folder.parent.name, **_started(folder.name), **facts}
    (folder / "run.json").write_text(json.dumps(header))
    return folder


def live_process():
    """Returns what run.json says of a process that runs: this one."""
    return this_process()


def dead_process():
    """Returns what run.json says of a process that ran on this machine and has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return {**this_process(), "pid": child.pid, "started": 1}


def run_python(code, *arguments, cwd=None, **environment):
    """Runs Python code in a process of its own and returns what it printed; it has to end well."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **environment},
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _function(name, text):
    words = text.split()
    arguments = words.pop(0)[1:-1].split(",") if words and words[0].startswith("(") else []
    returns = words.pop()[2:].split(",") if words and words[-1].startswith("->") else []
    return Function(name, tuple(arguments), _nodes(" ".join(words)), tuple(returns))


def _nodes(text):
    return Nodes.of(map(_node, text.split()))


def _node(word):
    match = _NODE.fullmatch(word)
    assert match, f"no node: {word}"
    bodies = [body.rpartition(".") for body in match["bodies"].split("@")[1:]]
    inputs = tuple(match["inputs"].split(",")) if match["inputs"] else ()
    bodies = tuple(Body(label, name) for label, _, name in bodies)
    return Node(match["name"], Kind(match["op"], _attributes(match), bodies), inputs, "")


def _attributes(match):
    if not match["dtype"]:
        return {}
    types = {"T": match["dtype"], "dtype": match["dtype"]}
    if match["shape"] is None:
        return types
    dims = [dim for dim in match["shape"].split(",") if dim]
    return {**types, "_output_shapes": (tuple(None if dim == "?" else int(dim) for dim in dims),)}


def _fill(node_defs, text):
    for node in _nodes(text):
        node_def = node_defs.add(name=node.name, op=node.op, input=node.inputs)
        for body in node.bodies:
            value = node_def.attr[body.label.removesuffix("[]") or "f"]
            (value.list.func.add() if body.label.endswith("[]") else value.func).name = body.function


def _started(stamp):
    match = re.match(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)", stamp)
    return {"started": "{}-{}-{}T{}:{}:{}.000+00:00".format(*match.groups())} if match else {}
