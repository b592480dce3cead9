"""What TensorFlow's names mean: the numbers that it adds, and the functions that they come from."""

from __future__ import annotations

import re

CALLER = "caller/"  # in a graph that `extract` cut out, before the names of what is read from outside

# Lowering writes `while/body/_5/x`, `cond/then/_7/x`, `case/branch0/_2/x`; the number is the lowering's and not part
# of a node path.
_LOWERED = re.compile(r"(?<=/)(then|else|cond|body|branch\d+)/_\d+(?=/)")

# `__inference_f_23`, `__forward_f_23`, `__inference___backward_f_21_23`
# (tensorflow/python/eager/polymorphic_function/function_type_utils.py and concrete_function.py).
_RUNTIME_NAME = re.compile(
    r"__inference___backward_(?P<backward>.+)_\d+_\d+|__forward_(?P<forward>.+)_\d+|__inference_(?P<inference>.+)_\d+",
    re.DOTALL,
)


def call_text(runtime_name: str) -> str:
    """Returns a function as one writes its call: `nest()`, and `nest() backward` for what a gradient made of it."""
    name, kind = function_name(runtime_name)
    return f"{name}()" if kind == "inference" else f"{name}() {kind}"


def node_path(executed_name: str) -> str:
    """Returns the node path of a node that TensorFlow executes: its name without the lowering's numbers."""
    return _LOWERED.sub(r"\1", executed_name)


def function_name(runtime_name: str) -> tuple[str, str]:
    """Returns the name and the kind in a runtime function's name: `addprint`, `inference`."""
    match = _RUNTIME_NAME.fullmatch(runtime_name)
    if not match or not match.lastgroup:
        return runtime_name, "inference"
    return match[match.lastgroup], match.lastgroup
