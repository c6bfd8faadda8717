"""The data of a study: problems in splits that share none, and how a problem is put to a model.

Comes in: problems. Goes out: the questions of each split by seed, kept in the cache, with the text that a
model reads and the text that it should write. It knows no model and no tokenizer.

May use the rooms: `answers`, `embedded`, `machine`, `rows` and `tasks`.
"""
