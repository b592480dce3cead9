"""How much a run holds, by a walk over its folder: quick enough for a thousand of them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def folder_bytes(folder: Path) -> int:
    """Returns the sum of the sizes of all files below a folder; what vanishes meanwhile counts as nothing."""
    total = 0
    queue = [str(folder)]
    while queue:
        with contextlib.suppress(OSError), os.scandir(queue.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    queue.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total
