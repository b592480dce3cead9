"""The graph of one function, as plain values: standard library only."""
