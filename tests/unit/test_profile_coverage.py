import dataclasses

from tests.helpers import graph
from tests.profiles import host, profile
from tracer.graph.inline import inline
from tracer.graph.model import Kind, Nodes
from tracer.profile.coverage import bodies_of, executable, function_runs, seen, untraced

LOOP = [("w/body/", "body"), ("w/cond/", "cond")]


def missing(*arguments):
    """Returns path, executions seen, and how many were not."""
    return [(row.path, row.calls, row.missing) for row in untraced(*arguments)]


def test_nodes_that_the_executor_never_traces_are_not_expected():
    """Constants, shapes and control flow have no events; of the others those without executions are named."""
    nodes = [("c", "Const"), ("r", "Reshape"), ("a", "MatMul"), ("b", "Tanh"), ("m", "Merge")]

    assert seen(nodes, {"a"}) == (2, 1, ("b",))
    assert seen(nodes, {"a"}).coverage == 0.5
    assert seen(nodes[:2], set()).coverage == 1.0


def test_a_loops_nodes_run_as_often_as_the_dearest_of_them():
    """Each node runs once a turn: what has fewer executions was not traced; the condition is asked once more."""
    nodes = [("w/body/Qr", "Qr"), ("w/body/Tanh", "Tanh"), ("w/body/Mul", "Mul"), ("w/cond/Less", "Less"), ("a", "Sum")]

    assert missing(nodes, {"w/body/Qr": 1000, "w/body/Mul": 90, "a": 2}, LOOP) == [
        ("w/cond/Less", 0, 1002),
        ("w/body/Tanh", 0, 1000),
        ("w/body/Mul", 90, 910),
    ]


def test_a_body_of_cheap_nodes_ran_as_often_as_its_condition_was_true():
    """Where only the condition was traced it tells the turns."""
    nodes = [("w/body/Tanh", "Tanh"), ("w/cond/Less", "Less"), ("a", "Sum")]

    assert missing(nodes, {"w/cond/Less": 11, "a": 1}, LOOP) == [("w/body/Tanh", 0, 10)]
    assert missing(nodes, {"w/cond/Less": 11}, LOOP) == []


def test_a_branch_is_measured_by_itself():
    """A branch that was taken seldom misses nothing; in one that was taken all nodes run equally often."""
    bodies = [*LOOP, ("w/body/if/then/", "then"), ("w/body/if/else/", "else")]
    nodes = [
        ("w/body/Qr", "Qr"),
        ("w/body/if/then/a", "Mul"),
        ("w/body/if/then/in/b", "Add"),
        ("w/body/if/else/c", "Mul"),
    ]

    assert missing(nodes, {"w/body/Qr": 100, "w/body/if/then/a": 3, "w/body/if/then/in/b": 1}, bodies) == [
        ("w/body/if/then/in/b", 1, 2)
    ]


def test_nested_loops_are_measured_each_by_itself():
    """The inner body runs as often as its own nodes say."""
    bodies = [*LOOP, ("w/body/v/body/", "body")]
    nodes = [("w/body/a", "Qr"), ("w/body/b", "Mul"), ("w/body/v/body/c", "Qr"), ("w/body/v/body/d", "Mul")]

    assert missing(nodes, {"w/body/a": 10, "w/body/b": 10, "w/body/v/body/c": 70}, bodies) == [
        ("w/body/v/body/d", 0, 70)
    ]


def test_the_function_itself_runs_as_often_as_it_is_called():
    """Where every node is cheap the calls tell; without them nothing is claimed."""
    nodes = [("a", "Mul"), ("body/b", "Mul")]

    assert missing(nodes, {}, (), 5) == [("a", 0, 5), ("body/b", 0, 5)]
    assert missing(nodes, {}) == []


def test_the_runs_of_a_function_are_counted_in_the_profile():
    """Each run has a number of its own; runs inside of runs and those of tf.data are not the function's."""
    call = "EagerLocalExecute: __inference_f_7"
    found = profile(
        host(
            f"main  {call} 0-10  FunctionRun{{id=7}} 1-2  {call} 20-30  FunctionRun{{id=8}} 21-22",
            "worker  ExecutorState::Process{id=7} 3-9"
            "  ExecutorState::ProcessAsync::Start{name=call,kernel_type=PartitionedCall,_p=1} 4-8"
            "  FunctionRun{id=70} 5-6",
            "other  ExecutorState::Process{id=70} 6-8  a:Mul 6-7  ExecutorState::Process{id=8} 25-30  a:Mul 26-27",
        )
    )

    assert function_runs(found) == {"__inference_f_7": 2}


def test_bodies_are_what_runs_at_its_own_pace():
    """Loops, branches and functions of datasets; a call runs as often as what is around it."""
    inlined = inline(
        graph(
            "w:While@cond.c@body.b  call:PartitionedCall@f  map:MapDataset@m",
            c="(x) l:Less<-x",
            b="(x) in:PartitionedCall@f",
            f="(x) y:Mul<-x",
            m="(x) z:Mul<-x",
        )
    )

    assert bodies_of(inlined) == [("w/cond/", "cond"), ("w/body/", "body"), ("map/", "")]


def test_executable_nodes_are_those_that_may_be_traced():
    """Constants, calls and lists made from constants have no executions of their own."""
    nodes = "c:Const  l:TensorListReserve<-c,c  k:TensorListReserve<-c,a  w/body/_5/a:Mul<-k,c  p:PartitionedCall@f"

    assert executable(inline(graph(nodes, f=""))) == [("k", "TensorListReserve"), ("w/body/a", "Mul")]


def test_what_only_constants_go_into_is_folded_before_the_graph_runs():
    """However far from the constants; not what gives something else each time, nor what a loop is given."""
    nodes = "c:Const  x:Placeholder  r:Reshape<-c,c  t:Tile<-r,c  m:Mul<-t,c,^x  y:Add<-m,x  z:Exp<-y"
    body = "i:Placeholder  one:Const  next:Add<-i,one  k:Neg<-one"
    inlined = inline(graph(f"{nodes}  u:RandomUniform<-c  w:While@body.b<-c", b=body))

    assert executable(inlined) == [
        ("y", "Add"),
        ("z", "Exp"),
        ("u", "RandomUniform"),
        ("w/body/next", "Add"),
    ]


def test_the_executor_runs_nothing_of_a_call_that_xla_compiles():
    """The nodes of the called function, and of the loops in it, are no nodes to it; those of other calls are."""
    whole = graph("a:PartitionedCall@f  b:PartitionedCall@f", f="x:Mul  w:While@body.g", g="y:Add")
    jitted = Kind("PartitionedCall", {"_XlaMustCompile": True}, whole.nodes.kinds[0].bodies)
    inlined = inline(dataclasses.replace(whole, nodes=Nodes.of([whole.nodes[0]._replace(kind=jitted), whole.nodes[1]])))

    assert executable(inlined) == [("b/x", "Mul"), ("b/w/body/y", "Add")]
