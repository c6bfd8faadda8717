"""From results folders to an answer: tables, a verdict, plots, a report, SQL. Imports no torch and no Ray.

import analysis
results = analysis.load("RESULTS")
results.trials.to_pandas().groupby("method").accuracy.mean()
"""

from analysis.reading.frames import Frames, load

__all__ = ["Frames", "load"]
