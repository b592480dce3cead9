"""Text of the user's as text in HTML and SVG, whatever it holds."""

from __future__ import annotations

import html

from tracer import text

LONGEST = 400  # characters of anything: a name may have thousands


def escaped(content: str, width: int = LONGEST) -> str:
    """Returns what shows as `content`, in one line, cut in its middle to `width` characters; also inside quotes."""
    return html.escape(text.shortened(text.one_line(content), width))


def cut(content: str, width: int) -> str:
    """Returns `content` cut to `width` characters, with all of it as a tooltip where it was cut."""
    shown = escaped(content, width)
    return shown if len(content) <= width else f'<span title="{escaped(content)}">{shown}</span>'
