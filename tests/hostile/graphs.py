"""Graphs that no program should have to meet, as GraphDefs; each is made when it is asked for, some are large."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile import wire as w

MANY = 100_000
FEW = 3_000  # of tests that run everything on a graph
NAMES: dict[str, str | bytes] = {
    "quotes": "a\"b'c`d\\",
    "newlines": "a\nb\r\nc\u2028d",
    "script": "<script>alert(1)</script>",
    "caret": "^a",
    "carets": "^^^",
    "colon": "a:b:0",
    "port": "a:0",
    "slashes": "//a//b//",
    "slash": "/",
    "right to left": "שלום/עולם\u202e\u2066x",
    "emoji": "👩\u200d👩\u200d👧/🇫🇷/e\u0301\u0301\u0301",
    "combining": "\u0301\u0302" * 50,
    "escape": "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J",
    "c1": "\x9b31mred\x9d0;title\x9c",
    "nul": "a\0b",
    "tab": "\t",
    "space": " ",
    "not utf-8": b"\xff\xfe/\x80abc",
    "surrogate": b"\xed\xa0\x80/\xed\xb0\x80",
    "markup": "[red]x[/red][link=file:///]",
    "formula": "=cmd|' /C calc'!A0",
    "proto": "__proto__",
    "percent": "%s%n{0}%%{init}",
    "dots": "../../../etc/passwd",
    "empty": "",
}


def named(name: str | bytes) -> bytes:
    """A graph in which everything has the same odd name: nodes, scopes, inputs, ops, devices, attributes, functions."""
    inside = b"/".join((_bytes(name), b"x"))
    return w.graph(
        [
            w.node(name, "Const", dtype=w.a_type(w.FLOAT)),
            w.node(inside, "AddV2", (name, inside, b"^" + _bytes(name), _bytes(name) + b":1"), T=w.a_type(w.FLOAT)),
            w.node_with(inside + b"/y", name, (name,), {name: w.a_text(name), "T": w.a_text(name)}, name),
            w.node(inside + b"/v", "VarHandleOp", shared_name=w.a_text(name), dtype=w.a_type(w.FLOAT)),
            w.node("plain/relu", "Relu", (inside, b"^" + inside), T=w.a_type(w.FLOAT)),
            w.call(inside + b"/call", name, inside),
        ],
        [w.function(name, [w.node(name, "Relu", (name,)), w.call("again", name, name)], (name,), {"y": name})],
    )


def _bytes(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogatepass")


def missing() -> bytes:
    """A call, a branch, a loop and a case of functions that the library does not hold."""
    return w.graph(
        [
            w.call("c", "gone"),
            w.node("i", "If", ("c",), then_branch=w.a_function("gone"), else_branch=w.a_function("here")),
            w.node("w", "While", ("c", "i"), cond=w.a_function("gone")),
            w.node("k", "Case", ("c",), branches=w.a_list(w.a_function("gone"), w.a_function("here"))),
            w.node("e", "PartitionedCall", f=w.a_function("")),
        ],
        [w.function("here", [w.node("x")])],
    )


def all_call_all(functions: int) -> bytes:
    """Functions each of which calls all of them, itself too: as many paths as there are orders of them."""
    names = [f"f{number}" for number in range(functions)]
    bodies = [w.function(name, [w.call(f"to_{other}", other, "x") for other in names], ("x",)) for name in names]
    return w.graph([w.node("x", "Placeholder"), w.call("start", "f0", "x")], bodies)


def bomb(levels: int = 40) -> bytes:
    """A function that calls another twice, and so on: 2 to the power of the levels nodes."""
    bodies = [
        w.function(f"f{number}", [w.call("a", f"f{number + 1}", "x"), w.call("b", f"f{number + 1}", "x")], ("x",))
        for number in range(levels)
    ]
    return w.graph(
        [w.node("x", "Placeholder"), w.call("start", "f0", "x")],
        [*bodies, w.function(f"f{levels}", [w.node("y", "Relu", ("x",))], ("x",))],
    )


def silent_bomb(levels: int = 40) -> bytes:
    """The same with nothing at its end: no node is there, only calls of calls."""
    bodies = [
        w.function(f"f{number}", [w.call("a", f"f{number + 1}"), w.call("b", f"f{number + 1}")])
        for number in range(levels)
    ]
    return w.graph([w.call("start", "f0")], [*bodies, w.function(f"f{levels}")])


def wide_bomb() -> bytes:
    """Calls whose arguments are many, and come from nowhere: nodes that stand for arguments are not in any function."""
    names = [f"x{number}" for number in range(2_000)]
    calls = [w.call(f"c{number}", "f") for number in range(2_000)]
    return w.graph(calls, [w.function("f", [w.node("y")], names)])


def wide_returns() -> bytes:
    """Calls of a function that returns its argument many times: edges that no node accounts for."""
    ends = {f"y{number}": "x" for number in range(3_000)}
    calls = [w.call(f"c{number}", "f", "x") for number in range(3_000)]
    return w.graph([w.node("x"), *calls], [w.function("f", [w.node("z")], ("x",), ends)])


def cycle() -> bytes:
    """Nodes that read themselves and each other in a ring, identities too, which the clean view looks through."""
    rings = [
        w.node(name, op, (other,))
        for op in ("Identity", "AddV2", "Merge")
        for name, other in (
            (f"{op}a", f"{op}b"),
            (f"{op}b", f"{op}c"),
            (f"{op}c", f"{op}a"),
            (f"{op}self", f"{op}self"),
        )
    ]
    return w.graph([*rings, w.node("out", "Relu", ("Identitya", "^out", "Identityself"))])


def duplicates() -> bytes:
    """Several nodes, arguments and functions of one name; a node that has the name of an argument."""
    return w.graph(
        [
            w.node("a", "Relu", ("a",)),
            w.node("a", "Const"),
            w.node("a", "Identity", ("a", "a")),
            w.call("a", "f", "a"),
            w.node("a/x", "Relu", ("a:0", "a")),
            w.call("a", "f"),
        ],
        [
            w.function("f", [w.node("x"), w.node("x", "Identity", ("x",))], ("x", "x"), {"y": "x"}),
            w.function("f", [w.node("other")], (), {}),
        ],
    )


def odd_references() -> bytes:
    """Inputs that name no output: huge, negative, empty and other ports, of nodes and of arguments."""
    odd = (
        "a:99999999999",
        "a:-1",
        "a:",
        ":",
        ":0",
        "",
        "^",
        "^^a",
        "a:b",
        "a:b:c",
        "a:b:99999999999999999999",
        "^a:0",
        "a:" + "9" * 5000,
        "a:٣",
        "a:²",
        "nowhere:3",
        "a:1e3",
        "a:+1",
        "a: 1",
        "x:99999999999",
        "x:-1",
        "x:²",
    )
    reads = [w.node(f"n{number}", "Relu", (text,)) for number, text in enumerate(odd)]
    many = w.node("many", "AddN", odd, T=w.a_type(w.FLOAT), N=w.a_number(len(odd)))
    body = w.function("f", [w.node("a", "Relu", ("x",)), *reads, many], ("x",), {f"r{n}": t for n, t in enumerate(odd)})
    return w.graph(
        [w.node("a", "Const"), *reads, many, w.call("call", "f", "a"), w.node("z", "Relu", ("call:2",))], [body]
    )


def odd_types() -> bytes:
    """Attributes of wrong types, of types that do not exist, and with sizes that no memory holds."""
    huge = w.a_shape(2**62, 2**62, 2**62)
    nodes = [
        w.node("huge", "Placeholder", dtype=w.a_type(w.FLOAT), shape=huge, _output_shapes=w.a_list(field_of(huge))),
        w.node("negative", "Placeholder", dtype=w.a_type(w.FLOAT), shape=w.a_shape(-(2**63), -7, 3)),
        w.node("zero", "Placeholder", dtype=w.a_type(w.FLOAT), shape=w.a_shape(0, 0)),
        w.node("rank", "Placeholder", dtype=w.a_type(w.FLOAT), shape=w.a_shape(*[1] * 5000)),
        w.node("dtype", "Placeholder", dtype=w.a_type(9999), shape=w.a_shape(2)),
        w.node("reference", "Placeholder", dtype=w.a_type(2**31 - 1), shape=w.a_shape(2)),
        w.node("minus", "Placeholder", dtype=w.a_type(-5), shape=w.a_shape(2)),
        w.node("text", "Relu", ("huge",), T=w.a_text("float32")),
        w.node("number", "AddV2", ("huge", "text"), T=w.a_number(7), _output_shapes=w.a_number(5)),
        w.node(
            "shapes", "Relu", ("huge",), T=w.a_type(w.FLOAT), _output_shapes=w.a_list(*[field_of(w.a_shape(2))] * 9)
        ),
        w.node("texts", "Relu", ("huge",), T=w.a_type(w.FLOAT), _output_shapes=w.a_list(w.a_text("x"), w.a_text("y"))),
        w.node("numbers", "MatMul", ("huge", "negative"), T=w.a_type(1), _output_shapes=w.a_list(w.a_number(2))),
        w.node(
            "shape", "Conv2D", ("huge", "rank"), T=w.a_type(1), _output_shapes=w.a_shape(2, 3), strides=w.a_text("x")
        ),
        w.node("split", "Split", ("huge",), num_split=w.a_number(2**62), T=w.a_type(1)),
        w.node("unpack", "Unpack", ("huge",), num=w.a_number(-(2**62)), T=w.a_type(1)),
        w.node("list", "IdentityN", ("huge",), T=w.a_number(3)),
        w.node("types", "IdentityN", ("huge",), T=w.a_list(w.a_shape(2), w.a_shape(3))),
        w.node("f", "PartitionedCall", ("huge",), f=w.a_number(3), Tin=w.a_text("x"), Tout=w.a_number(4)),
        w.node("then", "If", ("huge",), then_branch=w.a_text("g"), else_branch=w.a_list(w.a_function("g"))),
        w.node("case", "Case", ("huge",), branches=w.a_function("g")),
        w.node("dataset", "MapDataset", ("huge",), f=w.a_function("g"), Targuments=w.a_number(-1)),
        w.node("variable", "VarHandleOp", dtype=w.a_text("x"), shape=w.a_number(3), shared_name=w.a_number(3)),
        w.node("variable2", "VarHandleOp", dtype=w.a_type(1), shape=w.a_list(w.a_text("x")), shared_name=w.a_shape(2)),
        w.node(
            "matmul",
            "BatchMatMulV2",
            ("huge", "huge"),
            T=w.a_type(1),
            adj_x=w.a_text("x"),
            _output_shapes=w.a_list(field_of(huge)),
        ),
        w.node("einsum", "Einsum", ("huge", "huge"), T=w.a_type(1), equation=w.a_number(3), N=w.a_text("two")),
        w.node("einsum2", "Einsum", ("huge", "huge"), T=w.a_type(1), equation=w.a_text("->->,,.."), N=w.a_number(2)),
        w.node(
            "pool",
            "MaxPool",
            ("huge",),
            T=w.a_type(1),
            ksize=w.a_list(w.a_text("x")),
            strides=w.a_number(0),
            padding=w.a_number(1),
            data_format=w.a_shape(2),
        ),
        w.node(
            "depth",
            "DepthwiseConv2dNative",
            ("zero", "zero"),
            T=w.a_type(1),
            data_format=w.a_text("?"),
            dilations=w.a_list(),
        ),
        w.node("cast", "Cast", ("huge",), SrcT=w.a_shape(2), DstT=w.a_list(w.a_type(1))),
        w.node("seed", "RandomUniform", ("huge",), seed=w.a_text("x"), seed2=w.a_shape(1), dtype=w.a_number(1)),
        w.node("truncated", "Relu", ("huge",), T=b"\x38\x80"),
        w.node("unknown", "Relu", ("huge",), T=w.field(99, "x") + w.integer(77, 3)),
        w.node("nothing", "Relu", ("huge",), T=b"", _output_shapes=b""),
    ]
    return w.graph(nodes, [w.function("g", [w.node("x")], ("a",), {"y": "x"})])


def field_of(value: bytes) -> bytes:
    """Returns an attribute's value as an item of a list; shapes have the same number there."""
    return value


def odd_constants() -> bytes:
    """Constants whose content does not fit their type or shape."""
    cases = [
        w.a_tensor(w.FLOAT, (3,), b"12345"),
        w.a_tensor(w.FLOAT, (2**62, 2**62), b"1234"),
        w.a_tensor(w.FLOAT, (-1,), b"1234"),
        w.a_tensor(w.STRING, (2,), b"abc"),
        w.a_tensor(9999, (2,), b"abc"),
        w.a_tensor(w.RESOURCE, ()),
        w.a_tensor(w.INT32, (), b""),
        w.a_tensor(w.INT32, (), b"", w.integer(7, 2**63)),
        w.a_tensor(w.FLOAT, (), bytes.fromhex("0000c07f")),
        w.a_tensor(w.FLOAT, (), bytes.fromhex("000080ff")),
        w.a_tensor(w.STRING, (), b"", w.field(8, b"\xff\x00\x1b[31m\xed\xa0\x80")),
        w.a_tensor(w.STRING, (), b"", w.field(8, "x" * 100_000)),
        w.a_tensor(10, (), b"\x07"),
        w.a_text("no tensor"),
        w.field(8, b"\xff"),
    ]
    consts = [w.node(f"c{n}", "Const", value=value, dtype=w.a_type(w.FLOAT)) for n, value in enumerate(cases)]
    return w.graph([*consts, w.node("sum", "AddN", [f"c{n}" for n in range(len(cases))], T=w.a_type(w.FLOAT))])


def arity() -> bytes:
    """Branches and calls that take or return more or less than there is, and a loop without a body."""
    return w.graph(
        [
            w.node("x", "Placeholder"),
            w.node("i", "If", ("x", "x"), then_branch=w.a_function("two"), else_branch=w.a_function("none")),
            w.node("n", "If", (), then_branch=w.a_function("two"), else_branch=w.a_function("none")),
            w.node("w", "While", ("x",)),
            w.node("v", "While", (), cond=w.a_function("none"), body=w.a_function("two")),
            w.call("few", "two", "x"),
            w.call("much", "two", *["x"] * 50),
            w.node("k", "Case", ("x",), branches=w.a_list()),
            w.node("m", "MapDataset", ("x",), f=w.a_function("two"), Targuments=w.a_list(*[w.a_type(1)] * 9)),
            w.node("end", "AddN", ("i", "i:1", "i:7", "w", "v:3", "few:1", "much:9", "k")),
        ],
        [
            w.function("two", [w.node("y", "AddV2", ("a", "b", "c"))], ("a", "b"), {"r": "y:z:0", "s": "gone:z:9"}),
            w.function("none", [w.node("q")], (), {}),
            w.function("", [w.node("unnamed")], ("",), {"": ""}),
        ],
    )


def argument_op() -> bytes:
    """Nodes whose op is a function's name, and functions that have the names of ops."""
    return w.graph(
        [
            w.node("x", "Relu"),
            w.node("Relu", "f", ("x",)),
            w.node("f", "Relu", ("Relu",)),
            w.node("y", "AddV2", ("f",)),
        ],
        [
            w.function("Relu", [w.node("z", "f", ("a",))], ("a",), {"r": "z"}),
            w.function("f", [w.node("z", "Relu")], ("a",)),
            w.function("AddV2", [w.node("z", "AddV2")]),
        ],
    )


def deep_scopes(many: int = FEW) -> bytes:
    """A node many scopes deep, and one half as deep."""
    return w.graph([w.node("/".join(["s"] * many) + "/x", "Relu"), w.node("/".join(["s"] * (many // 2)), "Relu")])


def slashes(many: int = FEW) -> bytes:
    """A name of nothing but many slashes."""
    return w.graph([w.node("/" * many), w.node("/" * (many - 1) + "x", "Relu", ("/" * many,))])


def comb() -> bytes:
    """Nodes at each depth of a nest: all their paths together grow with the square of the depth."""
    return w.graph([w.node("s/" * depth + "x", "Relu") for depth in range(500)])


def deep_functions(many: int = 800) -> bytes:
    """Many functions, each of which calls the next."""
    bodies = [w.function(f"f{n}", [w.call("c", f"f{n + 1}", "x")], ("x",), {"y": "c:output:0"}) for n in range(many)]
    last = w.function(f"f{many}", [w.node("y", "Relu", ("x",))], ("x",), {"y": "y"})
    return w.graph([w.node("x", "Placeholder"), w.call("c", "f0", "x")], [*bodies, last])


def many_inputs(many: int = FEW) -> bytes:
    """A node with many inputs from many nodes."""
    nodes = [w.node(f"n{n}", "Relu") for n in range(many)]
    return w.graph([*nodes, w.node("sum", "AddN", [f"n{n}" for n in range(many)])])


def many_controls(many: int = FEW) -> bytes:
    """A node with many control inputs, and many identities of it in a row."""
    nodes = [w.node(f"n{n}", "Const") for n in range(many)]
    return w.graph([*nodes, w.node("wait", "NoOp", [f"^n{n}" for n in range(many)])])


def many_consumers(many: int = FEW) -> bytes:
    """A node that many others read."""
    return w.graph([w.node("x", "Const"), *(w.node(f"n{n}", "Relu", ("x",)) for n in range(many))])


def many_siblings(many: int = FEW) -> bytes:
    """Many scopes beside each other, each with an op of its own."""
    return w.graph([w.node(f"s{n}/x", f"Op{n}") for n in range(many)])


def chain(op: str = "Identity", many: int = FEW) -> bytes:
    """Many nodes in a row, each of which reads the one before."""
    return w.graph(
        [
            w.node("n0", "Relu"),
            *(w.node(f"n{n}", op, (f"n{n - 1}",)) for n in range(1, many)),
            w.node("end", "Relu", (f"n{many - 1}",)),
        ]
    )


def backward_chain(op: str = "Identity", many: int = FEW) -> bytes:
    """The same in the opposite order, so that each node reads one that comes later."""
    return w.graph([*(w.node(f"n{n}", op, (f"n{n + 1}",)) for n in range(many)), w.node(f"n{many}", "Relu")])


def read_chains() -> bytes:
    """A long chain of identities that each of many nodes reads."""
    row = 1_000
    return w.graph(
        [
            w.node("n0", "Const"),
            *(w.node(f"n{n}", "Identity", (f"n{n - 1}",)) for n in range(1, row)),
            *(w.node(f"r{n}", "Relu", (f"n{row - 1}",)) for n in range(row)),
        ]
    )


def long_name() -> bytes:
    """Names of a megabyte."""
    name = "n" * 1_000_000
    return w.graph([w.node(name, "Relu"), w.node(f"s/{name}", name, (name,), device=name)])


def calls_of_one() -> bytes:
    """Thirty calls of a function that calls another thirty times."""
    inner = w.function("g", [w.node("y", "Relu", ("x",))], ("x",), {"r": "y:activations:0"})
    outer = w.function("f", [w.call(f"c{n}", "g", "x") for n in range(30)], ("x",), {"r": "c9:output:0"})
    return w.graph([w.node("x", "Placeholder"), *(w.call(f"c{n}", "f", "x") for n in range(30))], [outer, inner])


GRAPHS: dict[str, Callable[[], bytes]] = {
    **{f"name: {key}": (lambda name=name: named(name)) for key, name in NAMES.items()},
    "missing functions": missing,
    "calls itself": lambda: all_call_all(1),
    "2 call each other": lambda: all_call_all(2),
    "bomb": bomb,
    "silent bomb": silent_bomb,
    "cycle": cycle,
    "duplicates": duplicates,
    "odd references": odd_references,
    "odd types": odd_types,
    "odd constants": odd_constants,
    "arity": arity,
    "op is a function": argument_op,
    "deep scopes": deep_scopes,
    "slashes": slashes,
    "comb": comb,
    "deep functions": deep_functions,
    "many inputs": many_inputs,
    "many controls": many_controls,
    "many consumers": many_consumers,
    "many siblings": many_siblings,
    "chain": chain,
    "chain of relu": lambda: chain("Relu"),
    "backward chain": backward_chain,
    "backward chain of relu": lambda: backward_chain("Relu"),
    "read chains": read_chains,
    "long name": long_name,
    "calls of one": calls_of_one,
    "no nodes": lambda: w.graph([], [w.function("f", [w.node("x")], (), {})]),
    "empty node": lambda: w.graph([b""]),
    "nothing known": lambda: w.graph([w.field(99, "x")]),
}

# Refused only when most of what is allowed is there, which takes seconds.
EXPLODING: dict[str, Callable[[], bytes]] = {
    "12 call each other": lambda: all_call_all(12),
    "wide bomb": wide_bomb,
    "wide returns": wide_returns,
}
LARGE: dict[str, Callable[[], bytes]] = {
    "deep scopes": lambda: deep_scopes(MANY),
    "slashes": lambda: slashes(MANY),
    "deep functions": lambda: deep_functions(MANY),
    "many inputs": lambda: many_inputs(MANY),
    "many consumers": lambda: many_consumers(MANY),
    "backward chain": lambda: backward_chain("Identity", MANY),
}
