"""Reports to the JSON that `--json` prints: the keys are a contract (docs/json.md)."""

from tracer.render.json.diffs import diff
from tracer.render.json.modes import modes
from tracer.render.json.retraces import retraces
from tracer.render.json.runs import checks, lint, program, pruned, recorded, runs, scenarios, show
from tracer.render.json.times import groups, lines, ops, stacks, steps, summary
from tracer.render.json.values import dumps, listed

__all__ = [
    "checks",
    "diff",
    "dumps",
    "groups",
    "lines",
    "lint",
    "listed",
    "modes",
    "ops",
    "program",
    "pruned",
    "recorded",
    "retraces",
    "runs",
    "scenarios",
    "show",
    "stacks",
    "steps",
    "summary",
]
