"""Lint: what is likely to be wrong, slow or not meant in what was recorded, each with what to do about it."""

from tracer.rules.finding import SEVERITIES, Finding, Found
from tracer.rules.rules import RULES, Rule
from tracer.rules.run import lint

__all__ = ["RULES", "SEVERITIES", "Finding", "Found", "Rule", "lint"]
