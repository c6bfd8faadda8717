"""Arms: the trials of studies grouped into what is compared, with their scores and their costs.

Comes in: studies. Goes out: arms, equal ones of several studies as one, each with a matrix of scores and the
costs of its repeats. It knows no other arm's figures.

May use the rooms: `reading` and `statistics`.
"""
