"""Runs on disk: how they are laid out, written, found and read. Imports no TensorFlow."""
