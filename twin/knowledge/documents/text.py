"""Plain text in whatever encoding its lines are in; a form feed begins a page."""

from __future__ import annotations

import codecs
from pathlib import Path

from twin.knowledge.documents.blocks import Block, Document, paragraphs, title_of
from twin.knowledge.documents.limits import MAX_TEXT_CHARACTERS, refuse

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decoded(path: Path) -> tuple[str, tuple[str, ...]]:
    """Text of a file and remarks: by its byte-order mark, else UTF-8 with the lines that are not read as Windows-1252.

    Raises KnowledgeError for binary content and for text that is too long.
    """
    content = path.read_bytes()
    remarks: tuple[str, ...] = ()
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), None)
    if encoding:
        text = content.decode(encoding, errors="replace")
    elif b"\0" in content[:4096]:
        raise refuse(path, "is no text (it holds zero bytes)")
    else:
        text, others = _by_line(content)
        if others:
            remarks = (f"lines read as Windows-1252 because they are not UTF-8: {_few(others)}",)
    if len(text) > MAX_TEXT_CHARACTERS:
        raise refuse(path, f"has {len(text):,} characters, above the limit of {MAX_TEXT_CHARACTERS:,}; split it")
    return text, remarks


def _by_line(content: bytes) -> tuple[str, list[int]]:
    lines, others = [], []
    for number, line in enumerate(content.split(b"\n"), 1):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            lines.append(line.decode("cp1252", errors="replace"))
            others.append(number)
    return "\n".join(lines), others


def _few(numbers: list[int]) -> str:
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return ", ".join(map(str, numbers[:10])) + more


def read_text(path: Path) -> Document:
    """Read plain text. Raises KnowledgeError if there is none."""
    text, remarks = decoded(path)
    pages = text.split("\f")
    blocks: list[Block] = []
    for number, page in enumerate(pages, 1):
        section = blocks[-1].section if blocks else ""
        blocks += paragraphs(page, number if len(pages) > 1 else None, section)
    if not blocks:
        raise refuse(path, "holds no text")
    return Document(title_of(blocks, path.stem), tuple(blocks), remarks)
