"""What the process of a mode runs: `python mode_start.py job.json`. It is a file, so that stacks know it for ours."""

import importlib
import json
import sys
from pathlib import Path

if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.path[:], sys.argv[:] = job["path"], job["argv"]  # what the starter finds, whatever put it there
    getattr(importlib.import_module(job["module"]), job["function"])(job)
