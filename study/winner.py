"""Keeping an arm's model: the adapter, or all weights, as from_pretrained reads it."""

from __future__ import annotations

import os
import shutil
import uuid
from typing import Any

from study.record import SaveModel
from study.results import ResultsFolder


def saver(folder: ResultsFolder, arm_slug: str) -> SaveModel:
    """Return the function that writes a model and its tokenizer to the arm's folder, whole or not at all."""

    def save(model: Any, tokenizer: Any) -> None:
        path = folder.model_path(arm_slug)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        try:
            model.save_pretrained(temporary, safe_serialization=True)
            tokenizer.save_pretrained(temporary)
            shutil.rmtree(path, ignore_errors=True)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    return save
