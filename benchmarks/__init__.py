"""Measures what this tool costs beside what it is measured against: `python -m benchmarks`, or `make bench`."""
