"""Reports to text for a terminal or a pipe: tables and trees, at the width they are given, with colour or without.

Each page is a module of its own, `show.show`, so that a command loads only what it prints.
"""

from tracer.render.text.style import UNLIMITED, Style

__all__ = ["UNLIMITED", "Style"]
