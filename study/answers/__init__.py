"""Reading numbers: what a reference says, and what a model's answer comes to.

Comes in: text, of people or of a model, so of any kind. Goes out: an exact number, or none. No other room
reads numbers out of text.

May use no other room.
"""
