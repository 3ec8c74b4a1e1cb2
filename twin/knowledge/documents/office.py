"""DOCX: paragraphs and tables in the order in which they stand, with headings as sections (python-docx)."""

from __future__ import annotations

import zipfile
from pathlib import Path

from twin.knowledge.documents.blocks import Block, Document, is_heading, table_blocks, title_of
from twin.knowledge.documents.limits import check_zip, refuse

OLE_HEADER = bytes.fromhex("d0cf11e0a1b11ae1")  # an encrypted DOCX, or a .doc of old


def read_docx(path: Path) -> Document:
    """Read a DOCX. Raises KnowledgeError for a password, damage, a zip bomb, or no text."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    if path.read_bytes()[:8] == OLE_HEADER:
        raise refuse(path, "is protected by a password, or an old .doc; save it as DOCX without a password")
    try:
        check_zip(path)
        document = docx.Document(str(path))
    except (zipfile.BadZipFile, PackageNotFoundError, KeyError, ValueError) as error:
        raise refuse(path, f"is no DOCX that can be read ({type(error).__name__}); open and save it anew") from error
    blocks: list[Block] = []
    section = ""
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            blocks += table_blocks([[cell.text for cell in row.cells] for row in item.rows], None, section)
            continue
        text = " ".join(item.text.split())
        style = (item.style.name or "") if item.style is not None else ""
        if text and (style.startswith(("Heading", "Title")) or is_heading(text)):
            section = text
        elif text:
            blocks.append(Block(text, None, section))
    if not blocks:
        raise refuse(path, "holds no text")
    return Document(document.core_properties.title or title_of(blocks, path.stem), tuple(blocks))
