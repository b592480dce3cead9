"""What calls returned, as arrays in a file, and how far two such files are apart."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_DEEP = 50  # levels of lists and dicts; what is deeper, or holds itself, is not compared
_HALF = ("bfloat16", "float16")  # widened, as their steps are: bfloat16 is no type of NumPy's own files


class Apart(NamedTuple):
    """How far two runs' results are apart."""

    absolute: float | None  # the largest difference of two numbers; None if nothing could be compared
    relative: float | None  # as a part of the largest number of its tensor, the largest; None of one that is all zero
    values: int  # numbers and texts that were compared
    where: str = ""  # which tensor has the largest difference: "call 2 of step[0]"; empty if there is none
    reason: str = ""  # why there is no number, or what is different beside numbers


def arrays(value: Any) -> dict[str, Any]:
    """Returns the tensors and numbers in what a call returned, as NumPy arrays by their places: `[0]['loss']`.

    Lists, tuples, dicts, named tuples, composite tensors (ragged, sparse) and the history of a Keras `fit` are looked
    into; what is none of these and no tensor is left out.
    """
    return dict(_walk(value, "", 0))


def _walk(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    import tensorflow as tf

    if value is None or depth > _DEEP:
        return
    if isinstance(value, Mapping):
        for key in value:
            yield from _walk(value[key], f"{place}[{key!r}]", depth + 1)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _walk(item, f"{place}[{number}]", depth + 1)
    elif isinstance(getattr(value, "history", None), Mapping):
        yield from _walk(value.history, f"{place}.history", depth + 1)
    else:
        parts = [value] if _is_variable(value) else tf.nest.flatten(value, expand_composites=True)
        if len(parts) == 1 and parts[0] is value:
            found = _array(value)
            yield from [] if found is None else [(place, found)]
        else:
            for number, part in enumerate(parts):
                yield from _walk(part, f"{place}.{number}", depth + 1)


def _is_variable(value: Any) -> bool:
    return hasattr(value, "value") and hasattr(value, "assign")


def _array(value: Any) -> Any:
    import numpy as np
    import tensorflow as tf

    if _is_variable(value):
        value = value.value if not callable(value.value) else value.read_value()  # one of Keras holds one of TensorFlow
    if tf.is_tensor(value):
        if value.dtype in (tf.resource, tf.variant) or not hasattr(value, "numpy"):
            return None
        value = value.numpy()
    if not isinstance(value, (bool, int, float, complex, str, bytes, np.ndarray, np.generic)):
        return None
    found = np.asarray(value)
    if found.dtype.name in _HALF:
        return found.astype(np.float32)
    if found.dtype.kind in "OSU":
        return np.array([_text(item) for item in found.ravel()], dtype=np.str_).reshape(found.shape)
    return found if found.dtype.kind in "biufc" else None


def _text(item: Any) -> str:
    """Returns a text as NumPy can keep it: it cuts off zeros at the ends of bytes."""
    return item.hex() if isinstance(item, bytes) else str(item).encode("utf-8", "surrogatepass").hex()


def save(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Writes results by their calls, each as `arrays` gives it, to a file."""
    import numpy as np

    places = [(call, place) for call, result in results.items() for place in result]
    numbered = {f"v{number}": results[call][place] for number, (call, place) in enumerate(places)}
    np.savez(path, places=np.array(json.dumps(places)), **numbered)


def _load(path: Path) -> dict[str, Any]:
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        places = json.loads(str(file["places"]))
        return {call + place: file[f"v{number}"] for number, (call, place) in enumerate(places)}


def apart(first: Path, other: Path) -> Apart:
    """Returns how far the results in two files are apart: numbers by their difference, NaN equal to NaN.

    Texts, truth values and whole numbers are equal or not; whole numbers that are not have a difference, too.
    """
    before, after = _load(first), _load(other)
    if not before and not after:
        return Apart(None, None, 0, reason="no tensor is returned")
    if before.keys() != after.keys():
        return Apart(None, None, 0, reason="another structure is returned")
    absolute = relative = 0.0
    values, where = 0, ""
    for place, old in before.items():
        new = after[place]
        if old.shape != new.shape or old.dtype.kind != new.dtype.kind:
            was, now = (f"{each.dtype}{list(each.shape)}" for each in (old, new))
            return Apart(None, None, 0, place, f"another type is returned: {now}, not {was}")
        values += old.size
        if old.dtype.kind == "U":
            if (old != new).any():
                return Apart(None, None, values, place, "another text is returned")
            continue
        found = _distance(old, new)
        if math.isinf(found[0]):
            return Apart(None, None, values, place, "NaN or infinity on one side, a number on the other")
        where = place if found[0] > absolute else where
        absolute, relative = max(absolute, found[0]), max(relative, found[1])
    return Apart(absolute, relative if math.isfinite(relative) else None, values, where)


def _distance(old: Any, new: Any) -> tuple[float, float]:
    """Returns the largest difference of two arrays, and that as a part of the largest number in the first."""
    import numpy as np

    if not old.size:
        return 0.0, 0.0
    kind = np.complex128 if old.dtype.kind == "c" else np.float64
    old, new = old.astype(kind), new.astype(kind)
    same = (old == new) | (np.isnan(old) & np.isnan(new))  # infinities too
    if same.all():
        return 0.0, 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.where(same, 0.0, np.abs(old - new))
    distance = np.where(np.isnan(distance), np.inf, distance)  # a number on one side, none on the other
    largest = float(distance.max())
    finite = np.abs(old[np.isfinite(old)])
    scale = float(finite.max()) if finite.size else 0.0
    return largest, largest / scale if scale else float("inf")
