"""From the files of a data set to problems: layouts, formats and shapes as people have them.

Comes in: a folder or a file. Goes out: the problems of each split, and for every row that can't be used a
line that names it. What is held out of which split is decided in `study.data`.

May use the rooms: `answers` and `tasks`.
"""
