"""Blocks gathered into passages of about the size of an answer, none across a section or a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from twin.knowledge.documents.blocks import Block, Document

WORDS = 90  # a passage is closed when it would grow beyond this
SENTENCE_END = re.compile(r"(?<=[.!?;])\s+(?=[A-Z0-9(“\"])")


@dataclass(frozen=True)
class Chunk:
    """A passage: what is searched, quoted and cited."""

    document: str  # the file's path within its folder
    title: str
    page: int | None
    section: str
    anchor: str
    text: str


def sentences(text: str) -> list[str]:
    """Sentences of a passage."""
    return [part.strip() for part in SENTENCE_END.split(text) if part.strip()]


def chunks_of(name: str, document: Document) -> list[Chunk]:
    """Passages of a document in reading order; every word of it stands in exactly one."""
    found: list[Chunk] = []
    gathered: list[str] = []
    at = Block("")

    def close() -> None:
        if gathered:
            found.append(Chunk(name, document.title, at.page, at.section, at.anchor, "\n".join(gathered)))
            gathered.clear()

    for block in document.blocks:
        if (block.page, block.section, block.anchor) != (at.page, at.section, at.anchor):
            close()
            at = block
        for piece in _pieces(block.text):
            if sum(len(text.split()) for text in gathered) + len(piece.split()) > WORDS:
                close()
            gathered.append(piece)
    close()
    return found


def _pieces(text: str) -> Iterator[str]:
    """A paragraph, or where it is longer than a passage its sentences, and those in parts if need be."""
    if len(text.split()) <= WORDS:
        yield text
        return
    for sentence in sentences(text):
        words = sentence.split()
        for start in range(0, len(words), WORDS):
            yield " ".join(words[start : start + WORDS])
