"""The one door to what Ray does not document, which any release of it may change.

`names` lists it, each with why it is needed and what would make it unnecessary; `processes` and `tune` are
the functions through which the engine uses it. They import it when they are called: `names.check_ray` has
looked before, and says in one line what a release lacks.
"""
