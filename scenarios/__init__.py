"""The built-in scenarios: each file is an example worth reading, and says what to look at in its graph."""
