"""Sentences: a judgement, what it rests on, what weakens it, and what to use.

Comes in: verdicts and the rows of a comparison. Goes out: plain text. It prints nothing.

May use the rooms: `arms`, `comparison`, `judgement`, `reading`, `searching` and `statistics`.
"""
