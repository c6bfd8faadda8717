"""What runs in the sandbox's worker process: the standard library and nothing else of this project."""
