"""From a profile and the recorded graphs to what each node, line, stack, layer and phase took."""

import dataclasses

import pytest

from tests.helpers import graph, run, trace
from tests.profiles import host, profile
from tests.timed import CALL, CALLED, EVENTS, LAYER, NODES, TAPE, recorded_step, timed
from tracer.errors import NotFound, Unreadable
from tracer.graph.lines import Lines
from tracer.recorded import ModuleScope, Warned
from tracer.report.groups import groups_report
from tracer.report.lines import lines_report
from tracer.report.ops import ops_report
from tracer.report.stacks import stacks_report
from tracer.timing.timing import read_timing


def test_nodes_have_their_calls_their_time_and_their_owner():
    """Each executed node comes with its calls, time, line, phase and module, the most expensive first."""
    report = ops_report(read_timing(timed()))

    assert [
        (row.node.time.path, row.node.op, row.sums.calls, row.sums.self_ns, row.source, row.node.owner.phase)
        for row in report.ops.items
    ] == [
        ("net/mul", "Mul", 2, 40, LAYER, "forward"),
        ("gradient_tape/net/mul/Mul", "Mul", 2, 10, TAPE, "backward"),
    ]
    assert report.ops.items[1].node.owner.module == ModuleScope("net", "net", "Net", "module")
    assert [(rest.self_ns, rest.examples) for rest in report.unattributed] == [(7, ("elsewhere",))]


def test_every_view_has_the_same_sum():
    """Nodes, lines, stacks and groups add up to the same time, with what found no owner."""
    timing = read_timing(timed())
    ops, lines, stacks = ops_report(timing), lines_report(timing), stacks_report(timing)
    by_phase, by_layer = groups_report(timing, "phase"), groups_report(timing, "layer")

    assert timing.self_ns == 57
    assert sum(row.sums.self_ns for row in ops.ops.items) + sum(rest.self_ns for rest in ops.unattributed) == 57
    rest = sum(sums.self_ns for sums in lines.without_line.values()) + lines.unattributed.self_ns
    assert sum(row.sums.self_ns for row in lines.lines.items) + rest == 57
    assert sum(row.sums.self_ns for row in stacks.stacks.items) + stacks.unattributed.self_ns == 57
    for report in (by_phase, by_layer):
        assert sum(row.sums.self_ns for row in report.groups.items) + sum(r.self_ns for r in report.unattributed) == 57


def test_a_line_has_its_own_time_that_of_what_it_called_and_that_of_its_gradient():
    """A gradient is the own time of the line that asked for it, and told beside the line that it is of."""
    rows = {(row.file, row.line): row for row in lines_report(read_timing(timed())).lines.items}

    own = {place: (row.sums.self_ns, row.below_ns, row.gradient_ns) for place, row in rows.items()}
    assert own == {("net.py", 3): (40, 40, 10), ("train.py", 12): (10, 10, 0), ("train.py", 9): (0, 40, 0)}
    assert rows["net.py", 3].text == "    return x @ w"


def test_a_gradient_in_the_body_of_a_loop_is_of_the_line_of_its_op():
    """TensorFlow names the op right in the name: the line is that of the node of this name in some body."""
    loop, back = "net/while/body/", "gradient_tape/net/while/while_grad/body/"
    gradient = "gradient_tape/net/while/gradients/net/while/Tanh_grad/TanhGrad"
    traced = graph(
        "x:Placeholder  net/while:While@body.f<-x  gradient_tape/net/while/while_grad:While@body.b<-net/while",
        f="a:Placeholder  net/while/Tanh:Tanh<-a",
        b=f"g:Placeholder  {gradient}:TanhGrad<-g",
    )
    lines = Lines((LAYER, TAPE), ((0,), (1,)), {"f": {"net/while/Tanh": 0}, "b": {gradient: 1}})
    executed = f"  {loop}net/while/Tanh:Tanh 20-30  {back}{gradient}:TanhGrad 40-70"
    step = recorded_step(graphs={"traced": traced}, lines=lines)
    report = lines_report(read_timing(timed(step, events=f"worker  {CALLED}{executed}")))

    assert {(row.line, row.sums.self_ns, row.gradient_ns) for row in report.lines.items} == {(3, 10, 30), (12, 30, 0)}


def test_a_stack_is_the_lines_from_the_outside_in():
    """Nodes of one stack are one row; with `by_op` one for each op."""
    report = stacks_report(read_timing(timed()))

    assert [(row.frames, row.sums.self_ns) for row in report.stacks.items] == [((CALL, LAYER), 40), ((TAPE,), 10)]
    assert [row.op for row in stacks_report(read_timing(timed()), by_op=True).stacks.items] == ["Mul", "Mul"]


def test_a_layer_has_its_gradients_too():
    """A group tells how its time splits over the phases."""
    [net] = groups_report(read_timing(timed()), "layer").groups.items

    assert (net.name, net.detail, dict(net.sums.phases)) == ("net", "Net", {"forward": 40, "backward": 10})


def test_a_function_has_its_own_nodes_only():
    """`--function` leaves out other functions, and what is of no function."""
    other = trace("other", 1, graphs={"traced": graph("elsewhere:Mul")})
    report = ops_report(read_timing(timed(recorded_step(), other)), function="other")

    assert [row.node.time.path for row in report.ops.items] == ["elsewhere"]
    assert (report.self_ns, report.unattributed) == (7, ())
    with pytest.raises(NotFound, match="no function named 'thother'"):
        ops_report(read_timing(timed()), function="thother")


def test_a_fused_node_names_what_was_fused_into_it():
    """Time goes to the node whose name the kernel bears; the row lists the others, and has its lines."""
    traced = graph("x:Placeholder  w:Placeholder  net/matmul:MatMul<-x,w  net/relu:Relu<-net/matmul")
    optimized = graph("x:Placeholder  w:Placeholder  net/relu:_FusedMatMul<-x,w")
    step = recorded_step(
        graphs={"traced": traced, "optimized": optimized}, lines=Lines((LAYER,), ((0,),), {"": {"net/relu": 0}})
    )
    [row] = ops_report(
        read_timing(timed(step, events=EVENTS.replace("net/mul:Mul", "net/relu:_FusedMatMul")))
    ).ops.items

    assert (row.node.op, row.source, row.node.owner.fused) == ("_FusedMatMul", LAYER, ("net/matmul",))


def test_orders():
    """Rows come in the order that is asked for; an unknown one names those that there are."""
    timing = read_timing(timed())

    assert [row.line for row in lines_report(timing, sort="total").lines.items] == [3, 9, 12]
    with pytest.raises(NotFound, match="no order named 'sefl'"):
        ops_report(timing, sort="sefl")
    with pytest.raises(NotFound, match="nothing is grouped by 'layr'"):
        groups_report(timing, "layr")


def test_a_run_without_a_profile_says_why():
    """The reason that the recording noted is the error; else the advice is to record it again."""
    noted = run(trace(), warnings=(Warned("no-profile", "no profile: another session is running", "stop it"),))

    with pytest.raises(NotFound, match="has no profile: another session is running"):
        read_timing(noted)
    with pytest.raises(NotFound, match="has no profile: it ended by ValueError: boom"):
        read_timing(run(trace(), error="ValueError: boom"))
    with pytest.raises(NotFound, match="has no profile"):
        read_timing(run(trace()))


def test_one_damaged_profile_of_two_is_a_warning():
    """What can be read is shown; only if nothing can is it an error."""

    def opened(path):
        if path == "bad":
            raise Unreadable("bad is cut off")
        return profile(host(EVENTS))

    both = dataclasses.replace(timed(), profiles=("bad", "good"), _open_profile=opened)

    assert [warned.message for warned in read_timing(both).damaged] == ["bad is cut off"]
    assert read_timing(both).self_ns == 57
    with pytest.raises(Unreadable, match="cut off"):
        read_timing(dataclasses.replace(both, profiles=("bad",)))


def test_traces_that_did_not_run_are_not_read():
    """A program that traced a thousand times costs what the traces cost of which the profile has executions."""
    read = []

    def opened(trace, stage):
        read.append((trace, stage))
        return graph(NODES)

    traces = [
        trace("step", index, stages={"traced": "", "optimized": ""}, _read=opened, lines=Lines()) for index in range(3)
    ]
    events = EVENTS.replace("__inference_step_0", "__inference_step_2").replace("  elsewhere:Mul 100-107", "")

    timing = read_timing(timed(*traces, events=events))

    assert {node.time.trace for node in timing.nodes} == {"002-step"}
    assert {trace for trace, _ in read} == {"002-step"}


def test_what_no_called_function_has_is_looked_for_in_all_traces():
    """The traces that Python called are asked first, the others where those do not have it."""
    other = trace("other", 0, graphs={"traced": graph("elsewhere:Mul")})
    step = recorded_step(id="001-step")

    timing = read_timing(timed(other, step))

    assert [(node.time.path, node.function) for node in timing.nodes] == [
        ("net/mul", "step"),
        ("gradient_tape/net/mul/Mul", "step"),
        ("elsewhere", "other"),
    ]


def test_a_damaged_graph_is_told_where_it_was_needed():
    """What the profile has nothing of can hide nothing."""

    def damaged(name, stage):
        raise Unreadable(f"{name} is cut off")

    idle = trace("idle", 1, stages={"traced": ""}, _read=damaged)
    complete = EVENTS.replace("  elsewhere:Mul 100-107", "")

    assert read_timing(timed(recorded_step(), idle, events=complete)).damaged == ()
    assert [warned.message for warned in read_timing(timed(recorded_step(), idle)).damaged] == ["001-idle is cut off"]


def test_by_module_is_what_holds_the_layers():
    """Layers of one module are one row; the outermost module is its own."""
    layers = (ModuleScope("net", "net.block.dense", "Dense", "layer"),)
    inside = groups_report(read_timing(timed(recorded_step(modules=layers))), "module")
    outermost = groups_report(read_timing(timed()), "module")

    assert [row.name for row in inside.groups.items] == ["net.block"]
    assert [row.name for row in outermost.groups.items] == ["net"]
