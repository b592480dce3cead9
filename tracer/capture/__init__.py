"""Records functions as TensorFlow traces, optimises and runs them: the only folder that imports TensorFlow."""
