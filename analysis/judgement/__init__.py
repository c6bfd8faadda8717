"""The judgement: which arm is better and how sure that is, at the end, at a look, or under a budget.

Comes in: the rows of a comparison. Goes out: verdicts and the outcomes of looks, as figures and names.

May use the rooms: `arms`, `comparison`, `reading` and `statistics`.
"""
