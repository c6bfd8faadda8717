"""One file a task: what a row is, how it is put to a model, how an answer is read, and how it is scored.

docs/tasks.md says what each expects of the data, and how one of your own is written.
"""
