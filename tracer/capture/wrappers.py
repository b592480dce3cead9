"""Lines of decorators' wrappers, which AutoGraph gets wrong.

AutoGraph converts the wrapper that a decorator puts around a function (`functools.wraps`), but looks up its source as
`inspect` does, which finds that of the wrapped function: so a frame has the wrapper's name, the file of the wrapped
function, and a line as far behind its beginning as the true one is behind the wrapper's.
"""

from __future__ import annotations

import ast
import functools
import linecache
from typing import NamedTuple

Frame = tuple[str, int, str]  # file, line, function


class _Definition(NamedTuple):
    name: str
    start: int  # of its first decorator
    end: int


def true_frame(frame: Frame) -> Frame | None:
    """Returns a frame at the line where it really was; None if that is in code that is not the file's."""
    file, line, function = frame
    if function.startswith("<"):  # a lambda, a comprehension, a module
        return frame
    known = _definitions(file)
    around = [each for each in known if each.start <= line <= each.end]
    if not around or any(each.name == function for each in around):
        return frame
    inner = max(around, key=lambda each: each.start)
    named = [each for each in known if each.name == function]
    if len(named) != 1:
        return None
    there = named[0].start + line - inner.start
    return (file, there, function) if there <= named[0].end else None


@functools.lru_cache(maxsize=256)
def _definitions(file: str) -> tuple[_Definition, ...]:
    """Returns the functions of a source file; none if it cannot be read."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return ()
    return tuple(
        _Definition(node.name, min([node.lineno, *(each.lineno for each in node.decorator_list)]), node.end_lineno or 0)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
