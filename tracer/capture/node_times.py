"""What the nodes of a recording took, for the tags that are written when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tracer.errors import TracerError, reason
from tracer.recorded import Run, Warned
from tracer.store.step_stats import Executed
from tracer.text import byte_size

# Reading a profile takes 12 times its size (measured: 200 MB for 16 MB of 545,000 events), in the program's own
# process, and half as long as the profiler takes to write it. Only the profile of a long block is larger.
LARGEST = 20 << 20  # bytes


def executed_nodes(run: Run, warnings: list[Warned], *, largest: int = LARGEST) -> Mapping[str, Sequence[Executed]]:
    """Returns what the nodes of each trace took in the window; nothing if there is no profile.

    Whatever is wrong with a profile costs the tags their times, not the run its graphs.

    Args:
      run: what is on disk of the recording.
      warnings: the run's, to which it is added that nodes have no times.
      largest: how many bytes of profiles are read while the program waits.
    """
    if not run.profiles:
        return {}
    try:
        size = sum(Path(path).stat().st_size for path in run.profiles)
        if size <= largest:
            return _by_trace(run)
        why = f"{byte_size(size)} of profile are too much to read while the program waits"
        hint = "trace-scenario show tells the time of each scope"
    except TracerError as error:
        why, hint = error.message, error.hint
    except OSError as error:
        why, hint = f"cannot read {error.filename}: {error.strerror}", "check the disk, and record the run again"
    except Exception as error:  # noqa: BLE001  # a failure of ours may not stand before the program's own
        why, hint = reason(error), "please report this"
    warnings.append(Warned("no-node-times", f"in TensorBoard nodes have no times: {why}", hint))
    return {}


def _by_trace(run: Run) -> dict[str, list[Executed]]:
    from tracer.timing.timing import read_timing  # a program whose run has no profile does not pay for it

    found: dict[str, list[Executed]] = {}
    for node in read_timing(run).nodes:
        if node.time.trace:
            found.setdefault(node.time.trace, []).append(Executed((node.time.path, *node.owner.fused), node.time))
    return found
