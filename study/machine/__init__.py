"""What a machine gives and may take away: CPUs, memory, room on its disks, and the time to end.

Comes in: limits, signals, paths, errors of the operating system. Goes out: numbers of bytes and CPUs, files
that survive a power cut, and one sort of exception for being told to stop. It knows nothing of studies.

May use no other room.
"""
