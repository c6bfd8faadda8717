"""The models that stay: which they are, how they are kept and read back, and their cards.

Comes in: a trained model, or the rows that say which is the best. Goes out: the folders models/ and
candidates/ of a results folder, and an exported model that can be used without this project.

May use the rooms: `data`, `machine`, `models`, `plan`, `results`, `rows`, `search`, `sources`, `tasks` and
`trial`.
"""
