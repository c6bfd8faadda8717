"""How a study begins, and how one that was stopped goes on, or is extended.

Comes in: the options of the command line. Goes out: a study that has run to its end or has said how to go on
with it, and an exit status. Here the rooms below are called one after another, in the order of the day.

May use the rooms: `cost`, `engine`, `forking`, `machine`, `plan`, `protocol`, `results` and
`sources`.
"""
