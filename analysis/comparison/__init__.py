"""The comparison: one row an arm, with every score, cost and count, and the notes that belong beside them.

Comes in: studies. Goes out: rows, from which every table, picture and verdict is made. It has figures and
no layout.

May use the rooms: `arms`, `reading`, `searching` and `statistics`.
"""
