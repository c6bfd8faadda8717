"""The results folder: its paths, its columns, who has it, and what it takes up on the disk.

Comes in: rows. Goes out: Parquet files and study.json, whole or not at all, on a disk or in an object
store. It knows no plan: what a row means is said in `schema`, why it was wanted is not.

May use the rooms: `machine`, `methods` and `tasks`.
"""
