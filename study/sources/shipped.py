"""What ships with the project, by the names that --model, --data and --code-data take."""

from __future__ import annotations

from study import embedded

MODELS = {"embedded": embedded.MODEL_DIR, "embedded-chat": embedded.CHAT_MODEL_DIR}
DATA = {
    "embedded": embedded.DATA_DIR,
    "embedded-instructions": embedded.INSTRUCTIONS_DIR,
    "embedded-extraction": embedded.EXTRACTION_DIR,
}
CODE_DATA = {"embedded": embedded.DATA_DIR / "code"}


def list_shipped(kind: str) -> str:
    """Return the names of a kind, "model" or "dataset", as a message lists them."""
    *names, last = (f"'{name}'" for name in {"model": MODELS, "dataset": DATA}[kind])
    return f"{', '.join(names)} or {last}"
