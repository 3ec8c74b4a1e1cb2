"""Any document that we can read, by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twin.errors import KnowledgeError
from twin.knowledge.documents.blocks import Document
from twin.knowledge.documents.limits import check_file, refuse
from twin.knowledge.documents.office import read_docx
from twin.knowledge.documents.pdf import read_pdf
from twin.knowledge.documents.text import read_text
from twin.knowledge.documents.web import read_html, read_markdown

READERS: dict[str, Callable[[Path], Document]] = {
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".html": read_html,
    ".htm": read_html,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
}


def read(path: Path) -> Document:
    """Read a document. Raises KnowledgeError with the reason if it cannot be read."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise refuse(path, f"is of a kind that is not read; kinds: {', '.join(READERS)}")
    try:
        check_file(path)
        return reader(path)
    except KnowledgeError:
        raise
    except OSError as error:
        raise refuse(path, f"cannot be read: {error.strerror or error}") from error
    except Exception as error:  # parsers that others wrote meet files that nobody foresaw
        kind = path.suffix.lower().removeprefix(".").upper()
        told = f"is no {kind} that can be read ({type(error).__name__}); open and save it anew"
        raise refuse(path, told) from error
