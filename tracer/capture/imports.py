"""Calls back when a program has imported TensorFlow: what is set before that, and before its first use, is its own."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def after_import(name: str, then: Callable[[], None]) -> Iterator[None]:
    """Calls `then` once, when the module of that name was imported in the block; at once if it is there already."""
    if name in sys.modules:
        then()
        yield
        return
    finder = _Finder(name, then)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.remove()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module as the others do, and has its loader call back; until that has run, as often as it is asked.

    A program may ask whether there is such a module, and not import it then, or fail to.
    """

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name = name
        self._then = then
        self._asking = threading.local()

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Returns the module's spec; None of any other."""
        if fullname != self._name or getattr(self._asking, "others", False):
            return None
        self._asking.others = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking.others = False
        if spec is not None and spec.loader is not None:
            _call_after(spec.loader, self._imported)
        return spec

    def _imported(self) -> None:
        self.remove()
        self._then()

    def remove(self) -> None:
        """Takes it out of Python's finders."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def _call_after(loader: Any, then: Callable[[], None]) -> None:
    original = loader.exec_module

    def exec_module(module: Any) -> None:
        del loader.exec_module  # the class's is there again
        original(module)
        then()

    loader.exec_module = exec_module
