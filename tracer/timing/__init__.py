"""Time and memory of a run's window, and whose they are: node, scope, module, line, stack, phase."""
