"""Why TensorFlow traced a function again: by the keys of its traces, for `retraces`, `lint` and budgets alike."""
