"""From what a user names to a run: one of ours, or what another tool left at a path."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Sequence
from pathlib import Path

from tracer.errors import NotFound, Unreadable
from tracer.recorded import Run, Warned
from tracer.store.find import find_run
from tracer.store.load import load_run
from tracer.store.profiles import SUFFIX
from tracer.text import one_line

_GRAPH_FILES = (".pb", ".pbtxt", ".meta", ".json")


def open_run(reference: str, logdir: Path) -> Run:
    """Returns the run that `reference` names; its graphs are read when they are asked for.

    That is a run of ours, however `find_run` takes it; else what lies at that path: a TensorBoard log folder with all
    below it, an event file, a profile, a GraphDef, a MetaGraphDef, a SavedModel, the JSON of a Keras model.

    Raises:
      NotFound: there is neither.
      Unreadable: what is there is damaged, may not be read, or holds no graph.
    """
    try:
        found = find_run(reference, logdir)
    except (NotFound, Unreadable):
        if not reference or not _exists(reference):
            raise
        return open_path(Path(reference))
    except (OSError, ValueError) as error:  # a name that no file can have, or a folder that may not be entered
        raise _no_path(reference, error) from None
    return load_run(found)


def open_path(path: Path) -> Run:
    """Returns the run of what another tool left at an existing path. Raises as `open_run`."""
    # What reads foreign files is loaded for them only: it takes as long as the rest of what most commands load.
    from tracer.store.foreign.graph_files import read_file
    from tracer.store.foreign.profiles import read_profile_file

    try:
        if path.is_dir():
            return _folder(path)
        return read_profile_file(path) if path.name.endswith(SUFFIX) else read_file(path)
    except OSError as error:
        raise _no_path(str(path), error) from None


def _folder(folder: Path) -> Run:
    from tracer.store.foreign.event_files import event_files
    from tracer.store.foreign.graph_files import read_file
    from tracer.store.foreign.profiles import profile_sessions, read_profile_folder
    from tracer.store.foreign.saved_model import MODEL_FILE
    from tracer.store.foreign.values import shown

    if (folder / MODEL_FILE).is_file():
        run = read_file(folder / MODEL_FILE)
        return dataclasses.replace(run, path=str(folder), name=shown(folder.resolve().name), target=shown(str(folder)))
    files, unread = event_files(folder)
    sessions = profile_sessions(folder)
    if files:
        return _log_folder(folder, files, unread, sessions)
    if sessions:
        return read_profile_folder(folder, sessions, unread)
    if unread:
        raise Unreadable(unread[0].message, hint=unread[0].hint)
    named = sorted(file.name for file in folder.iterdir() if file.name.endswith(_GRAPH_FILES))
    looked_for = (
        f"a run of ours (run.json), a SavedModel ({MODEL_FILE}), event files (*tfevents*), or profiles (*{SUFFIX})"
    )
    hint = f"it has {named[0]}: name the file" if named else f"looked for: {looked_for}, also in its subfolders"
    raise Unreadable(f"{folder} holds nothing that can be read", hint=hint)


def _log_folder(folder: Path, files: list[Path], unread: list[Warned], sessions: Sequence[Path]) -> Run:
    """Returns the run of a folder with event files; without a graph in them it is that of its profiles."""
    from tracer.store.foreign.event_files import read_event_folder
    from tracer.store.foreign.profiles import read_profile_folder, with_profiles

    try:
        return with_profiles(read_event_folder(folder, files, unread), sessions)
    except Unreadable as error:
        if not sessions:
            raise
        return read_profile_folder(folder, sessions, [*unread, Warned("no-graph", error.message, error.hint)])


def _exists(reference: str) -> bool:
    try:
        return Path(reference).exists()
    except (OSError, ValueError):
        return False


def _no_path(reference: str, error: OSError | ValueError) -> NotFound | Unreadable:
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return Unreadable(f"cannot read {reference}: {error.strerror}", hint="check its permissions")
    problem = error.strerror if isinstance(error, OSError) else str(error)
    return NotFound(f"no run named '{one_line(reference, 80)}': {problem}", hint="trace-scenario runs")
