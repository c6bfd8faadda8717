"""Benchmarks: what the project's speed claims rest on. Results with their machine are in `results/`."""
