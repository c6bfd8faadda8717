"""Tables of cases: what people have, and what must come out."""
