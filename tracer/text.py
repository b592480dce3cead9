"""Numbers to text: nobody else formats them."""

from __future__ import annotations

import re

_TIME_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"))
_COUNT_UNITS = ((10**15, "P"), (10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_QUANTITY = 10_000  # below it a count is as short as it is in three digits
_BYTE_UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def count(number: int) -> str:
    """Returns a count with thousands apart: `1,234`."""
    return f"{number:,}"


def quantity(number: int) -> str:
    """Returns a count as it is below 10,000, else in three digits with a unit: `9,999`, `12.3 k`, `2.26 M`."""
    if abs(number) < _QUANTITY:
        return count(number)
    size, unit = next((size, unit) for size, unit in _COUNT_UNITS if abs(number) >= size - size // 2_000)
    return f"{_three_digits(number / size)} {unit}"


def plural(number: int, noun: str, many: str = "") -> str:
    """Returns `1 node`, `2 nodes`, `2 retries` (with `many="retries"`)."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"


def nanoseconds(value: int | None) -> str:
    """Returns a duration in the unit that leaves one to three digits before the point: `12.3 ms`."""
    if value is None:
        return "-"
    for size, unit in _TIME_UNITS:
        if abs(value) >= size - size // 2_000:  # 999,999 ns is "1.00 ms": three digits round it up to "1000 us"
            return f"{_three_digits(value / size)} {unit}"
    return f"{value} ns"


def seconds(value: float | None) -> str:
    """Returns a duration given in seconds."""
    return nanoseconds(None if value is None else round(value * 1e9))


def byte_size(value: int | None) -> str:
    """Returns a size in binary units: `4.5 MiB`."""
    if value is None:
        return "-"
    for size, unit in _BYTE_UNITS:
        if abs(value) >= size:
            return f"{_three_digits(value / size)} {unit}"
    return f"{value} B"


def parse_bytes(text: str) -> int | None:
    """Reads a size in bytes: `4096`, `256MiB`, `1.5 GB`; None if it is none."""
    units = {**{name: size for size, name in _BYTE_UNITS}, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    units |= {"": 1, "B": 1}
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if not match or match[2] not in units:
        return None
    return int(float(match[1]) * units[match[2]])


def percent(part: float) -> str:
    """Returns a part of 1: `38 %`, `99.9 %`; `100 %` only where nothing is missing."""
    if part >= 1:
        return f"{100 * part:.0f} %"
    return f"{min(100 * part, 99.9):.1f} %"


def shape(dims: tuple[int | None, ...] | None) -> str:
    """Returns a shape as `[2, ?, 3]`, and `[...]` where not even the rank is known."""
    if dims is None:
        return "[...]"
    return "[" + ", ".join("?" if dim is None or dim < 0 else str(dim) for dim in dims) + "]"


def tensor_type(type_: tuple[str, tuple[int | None, ...] | None]) -> str:
    """Returns dtype and shape of a tensor: `float32[2, ?]`."""
    return f"{type_[0] or '?'}{shape(type_[1])}"


def one_line(text: str, width: int = 0) -> str:
    """Returns `text` without line breaks or control characters, cut to `width` characters if that is not 0."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean if not width or len(clean) <= width else clean[: max(width - 1, 0)] + "…"


def shortened(text: str, width: int) -> str:
    """Returns `text` cut in its middle to `width` characters: names differ at their ends."""
    if len(text) <= width:
        return text
    behind = max(width - 1, 0) // 2
    return f"{text[: max(width - 1 - behind, 0)]}…{text[len(text) - behind :]}"


def _three_digits(value: float) -> str:
    size = abs(value)
    return f"{value:.0f}" if size >= 99.95 else f"{value:.1f}" if size >= 9.995 else f"{value:.2f}"
