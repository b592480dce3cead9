"""Reports to text for a terminal or a pipe: tables and trees, at the width they are given, with colour or without."""

from tracer.render.text.diff import diff
from tracer.render.text.lint import lint
from tracer.render.text.lists import checks, pruned, runs, scenarios
from tracer.render.text.show import show
from tracer.render.text.style import UNLIMITED, Style, source_line

__all__ = ["UNLIMITED", "Style", "checks", "diff", "lint", "pruned", "runs", "scenarios", "show", "source_line"]
