"""Pictures: what each figure shows, as data, and how it is drawn.

Comes in: a comparison and its verdicts. Goes out: SVG and PNG, with the text for every mark.

May use the rooms: `arms`, `comparison`, `judgement`, `reading`, `searching`, `statistics` and `words`.
"""
