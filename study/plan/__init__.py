"""What will run, before anything runs: a space, a profile and the user's settings become arms.

Comes in: a `Request`. Goes out: a `Plan`, and bound to its model and its data, so that every trial's
configuration, and id, can be told. Models are looked at here, but not loaded.

May use the rooms: `answers`, `data`, `embedded`, `machine`, `methods`, `models`, `rows`, `sources` and
`tasks`.
"""
