"""Nodes, read from their bytes by hand."""

from hypothesis import example, given
from hypothesis import strategies as st

from tracer.errors import Unreadable
from tracer.store.graph_def import parse_message, read_graph

LENGTHS = st.one_of(st.integers(0, 5), st.sampled_from([127, 128, 16383, 16384]))


def varint(number, padding=0):
    """Returns a number as protobuf writes it; with padding, as it may be written too."""
    found = bytearray()
    while number >= 0x80 or padding:
        padding -= number < 0x80
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number, value, padding=0):
    """Returns a field with a length."""
    return varint(number << 3 | 2) + varint(len(value), padding) + value


@st.composite
def values(draw):
    """Texts, UTF-8 and others, some of them long, and some that look like fields."""
    begin = draw(st.one_of(st.binary(max_size=4), st.text(max_size=3).map(str.encode), st.just(b"\x0a\x01x*")))
    return begin + b"n" * draw(LENGTHS)


FIELDS = st.builds(field, st.integers(1, 9), values(), st.sampled_from([0, 0, 0, 1]))
NUMBERS = st.builds(lambda number, value: varint(number << 3) + varint(value), st.integers(1, 9), st.integers(0, 300))


@st.composite
def nodes(draw):
    """A node as TensorFlow writes it, of which fields may be missing, moved, there twice, or of another kind."""
    usual = [field(1, draw(values())), field(2, draw(values()))]
    usual += [field(3, value) for value in draw(st.lists(values(), max_size=3))]
    usual += [field(number, draw(values())) for number in draw(st.lists(st.integers(4, 7), max_size=4).map(sorted))]
    odd = draw(st.lists(st.one_of(FIELDS, NUMBERS), max_size=2))
    for each in odd:
        usual.insert(draw(st.integers(0, len(usual))), each)
    if odd and draw(st.booleans()):
        usual.remove(draw(st.sampled_from(usual)))
    return b"".join(usual)


def read(encoded):
    """Returns what is read of nodes, or that they are damaged."""
    content = b"".join(field(1, node) for node in encoded)
    try:
        found = read_graph(content, "graph.pb").nodes
    except Unreadable as error:
        return error.message
    assert [found.inputs_of(index) for index in range(len(found))] == found.inputs
    return [(node.name, node.op, node.inputs, node.device, node.kind.encoded) for node in found]


def read_by_protobuf(encoded):
    """Returns the same as protobuf reads it."""
    content = b"".join(field(1, node) for node in encoded)
    try:
        found = parse_message("GraphDef", content, "graph.pb").node
    except Unreadable as error:
        return error.message
    return [
        (text(node.name), text(node.op), tuple(map(text, node.input)), text(node.device), tuple(node.attr))
        for node in found
    ]


def text(value):
    """Returns a text that is UTF-8 or not."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


@given(st.lists(nodes(), min_size=1, max_size=4))
@example([field(1, b"x") + field(2, b"Op") + field(4, b"d") + field(3, b"late")] * 2)
@example([field(1, b"x") + field(2, b"Op") + field(5, b"a") + field(number, b"") for number in (1, 2, 3)])
@example([field(1, b"x" * 200) + field(2, b"Op") + field(3, b"y" * 200) + field(3, b"")])
@example([field(1, b"\xff") + field(2, b"\xff") + field(3, b"\xff") + field(4, b"\xff")])
@example([b""])
def test_nodes_read_as_protobuf_reads_them(encoded):
    """Name, op, inputs, device and attributes are those of the message, in whatever order a node has its fields."""
    assert read(encoded) == read_by_protobuf(encoded)


@given(nodes(), st.integers(0, 400), st.binary(max_size=1))
def test_a_damaged_node_reads_as_protobuf_reads_it(node, at, instead):
    """A node that is cut off, or has a wrong byte, is unreadable exactly where it is to protobuf."""
    damaged = node[:at] + instead + (node[at + 1 :] if instead else b"")

    assert read([damaged]) == read_by_protobuf([damaged])


def test_nodes_that_agree_share_their_kind():
    """Devices and debug information are a node's own, and do not make its kind another one."""
    rest = field(2, b"Relu") + field(5, field(1, b"T"))
    encoded = [field(1, b"a") + rest, field(1, b"b") + rest, field(1, b"c") + field(4, b"/cpu:0") + rest]
    encoded += [field(1, b"d") + rest + field(6, field(1, b"debug"))]
    content = b"".join(field(1, node) for node in encoded)

    assert len(set(read_graph(content, "graph.pb").nodes.kinds)) == 1
