"""Records what a tf.function became, stage by stage, and where its time goes."""

from tracer.discover.declare import Call, Scenario, scenario
from tracer.version import __version__

__all__ = ["Call", "Scenario", "__version__", "scenario"]
