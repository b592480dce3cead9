"""What TensorBoard's tags say of the time and memory of their nodes."""

from tensorboard.compat.proto import step_stats_pb2

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.profile.attribute import NodeTime
from tracer.store.step_stats import Executed, step_stats
from tracer.store.tags import tag_nodes

CPU, GPU = "/device:CPU:0", "/device:GPU:0"


def ran(*paths, ns=1000, size=0, device=CPU, calls=1):
    """Returns what a node took that may be one of these."""
    time = NodeTime("000-f", paths[0], device, -1, calls, ns, ns, size, ("Mul",), shared=False)
    return Executed(paths, time)


def stats(typed, *executed, names=None):
    """Returns what a tag of a typed graph says of its nodes."""
    nodes = tag_nodes(inline(graph(typed)))
    content = step_stats(nodes, executed, names or {name: name for name in nodes.names})
    return step_stats_pb2.StepStats.FromString(content)


def text(found):
    """Returns device, then name, microseconds and bytes of each node: `CPU:0 x 3us 10B`."""
    return "  ".join(
        f"{device.device.removeprefix('/device:')} {node.node_name} {node.all_end_rel_micros}us"
        + "".join(f" {memory.total_bytes}B" for memory in node.memory)
        for device in found.dev_stats
        for node in device.node_stats
    )


def box(found, inside):
    """Returns the microseconds of a box as the page finds them: from the first start in it to the last end."""
    spans = [
        (node.all_start_micros, node.all_start_micros + node.all_end_rel_micros)
        for device in found.dev_stats
        for node in device.node_stats
        if inside(node.node_name)
    ]
    return max(end for _, end in spans) - min(start for start, _ in spans)


def test_a_node_has_its_self_time_and_its_bytes():
    """Nanoseconds are rounded to whole microseconds."""
    found = stats("x:Mul  y:Add", ran("x", ns=2600, size=512), ran("y", ns=1400))

    assert text(found) == "CPU:0 y 1us  CPU:0 x 3us 512B"


def test_what_ran_has_a_microsecond_at_least():
    """Of two short nodes one ran and one has memory only: the page colours the one that ran."""
    assert (
        text(stats("x:Mul  y:Mul", ran("x", ns=80), ran("y", ns=0, calls=0, size=9))) == "CPU:0 x 1us  CPU:0 y 0us 9B"
    )


def test_no_node_starts_at_0():
    """Text leaves a 0 out, and the page would add nothing to a number."""
    found = stats("x:Mul", ran("x"))

    assert found.dev_stats[0].node_stats[0].all_start_micros == 1


def test_a_boxs_span_is_the_sum_of_its_nodes():
    """The nodes of each scope stand next to each other in time, whatever their order in the graph and their names."""
    names = ("a/x", "b", "a-b/y", "a/c/z", "a/y", "a/c", "b/w", "a/c-d/v")
    times = dict(zip(names, (1, 2, 4, 8, 16, 32, 64, 128), strict=True))

    found = stats("  ".join(f"{name}:Mul" for name in names), *(ran(name, ns=1000 * us) for name, us in times.items()))

    assert box(found, lambda name: name.startswith("a/")) == 1 + 8 + 16 + 32 + 128
    assert box(found, lambda name: name in ("a/c", "a/c/z")) == 8 + 32
    assert box(found, lambda name: name in ("b", "b/w")) == 2 + 64
    assert box(found, lambda name: True) == 255


def test_what_the_page_folds_to_a_series_stands_together():
    """Nodes of one op with numbers in a row are one box, though others and a scope are between them."""
    names = (
        "r_1:Relu",
        "r_2:Mul",
        "r_3:Relu",
        "r_10:Relu",
        "r_1/in:Relu",
        "q:Relu",
        "r_4/in:Relu",
        "r_4:Add",
        "s:Relu",
    )

    found = stats("  ".join(names), *(ran(name.partition(":")[0]) for name in names))

    assert box(found, lambda name: name in ("r_3", "r_10")) == 2
    assert box(found, lambda name: name in ("r_1", "r_1/in")) == 2


def test_each_device_has_the_nodes_that_ran_on_it():
    """A node's times on two devices follow each other, so that the page adds them up."""
    found = stats("x:Mul  y:Mul", ran("y", ns=2000), ran("x", ns=3000, device=GPU), ran("x"))

    assert text(found) == "CPU:0 x 1us  CPU:0 y 2us  GPU:0 x 3us"
    assert box(found, lambda name: name == "x") == 4


def test_a_kernel_that_no_node_is_goes_to_a_node_that_it_was_made_from():
    """The first of its nodes that the graph has counts, and has the sum."""
    found = stats("x:Mul  y:Add", ran("x/Rewrite", "y", "x", ns=3000), ran("y", ns=2000))

    assert text(found) == "CPU:0 y 5us"


def test_nodes_have_their_names_in_the_tag():
    """A path that the tag calls otherwise is found by that, and several may be one closed scope."""
    found = stats("f:Scope", ran("call/x"), ran("call/y", ns=4000), names={"call/x": "f", "call/y": "f"})

    assert text(found) == "CPU:0 f 5us"


def test_what_has_no_node_in_the_tag_is_left_out():
    """There is no box for it; a tag without any times says nothing."""
    assert stats("x:Mul", ran("gone")).ByteSize() == 0


def test_known_shapes_are_output_sizes():
    """A scalar has a shape without dimensions; a size that is not known, or 0, would be no number in the page."""
    found = stats(
        "x:Relu=float32[2,3]  s:Relu=float32[]  u:Relu=float32[?,3]  e:Relu=float32[0]", *map(ran, ("x", "s", "u", "e"))
    )
    sizes = {
        node.node_name: [[dim.size for dim in output.tensor_description.shape.dim] for output in node.output]
        for node in found.dev_stats[0].node_stats
    }

    assert all(
        output.tensor_description.HasField("shape") for node in found.dev_stats[0].node_stats for output in node.output
    )
    assert sizes == {"x": [[2, 3]], "s": [[]], "u": [], "e": []}
