"""The tests; `tests/conftest.py` has what they share."""

import os

# Read when torch and NumPy are loaded, which comes after this. Two processes test side by side on two cores:
# with a pool of threads each they wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
