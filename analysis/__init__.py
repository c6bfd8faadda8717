"""From results folders to an answer: tables, a verdict, plots, a report, SQL. Imports no torch and no Ray.

import analysis
results = analysis.load("RESULTS")
results.trials.to_pandas().groupby("method").accuracy.mean()

What is called stands at the top: the commands, and `looks`, which a running study asks. They parse, call and
print. The rooms, each of which uses some of those before it: `reading` and `statistics`, `arms`, `searching`,
`comparison`, `judgement`, `words`, `layout`, `pictures`, `page`.
"""

from analysis.reading.frames import Frames, load

__all__ = ["Frames", "load"]
