"""The table of methods: what each trains, what it needs, where it starts and what it searches.

Comes in: nothing. Goes out: one `Method` for each name, which the configuration, the plan, the check of a
space and the trial ask. How its model is built is said by name alone: no torch is imported
here. A new method is an entry and its builder.

May use no other room.
"""
