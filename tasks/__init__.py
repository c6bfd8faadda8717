"""One file a task: what a row is, how it is put to a model, how an answer is read, and how it is scored."""
