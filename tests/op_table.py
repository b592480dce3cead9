"""Makes `tracer/graph/ops.txt` from TensorFlow's registry of ops: `python -m tests.op_table > tracer/graph/ops.txt`."""

from __future__ import annotations


def op_table() -> dict[str, str]:
    """Returns, by op, its outputs as `name:type`, apart by blanks.

    A type is a dtype, or the attribute that holds it, with its default behind `=`. `*` before it: the attribute lists a
    type for each of several outputs; `*n` behind it: so many outputs of one type as the attribute `n` says.
    """
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session
    from tensorflow.python.framework import dtypes

    ops = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))

    def output(argument: op_def_pb2.OpDef.ArgDef, defaults: dict[str, int]) -> str:
        if argument.type_list_attr:
            return f"{argument.name}:*{argument.type_list_attr}"
        kind = argument.type_attr or dtypes.as_dtype(argument.type).name
        default = defaults.get(argument.type_attr, 0)
        stands = f"={dtypes.as_dtype(default).name}" if default else ""
        return f"{argument.name}:{kind}{stands}" + (f"*{argument.number_attr}" if argument.number_attr else "")

    return {
        op.name: " ".join(
            output(argument, {attribute.name: attribute.default_value.type for attribute in op.attr})
            for argument in op.output_arg
        )
        for op in ops.op
    }


if __name__ == "__main__":
    for name, outputs in sorted(op_table().items()):
        print(f"{name} {outputs}".rstrip())
