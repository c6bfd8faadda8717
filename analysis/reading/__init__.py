"""Reading results folders: what study.json and the Parquet files say, whoever wrote or damaged them.

Comes in: paths. Goes out: studies with their rows and what was left out of them, and tables with the types
that are described. It compares nothing.

May use no other room.
"""
