"""What a study will cost, and what it will be able to see, told before its first trial.

Comes in: a bound plan and the slots of the machine. Goes out: lines for the user, and the disk plan. It
runs no trial.

May use the rooms: `engine`, `machine`, `methods`, `models`, `plan`, `protocol`, `results`, `sources`,
`tasks` and `trial`.
"""
