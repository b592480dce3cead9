import sys
from pathlib import Path

import grimp
from importlinter.cli import lint_imports

CONFIG = Path(__file__).parents[2] / ".importlinter"


def test_imports_point_down_only(capsys):
    """The contracts in .importlinter hold: the layers, and that only `tracer.capture` imports TensorFlow."""
    status = lint_imports(config_filename=str(CONFIG), no_cache=True)

    assert status == 0, capsys.readouterr().out


def test_graphs_need_the_standard_library_only():
    """What `tracer.graph` imports from outside comes with Python."""
    imports = grimp.build_graph("tracer", include_external_packages=True, cache_dir=None)
    modules = {"tracer.graph", *imports.find_descendants("tracer.graph")}
    outside = {name for module in modules for name in imports.find_modules_directly_imported_by(module)}

    assert "tracer.graph.model" in modules
    assert {name.partition(".")[0] for name in outside} - {"tracer"} <= sys.stdlib_module_names
    assert {name for name in outside if name.startswith("tracer")} <= modules
