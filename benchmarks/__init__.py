"""Benchmarks: what claims of speed and of trust rest on. Results with their machine are in `results/`."""
