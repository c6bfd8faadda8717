"""One file a search space; each reads like the sentence that describes the experiment."""
