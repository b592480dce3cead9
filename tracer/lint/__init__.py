"""Lint: what is likely to be wrong, slow or not meant in what was recorded, each with what to do about it."""

from tracer.lint.finding import SEVERITIES, Finding, Found
from tracer.lint.rules import RULES, Rule
from tracer.lint.run import lint

__all__ = ["RULES", "SEVERITIES", "Finding", "Found", "Rule", "lint"]
