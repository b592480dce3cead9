"""What tests ask for, whatever runs them: a recording in the background, limits for it, and graphs that are kept.

`tracer.pytest_plugin` is pytest's side of it.
"""
