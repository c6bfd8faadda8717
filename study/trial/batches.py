"""The batches of scoring: rows of similar length, as many at once as fit, halved where memory runs out.

How rows are put together changes no result, only what they take up: the logits above all, which a vocabulary
of 262,000 makes a megabyte a token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from study.machine.memory import free_memory, is_out_of_memory
from study.models.shape import Shape

# At most so many rows. Large for answers: a decoding step of a small model has a cost that does not depend on
# its rows.
GENERATION_ROWS = 200
LIKELIHOOD_ROWS = 32
# What a batch may take up beside the weights, as far as it can be counted. A single row may take more.
SCORING_BYTES = 3e9

# Of what is held at once in a forward pass without gradients: numbers of a token, by the width between and
# inside a layer; and copies of the logits, where the losses are taken and in a step of decoding.
_WIDTHS, _INNER_WIDTHS, _LOGITS = 6, 3, 3
_BYTES = 4


def likelihood_bytes(shape: Shape, source: int, target: int) -> float:
    """Return the bytes that a row of so many tokens takes up while its target is scored."""
    # A decoder makes logits of its input too.
    logits = shape.vocabulary * (_LOGITS * target + (0 if shape.has_encoder else source))
    return _BYTES * logits + _pass_bytes(shape, source, target)


def generation_bytes(shape: Shape, source: int, limit: int) -> float:
    """Return the bytes that a row of so many tokens takes up while it is answered."""
    cache = 2 * shape.decoder_layers * shape.cache_width * (source + limit)
    return _BYTES * (cache + _LOGITS * shape.vocabulary) + _pass_bytes(shape, source, 0)


def rows_that_fit(row_bytes: float, most: int, parts: int = 1) -> int:
    """Return how many rows of so many bytes are scored at once, of at most `most`."""
    return max(1, min(most, int(SCORING_BYTES / parts / row_bytes)))


def run_in_batches(
    order: Sequence[int],
    row_bytes: Sequence[float],
    run: Callable[[Sequence[int]], None],
    *,
    most: int,
    parts: int = 1,
) -> None:
    """Call `run` with all rows, in their order, in batches that fit.

    Where memory runs out, a batch is run again in halves, and so are those after it.

    Args:
        order: the rows, those of similar length side by side.
        row_bytes: what each of all rows takes up.
        run: scores a batch; it may be called with rows once more.
        most: rows of a batch at most.
        parts: by which what a batch may take up is divided.
    """
    start = 0
    while start < len(order):
        rows = _next_batch(order[start : start + most], row_bytes, parts)
        if _fits(run, rows):
            start += len(rows)
            continue
        most = len(rows) // 2
        print(f"out of memory: scoring goes on in batches of at most {most}", flush=True)
        free_memory()


def by_length(lengths: Sequence[int]) -> list[int]:
    """Return the indices from the shortest to the longest."""
    return sorted(range(len(lengths)), key=lambda i: (lengths[i], i))


def _next_batch(rows: Sequence[int], row_bytes: Sequence[float], parts: int) -> Sequence[int]:
    """Return the longest head of `rows` that fits: each is padded to the longest."""
    largest = 0.0
    for count, row in enumerate(rows):
        largest = max(largest, row_bytes[row])
        if count >= rows_that_fit(largest, len(rows), parts):
            return rows[:count]
    return rows


def _fits(run: Callable[[Sequence[int]], None], rows: Sequence[int]) -> bool:
    """Run a batch; return False, with the error's tensors let go, where memory ran out."""
    try:
        run(rows)
    except Exception as error:
        if len(rows) == 1 or not is_out_of_memory(error):
            raise
        return False
    return True


def _pass_bytes(shape: Shape, source: int, target: int) -> float:
    """Return the bytes of the widest layer of a forward pass, attention's square included."""
    tokens = source + target
    longest = max(source, target) if shape.has_encoder else tokens
    wide = tokens * (_WIDTHS * shape.width + _INNER_WIDTHS * shape.inner_width)
    return _BYTES * (wide + 2.0 * shape.heads * longest**2)
