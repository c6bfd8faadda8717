"""Which trial comes next, by the plan and by the rows of finished trials alone.

Comes in: a bound plan, rows. Goes out: assignments, one after another; observers hear of each. It knows
neither Ray nor a model, nor the time.

May use the rooms: `machine`, `methods` and `plan`.
"""
