"""PDF: text and tables page by page (pdfplumber)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twin.knowledge.documents.blocks import Block, Document, paragraphs, table_blocks, title_of
from twin.knowledge.documents.limits import MAX_PAGES, check_pdf_streams, refuse

RULES_OF_A_TABLE = 4  # fewer ruling lines than this make no table: the slow search is spared


def read_pdf(path: Path) -> Document:
    """Read a PDF. Raises KnowledgeError for a password, too many pages, damage, or no text at all (a scan)."""
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    check_pdf_streams(path)
    try:
        with path.open("rb") as file, pdfplumber.open(file) as pdf:
            if len(pdf.pages) > MAX_PAGES:
                raise refuse(path, f"has {len(pdf.pages)} pages, above the limit of {MAX_PAGES}; split it")
            blocks, scanned = _pages(pdf)
            title = str((pdf.metadata or {}).get("Title") or "").strip()
    except PdfminerException as error:
        cause = error.args[0] if error.args else error
        if isinstance(cause, PDFPasswordIncorrect):
            raise refuse(path, "is protected by a password; save a copy without it") from error
        raise refuse(path, f"is no PDF that can be read ({type(cause).__name__}); open and save it anew") from error
    if not blocks:
        raise refuse(path, "holds no text: its pages are scanned pictures; run OCR on it (e.g. ocrmypdf) first")
    remarks = (f"pages without text (scanned?): {', '.join(map(str, scanned))}",) if scanned else ()
    return Document(title or title_of(blocks, path.stem), tuple(blocks), remarks)


def _pages(pdf: Any) -> tuple[list[Block], list[int]]:
    """Blocks of every page, and the numbers of pages that carry none."""
    blocks: list[Block] = []
    empty: list[int] = []
    section = ""
    for number, page in enumerate(pdf.pages, 1):
        found = list(_page_blocks(page, number, section))
        blocks += found
        section = found[-1].section if found else section
        if not found:
            empty.append(number)
        page.close()
    return blocks, empty


def _page_blocks(page: Any, number: int, section: str) -> Iterator[Block]:
    anchor = f"page={number}"
    tables = page.find_tables() if len(page.lines) + len(page.rects) >= RULES_OF_A_TABLE else []
    outside = page
    for table in tables:
        outside = outside.outside_bbox(_within(table.bbox, page.bbox), strict=False)
    for block in paragraphs(outside.extract_text() or "", number, section, anchor):
        section = block.section
        yield block
    for table in tables:
        yield from table_blocks(table.extract(), number, section, anchor)


def _within(box: tuple[float, ...], page: tuple[float, ...]) -> tuple[float, ...]:
    return max(box[0], page[0]), max(box[1], page[1]), min(box[2], page[2]), min(box[3], page[3])
