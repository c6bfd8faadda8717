"""The report: one HTML page that needs no network, with all that the other rooms have.

Comes in: studies and their comparison. Goes out: the page as text. What a study, a model or a data set wrote
is escaped here, or reaches the page as data.

May use the rooms: `arms`, `comparison`, `judgement`, `layout`, `pictures`, `reading`, `searching`,
`statistics` and `words`.
"""
