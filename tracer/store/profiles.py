"""The profiler's files below a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import Unreadable
from tracer.store import layout

if TYPE_CHECKING:
    from tracer.profile.model import Profile
    from tracer.profile.steps import StepAccount

SUFFIX = ".xplane.pb"


def profile_files(folder: Path, windows: Sequence[str] = ()) -> tuple[str, ...]:
    """Returns the profiles of a run: those of its newest session, one for each host.

    Args:
      folder: the run's.
      windows: its sessions, where it has several that belong together.
    """
    sessions = sorted(path for path in (folder / layout.PROFILES).glob("*") if any(path.glob(f"*{SUFFIX}")))
    chosen = [path for path in sessions if path.name in windows] or sessions[-1:]
    return tuple(str(file) for session in chosen for file in sorted(session.glob(f"*{SUFFIX}")))


class ProfileReader:
    """Reads a run's profiles, each once: a command looks at the executions, at the steps, and at what shows them."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Profile]] = {}

    def profile(self, path: str) -> Profile:
        """Reads a profile.

        Raises:
          Unreadable: it cannot be read, is empty, cut off, damaged, or no profile.
        """
        from tracer.profile.executions import read_profile

        with _os_errors(path):
            modified_ns = Path(path).stat().st_mtime_ns
            if path not in self._known or self._known[path][0] != modified_ns:
                self._known[path] = (modified_ns, read_profile(Path(path).read_bytes(), path))
        return self._known[path][1]

    def steps(self, path: str) -> tuple[StepAccount, ...]:
        """Returns where the wall time of a profile's steps went. Raises as `profile`."""
        from tracer.profile.activity import read_timelines
        from tracer.profile.steps import step_accounts, step_threads

        profile = self.profile(path)
        with _os_errors(path):
            return step_accounts(profile, read_timelines(Path(path).read_bytes(), path, step_threads(profile)))


@contextmanager
def _os_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error
