"""Run a fine-tuning study: search space -> arms -> trials -> results folder.

The entry point is `python -m study.run --space NAME`. Reading results is `analysis`'s job.
"""
