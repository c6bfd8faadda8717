"""Base models: loading and checking them, the methods that train them, how they generate, merging.

Comes in: a `Source` and a configuration. Goes out: a model that trains, or generates, as the configuration
says. It knows neither data nor results.

May use the rooms: `machine`, `methods` and `sources`.
"""
