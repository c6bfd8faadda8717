"""The statistics: intervals, differences, planned contrasts, looks; from matrices of scores alone.

Comes in: arrays of repeats x questions, and what is asked of them. Goes out: estimates with their intervals
and p-values. It knows no folder and no study.

May use no other room.
"""
