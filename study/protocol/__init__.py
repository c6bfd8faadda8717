"""What a study has promised and keeps to: its description, its looks, its extension, its last lines.

Comes in: a plan and rows. Goes out: study.json, and what `analysis` says of the rows. With `command_line`
it is what knows `analysis`.

May use the rooms: `machine`, `methods`, `plan`, `results`, `sources` and `tasks`.
"""
