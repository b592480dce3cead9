import subprocess
import sys
from pathlib import Path

import grimp

CONFIG = Path(__file__).parents[2] / ".importlinter"


def test_imports_point_down_only():
    """The contracts in .importlinter hold: the layers, and that only `tracer.capture` imports TensorFlow."""
    # In a process of its own: its console keeps the stdout that it met first, which pytest has closed by then.
    command = [Path(sys.executable).with_name("lint-imports"), "--config", CONFIG, "--no-cache"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_graphs_need_the_standard_library_only():
    """What `tracer.graph` imports from outside comes with Python."""
    imports = grimp.build_graph("tracer", include_external_packages=True, cache_dir=None)
    modules = {"tracer.graph", *imports.find_descendants("tracer.graph")}
    outside = {name for module in modules for name in imports.find_modules_directly_imported_by(module)}

    assert "tracer.graph.model" in modules
    assert {name.partition(".")[0] for name in outside} - {"tracer"} <= sys.stdlib_module_names
    below = {"tracer.errors", "tracer.text"}  # which need the standard library only themselves
    assert {name for name in outside if name.startswith("tracer")} <= modules | below
