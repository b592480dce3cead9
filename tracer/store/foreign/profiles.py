"""Profiles that other tools left: an `*.xplane.pb`, or the folders in which TensorBoard's Profile tab finds them.

TensorFlow writes `<logdir>/plugins/profile/<session>/<host>.xplane.pb`; sessions are named after their time.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from tracer.errors import Unreadable
from tracer.profile.model import Profile
from tracer.recorded import Run, Warned, Window
from tracer.store.foreign.values import foreign_run, shown
from tracer.store.profiles import SUFFIX, ProfileReader
from tracer.text import plural

_EXAMPLES = 3  # of folders to choose from


def profile_sessions(folder: Path) -> tuple[Path, ...]:
    """Returns the folders with profiles in a folder and below it, by name, the oldest session first."""
    found = [Path(parent) for parent, _, names in os.walk(folder) if any(name.endswith(SUFFIX) for name in names)]
    return tuple(sorted(found, key=lambda session: (session.name, str(session))))


def read_profile_file(path: Path) -> Run:
    """Returns the run of a single profile, without graphs.

    Raises:
      Unreadable: it may not be read, is empty, cut off, damaged, or no profile.
    """
    if not path.is_file():  # a pipe, or a device, may never end
        raise Unreadable(f"{path} is no file", hint="name a file, or a folder")
    return _run(path, [str(path)], ())


def read_profile_folder(folder: Path, sessions: Sequence[Path], warnings: Iterable[Warned] = ()) -> Run:
    """Returns the run of the newest of these sessions, without graphs.

    Raises:
      Unreadable: none of its files can be read.
    """
    chosen, further = _chosen(sessions)
    if not chosen:
        raise Unreadable(f"{folder} has {further[0].message}", hint=further[0].hint)
    return _run(folder, chosen, (*warnings, *further))


def with_profiles(run: Run, sessions: Sequence[Path]) -> Run:
    """Returns a log folder's run with the newest of its profiles, which are read when they are asked for."""
    chosen, further = _chosen(sessions)
    warnings = (*run.warnings, *further)
    if not chosen:
        return dataclasses.replace(run, warnings=warnings)
    kind = f"{run.scenario} with {plural(len(chosen), 'profile')}"
    return _with_files(dataclasses.replace(run, scenario=kind, warnings=warnings), chosen, ProfileReader())


def _with_files(run: Run, files: Sequence[str], reader: ProfileReader) -> Run:
    return dataclasses.replace(run, profiles=tuple(files), _open_profile=reader.profile, _open_steps=reader.steps)


def _chosen(sessions: Sequence[Path]) -> tuple[list[str], tuple[Warned, ...]]:
    """Returns the files of the newest session; none where it is open which program's graphs they belong to."""
    homes = sorted({_home(session) for session in sessions})
    if len(homes) > 1:
        named = ", ".join(shown(str(home)) for home in homes[:_EXAMPLES])
        more = ", ..." if len(homes) > _EXAMPLES else ""
        return [], (Warned("no-profile", f"profiles in {len(homes)} folders", f"name one of them: {named}{more}"),)
    if not sessions:
        return [], ()
    files = sorted(str(file) for file in sessions[-1].iterdir() if file.name.endswith(SUFFIX))
    if len(sessions) == 1:
        return files, ()
    what = plural(len(sessions) - 1, "older profiling session")
    hint = f"name one of them: {', '.join(shown(str(session)) for session in sessions[-2 : -2 - _EXAMPLES : -1])}"
    return files, (Warned("older-profiles", f"{what} left out", hint),)


def _home(session: Path) -> Path:
    """Returns the folder whose program a session is of: that around `plugins/profile`."""
    inside = session.parent.name == "profile" and session.parent.parent.name == "plugins"
    return session.parents[2] if inside else session.parent


def _run(path: Path, files: Sequence[str], warnings: Iterable[Warned]) -> Run:
    """Returns the run of profiles alone: what is in them is what there is to show."""
    reader = ProfileReader()
    profiles, damaged = [], []
    for file in files:
        try:
            profiles.append(reader.profile(file))
        except Unreadable as error:  # noqa: PERF203  # a file for each host: few
            damaged.append(error)
    if not profiles:
        raise damaged[0]
    lost = (Warned("damaged", error.message, error.hint) for error in damaged)
    run = foreign_run(path, _kind(profiles), (), warnings=(*warnings, *lost))
    return _with_files(dataclasses.replace(run, window=_window(profiles)), files, reader)


def _kind(profiles: Sequence[Profile]) -> str:
    hosts = ", ".join(profile.host for profile in profiles)
    executions = plural(sum(map(len, profiles)), "execution")
    threads = plural(sum(len(set(profile.executions.thread)) for profile in profiles), "thread")
    return f"profile of {hosts}: {executions} on {threads}"


def _window(profiles: Sequence[Profile]) -> Window | None:
    """Returns the steps that the program marked, on the host that has the most; None if it marked none."""
    steps = max((profile.steps for profile in profiles), key=len)
    if not steps:
        return None
    return Window(len(steps), 0, max(step.end_ns for step in steps) - steps[0].start_ns)
