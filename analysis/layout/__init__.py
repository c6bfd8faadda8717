"""Tables as people and programs read them: in a terminal, and as Markdown, LaTeX, HTML and CSV.

Comes in: figures. Goes out: text, or what `rich` prints. It computes nothing.

May use the rooms: `arms`, `comparison`, `reading`, `searching`, `statistics` and `words`.
"""
