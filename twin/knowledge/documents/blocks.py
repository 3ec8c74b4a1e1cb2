"""What a document is once it is read: blocks of text in reading order, each with its page and its section."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

HEADING = re.compile(
    r"^(?:(?:BAB|BAGIAN|PASAL|LAMPIRAN|CHAPTER|SECTION|ANNEX)\s+(?:[IVXLC]+|\d+[A-Z]?)\b.{0,80}"
    r"|\d+(?:\.\d+)*\.?\s+[A-Z][^.;:]{2,70}|[A-Z][A-Z0-9 ,/()&-]{4,70})$",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"^(?:BAB|BAGIAN|PASAL|LAMPIRAN|CHAPTER|SECTION|ANNEX|\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """A paragraph, a list item or a row of a table; `page` counts from 1, None where the format has no pages."""

    text: str
    page: int | None = None
    section: str = ""
    anchor: str = ""  # what stands behind the # of a link: an id of the page, or page=N


@dataclass(frozen=True)
class Document:
    """A document that was read, and what had to be said about reading it."""

    title: str
    blocks: tuple[Block, ...]
    remarks: tuple[str, ...] = ()


def is_heading(line: str) -> bool:
    """Whether a line of plain text looks like a heading: `Pasal 5`, `2.1 Metodologi`, or all capitals."""
    line = line.strip()
    if not HEADING.match(line):
        return False
    return bool(NUMBERED.match(line)) or (line.upper() == line and any(c.isalpha() for c in line))


def paragraphs(text: str, page: int | None = None, section: str = "", anchor: str = "") -> Iterator[Block]:
    """Plain text as blocks: blank lines part paragraphs, heading lines open sections."""
    gathered: list[str] = []

    def flush() -> Iterator[Block]:
        if gathered:
            yield Block(" ".join(gathered), page, section, anchor)
            gathered.clear()

    for line in text.splitlines():
        line = " ".join(line.split())
        if not line:
            yield from flush()
        elif is_heading(line):
            yield from flush()
            section = line
        else:
            gathered.append(line)
    yield from flush()


def table_blocks(
    rows: Sequence[Sequence[str | None]], page: int | None = None, section: str = "", anchor: str = ""
) -> Iterator[Block]:
    """Rows of a table, each with its column heads, so that a row says what its numbers are: `golongan: III/a; …`."""
    cleaned = [[" ".join((cell or "").split()) for cell in row] for row in rows]
    cleaned = [row for row in cleaned if any(row)]
    if len(cleaned) < 2:
        yield from (Block(" | ".join(filter(None, row)), page, section, anchor) for row in cleaned)
        return
    head, *body = cleaned
    for row in body:
        pairs = [f"{name}: {cell}" if name else cell for name, cell in zip(head, row, strict=False) if cell]
        pairs += [cell for cell in row[len(head) :] if cell]
        yield Block("; ".join(pairs), page, section, anchor)


def title_of(blocks: Iterable[Block], name: str) -> str:
    """A title where the format gives none: the first section, else the file's name."""
    return next((block.section for block in blocks if block.section), name)
