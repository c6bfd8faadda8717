"""Scores: how far an answer is right, by the libraries and definitions that name the scores.

Comes in: an answer, its reference, and the row that both belong to. Goes out: a number, or what the question
adds to a sum of the whole split. The files in `tasks/` say which scores a task has.

May use the rooms: `answers`, `sandbox` and `tasks`.
"""
