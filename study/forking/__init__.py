"""Forking: one process imports torch and transformers, and those that need them are forked from it.

Comes in: names of modules, a function to call, a command line that was meant for a Python of its own. Goes
out: what the function returns, or a process that runs the command with the modules imported. An import of all
takes seconds of a CPU and hundreds of megabytes; the forked share both. It knows nothing of what they run.

May use the rooms: `machine`.
"""
