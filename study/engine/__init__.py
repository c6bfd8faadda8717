"""Ray: running a study's trials at once, on this machine or a cluster, and showing how they go.

Comes in: a bound plan, a results folder, slots. Goes out: nothing but what the trials record. It is the one
room that imports Ray, and it knows no model.

May use the rooms: `machine`, `plan`, `protocol`, `results`, `search`, `tasks`, `trial` and `winner`.
"""
