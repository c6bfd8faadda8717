"""Finding a model or a data set: shipped with the project, in a folder, or on the Hub.

Comes in: the name that a user gave. Goes out: a `Source`, a folder here with the fingerprint of what is in
it. Nothing behind this room talks to the Hub.

May use the rooms: `embedded`.
"""
