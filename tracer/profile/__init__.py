"""Profiles as values: what TensorFlow's profiler wrote, read and counted. Standard library and protobuf only."""
