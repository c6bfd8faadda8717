"""One trial: training and evaluation, from a configuration to a row, whatever happens on the way.

Comes in: a `TrialConfig` and a `Workplace`. Goes out: metrics, predictions and history, recorded in the
results folder. It knows no Ray.

May use the rooms: `answers`, `data`, `machine`, `methods`, `models`, `results`, `rows`,
`scores`, `search`, `sources` and `tasks`.
"""
