"""Finds what can be recorded: scenarios by name, in files, modules and entry points. Imports no TensorFlow."""
