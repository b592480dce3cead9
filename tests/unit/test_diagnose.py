"""What doctor finds, on machines that are not like this one."""

import importlib.metadata
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.helpers import dead_process, live_process, run_folder, run_python
from tracer import diagnose as module
from tracer.diagnose import Check, diagnose

VERSIONS = {
    "tensorflow": "2.21.0",
    "tensorboard": "2.21.0",
    "tensorboard-plugin-profile": "2.24.2",
    "xprof": "2.24.2",
    "keras": "3.15.1",
    "tf_keras": "2.21.0",
    "protobuf": "7.36.2",
    "setuptools": "80.0.0",
}
REQUIREMENTS = {
    "trace-scenario": ["tensorflow<2.22,>=2.18", "tensorboard<2.22,>=2.18", "tf_keras>=99; extra == 'dev'"],
    "tensorflow": ["protobuf<8.0.0,>=6.31.1", "keras>=3.12.0"],
    "xprof": ["protobuf>=3.19.6"],
}
Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Returns what installs packages in the versions given, beside `VERSIONS`; None takes one away."""
    installed = dict(VERSIONS)

    def version(name: str) -> str:
        if installed.get(name) is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    def add(**versions: str | None) -> None:
        installed.update(versions)

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "requires", REQUIREMENTS.get)
    return add


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Returns what registers TensorBoard plugins, as pairs of name and distribution."""

    def plugins(*pairs: tuple[str, str]) -> None:
        entries = [SimpleNamespace(name=name, dist=SimpleNamespace(name=owner)) for name, owner in pairs]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: entries)

    return plugins


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Yields a port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def found(logdir: Path, name: str, **options: int) -> list[Check]:
    """Returns the checks of one name."""
    return [check for check in diagnose(logdir, **options) if check.name == name]


def test_a_check_that_is_not_fine_has_a_remedy_of_one_line(tmp_path: Path, install: Install):
    """Whatever is wrong, a line says what to do; where nothing is, there is none."""
    install(**dict.fromkeys(VERSIONS))
    checks = diagnose(tmp_path)

    assert {check.name: check.state for check in checks if check.state == "error"} == dict.fromkeys(
        ("tensorflow", "tensorboard", "tensorboard-plugin-profile", "keras", "protobuf"), "error"
    )
    for check in checks:
        assert bool(check.remedy) == (check.state != "ok"), check
        assert len(check.remedy.splitlines()) <= 1, check


def test_doctor_imports_no_tensorflow(tmp_path: Path):
    """Versions are read from what was installed, so a broken TensorFlow cannot break doctor."""
    code = """
import sys; from pathlib import Path; from tracer.diagnose import diagnose
diagnose(Path(sys.argv[1])); print(sorted({'tensorflow', 'keras', 'tensorboard'} & set(sys.modules)))"""

    assert run_python(code, tmp_path) == "[]\n"


@pytest.mark.parametrize(
    ("version", "state"), [("3.9.18", "warning"), ("3.10.0", "ok"), ("3.13.7", "ok"), ("3.14.0", "warning")]
)
def test_python_has_to_be_a_supported_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, state: str):
    """3.10 to 3.13 are."""
    monkeypatch.setattr(module.platform, "python_version", lambda: version)
    monkeypatch.setattr(module.platform, "python_version_tuple", lambda: tuple(version.split(".")))
    remedy = "use Python 3.10 to 3.13" if state == "warning" else ""

    assert found(tmp_path, "python") == [Check("python", state, version, remedy)]


@pytest.mark.parametrize(
    ("package", "installed", "check"),
    [
        ("tensorflow", {}, Check("tensorflow", "ok", "2.21.0")),
        (
            "tensorflow",
            {"tensorflow": "2.30.1"},
            Check(
                "tensorflow",
                "warning",
                "2.30.1 was not tested, <2.22,>=2.18 was",
                "pip install 'tensorflow<2.22,>=2.18'",
            ),
        ),
        ("tensorflow", {"tensorflow": None, "tensorflow-cpu": "2.20.0"}, Check("tensorflow", "ok", "2.20.0")),
        (
            "tensorflow",
            {"tensorflow-cpu": "2.21.0"},
            Check(
                "tensorflow",
                "error",
                "tensorflow and tensorflow-cpu are both installed and overwrite each other",
                "pip uninstall tensorflow tensorflow-cpu; pip install tensorflow",
            ),
        ),
        (
            "tensorboard",
            {"tensorboard": "2.19.0"},
            Check("tensorboard", "warning", "2.19.0 beside TensorFlow 2.21.0", "pip install 'tensorboard==2.21.*'"),
        ),
        (
            "tensorboard-plugin-profile",
            {"tensorboard-plugin-profile": "2.20.4"},
            Check(
                "tensorboard-plugin-profile",
                "warning",
                "2.20.4 beside TensorFlow 2.21.0",
                "pip install 'tensorboard-plugin-profile>=2.21'",
            ),
        ),
        (
            "keras",
            {"keras": "2.15.0"},
            Check("keras", "error", "2.15.0, but tensorflow needs >=3.12.0", "pip install 'keras>=3.12.0'"),
        ),
        (
            "protobuf",
            {"protobuf": "8.1.0"},
            Check(
                "protobuf",
                "error",
                "8.1.0, but tensorflow needs <8.0.0,>=6.31.1",
                "pip install 'protobuf<8.0.0,>=6.31.1'",
            ),
        ),
        (
            "tf_keras",
            {"tf_keras": "2.20.1"},
            Check("tf_keras", "warning", "2.20.1 beside TensorFlow 2.21.0", "pip install 'tf_keras==2.21.*'"),
        ),
        (
            "tf_keras",
            {"tf_keras": None},
            Check("tf_keras", "ok", "not installed: only the legacy Keras scenario needs it"),
        ),
        ("setuptools", {"setuptools": "82.0.0"}, Check("setuptools", "ok", "82.0.0")),
        (
            "setuptools",
            {"setuptools": "82.0.0", "tensorboard": "2.20.0"},
            Check(
                "setuptools",
                "error",
                "82.0.0: TensorBoard 2.20.0 needs its pkg_resources, gone since 82",
                "pip install 'setuptools<82'",
            ),
        ),
        ("setuptools", {"setuptools": None}, Check("setuptools", "ok", "not installed, and not needed")),
    ],
)
def test_versions_have_to_belong_together(
    tmp_path: Path, install: Install, package: str, installed: dict[str, str | None], check: Check
):
    """A package is fine in a version that TensorFlow, TensorBoard and this toolkit go with."""
    install(**installed)

    assert found(tmp_path, package) == [check]


def test_legacy_keras_is_needed_where_it_is_asked_for(
    tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
):
    """With TF_USE_LEGACY_KERAS set, `tf.keras` is tf_keras, so it has to be there."""
    install(tf_keras=None)
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")

    assert found(tmp_path, "tf_keras") == [
        Check("tf_keras", "error", "not installed, but TF_USE_LEGACY_KERAS asks for it", "pip install tf_keras")
    ]


REINSTALL = "pip install --force-reinstall tensorboard-plugin-profile"


@pytest.mark.parametrize(
    ("plugins", "state", "message", "remedy"),
    [
        ([("projector", "tensorboard")], "error", "not registered: TensorBoard has no Profile tab", REINSTALL),
        ([("profile", "xprof")], "ok", "registered with TensorBoard by xprof", ""),
        (
            [("profile", "xprof"), ("profile", "tensorboard-plugin-profile")],
            "error",
            "registered by tensorboard-plugin-profile and xprof: TensorBoard refuses to start",
            f"pip uninstall tensorboard-plugin-profile xprof; {REINSTALL}",
        ),
    ],
)
def test_the_profile_plugin_is_registered_once(
    tmp_path: Path,
    register: Callable[..., None],
    plugins: list[tuple[str, str]],
    state: str,
    message: str,
    remedy: str,
):
    """Without it there is no Profile tab; TensorBoard does not start with two plugins of one name."""
    register(*plugins)

    assert found(tmp_path, "profile plugin") == [Check("profile plugin", state, message, remedy)]


def test_a_log_folder_need_not_exist(tmp_path: Path):
    """Whether it can be made is seen at the nearest folder above it, and nothing is made or left."""
    logdir = tmp_path / "a" / "b"

    assert found(logdir, "log folder") == [Check("log folder", "ok", f"{logdir} can be written")]
    assert found(logdir, "runs") == [Check("runs", "ok", f"0 in {logdir}, none stale or empty")]
    assert not any(tmp_path.iterdir())


def test_a_log_folder_that_is_a_file_is_an_error(tmp_path: Path):
    """A file in its place, or above it, is named."""
    (tmp_path / "file").touch()
    check = Check("log folder", "error", f"{tmp_path / 'file'} is a file", "choose another --logdir")

    assert found(tmp_path / "file", "log folder") == [check]
    assert found(tmp_path / "file" / "logs", "log folder") == [check]


def test_a_log_folder_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The operating system's own reason is shown."""

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.tempfile, "NamedTemporaryFile", refuse)

    assert found(tmp_path, "log folder") == [
        Check("log folder", "error", f"{tmp_path}: Permission denied", "choose a --logdir that you may write to")
    ]


@pytest.mark.parametrize(("free", "state"), [(1 << 30, "ok"), ((1 << 30) - 1, "warning")])
def test_less_than_a_gibibyte_is_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str):
    """A profile may take hundreds of megabytes."""
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    (check,) = found(tmp_path, "space")

    assert check.state == state


def test_a_taken_port_is_only_a_warning(tmp_path: Path, taken_port: int):
    """`board` takes a free one, so nothing needs to be done."""
    assert found(tmp_path, "port", port=taken_port) == [
        Check(
            "port",
            "warning",
            f"{taken_port} is taken, by another TensorBoard perhaps",
            "none needed: trace-scenario board takes a free one",
        )
    ]


def test_a_free_port_is_fine(tmp_path: Path):
    """Port 0 is always free: the system chooses one."""
    assert found(tmp_path, "port", port=0) == [Check("port", "ok", "0 is free")]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the root of a machine with one NVIDIA GPU, whose files say what the driver says."""
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    for file, content in {
        "dev/nvidia0": "",
        "dev/nvidiactl": "",
        "proc/driver/nvidia/params": "EnableMSI: 1\nRmProfilingAdminOnly: 1\n",
        "proc/self/status": "Name:\tpython\nCapEff:\t00000000a80425fb\n",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    return tmp_path


def test_a_machine_without_gpu_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No device, no driver, no nvidia-smi: the CPU it is, on any system."""
    monkeypatch.setattr(module.shutil, "which", lambda _: None)

    assert module._gpu(tmp_path) == Check("gpu", "ok", "none: runs are recorded on the CPU")


def test_profiling_that_is_kept_for_root_is_a_warning(machine: Path):
    """The driver's parameter holds for everyone without CAP_SYS_ADMIN, root in a container included."""
    assert module._gpu(machine) == Check(
        "gpu",
        "warning",
        "an NVIDIA GPU whose profiling is kept for root: kernels will be missing",
        "as root: modprobe nvidia NVreg_RestrictProfilingToAdminUsers=0, or grant CAP_SYS_ADMIN",
    )


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("proc/self/status", "CapEff:\t000001ffffffffff\n"),
        ("proc/driver/nvidia/params", "RmProfilingAdminOnly: 0\n"),
        ("proc/driver/nvidia/params", "RmProfilingAdminOnly: 10\n"),
    ],
)
def test_profiling_that_is_open_or_allowed_is_fine(machine: Path, file: str, content: str):
    """Nothing is missing for an administrator, or where the driver restricts nobody."""
    (machine / file).write_text(content)

    assert module._gpu(machine) == Check("gpu", "ok", "an NVIDIA GPU that may be profiled")


def test_a_driver_without_device_is_a_warning(machine: Path):
    """A container that was started without its GPU has the driver's files alone."""
    (machine / "dev/nvidia0").unlink()

    assert module._gpu(machine).message == "an NVIDIA driver, but no device in /dev: runs are recorded on the CPU"


def test_a_device_that_may_not_be_opened_is_a_warning(machine: Path, monkeypatch: pytest.MonkeyPatch):
    """The device is there, but belongs to a group that the user is not in."""
    monkeypatch.setattr(module.os, "access", lambda *_: False)

    assert module._gpu(machine) == Check(
        "gpu",
        "warning",
        "/dev/nvidia0 may not be opened: runs are recorded on the CPU",
        "have yourself added to its group: ls -l /dev/nvidia*",
    )


def test_runs_that_were_cut_off_are_named(tmp_path: Path):
    """A run whose process is gone is stale; one that is being recorded, with its files still empty, is not."""
    stale = run_folder(tmp_path, "a/20261123-021530", status="recording", process=dead_process())
    live = run_folder(tmp_path, "a/20261123-021531", status="recording", process=live_process())
    (live / "events.out.tfevents.1.host").touch()
    run_folder(tmp_path, "a/20261123-021532", status="interrupted")

    assert found(tmp_path, "runs") == [
        Check(
            "runs",
            "warning",
            "cut off: a/20261123-021530",
            f"trace-scenario show {stale} has what was recorded up to then; trace-scenario prune removes old runs",
        )
    ]


@pytest.mark.parametrize(
    "file", ["events.out.tfevents.1.host", "raw/events.out.tfevents.1.host", "plugins/profile/2026/host.xplane.pb"]
)
def test_empty_files_are_named(tmp_path: Path, file: str):
    """An event file or a profile of no bytes is what remains of one that could not be written."""
    run = run_folder(tmp_path, "a/20261123-021530")
    (run / file).parent.mkdir(parents=True, exist_ok=True)
    (run / file).touch()
    whole = run_folder(tmp_path, "a/20261123-021531")
    (whole / file).parent.mkdir(parents=True, exist_ok=True)
    (whole / file).write_text("x")

    assert [check.message for check in found(tmp_path, "runs")] == [f"empty files: a/20261123-021530/{file}"]


def test_unreadable_runs_are_counted_and_the_newest_named(tmp_path: Path):
    """Of many troubles of one kind three are named, and the others counted."""
    for second in range(5):
        (run_folder(tmp_path, f"a/20261123-02153{second}") / "run.json").write_text("[]")
    (check,) = found(tmp_path, "runs")

    assert (check.state, check.message) == (
        "warning",
        "unreadable: "
        + "; ".join(
            f"a/20261123-02153{second} ({tmp_path}/a/20261123-02153{second}/run.json holds no JSON object)"
            for second in (4, 3, 2)
        )
        + "; and 2 more",
    )
