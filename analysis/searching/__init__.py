"""What each search did: what it ranged over and chose, what it cost, what mattered, how it learned.

Comes in: arms. Goes out: figures of their search trials. It says nothing of which arm is better.

May use the rooms: `arms`, `reading` and `statistics`.
"""
