"""HTML and Markdown (which is rendered to HTML first): headings as sections with their ids, tables row by row."""

from __future__ import annotations

import re
from pathlib import Path

from twin.knowledge.documents.blocks import Block, Document, table_blocks
from twin.knowledge.documents.limits import refuse
from twin.knowledge.documents.text import decoded

IGNORED = ["script", "style", "nav", "template", "noscript", "iframe", "svg", "head"]
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
TEXT = ("p", "li", "dt", "dd", "pre", "blockquote", "figcaption")


def read_html(path: Path) -> Document:
    """Read an HTML page. Raises KnowledgeError if there is no text in it."""
    text, remarks = decoded(path)
    return _document(path, text, remarks)


def read_markdown(path: Path) -> Document:
    """Read Markdown (CommonMark with tables). Raises KnowledgeError if there is no text in it."""
    from markdown_it import MarkdownIt

    text, remarks = decoded(path)
    return _document(path, MarkdownIt("commonmark", {"html": False}).enable("table").render(text), remarks)


def slug(heading: str) -> str:
    """The id that GitHub and others give a heading."""
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


def _document(path: Path, html: str, remarks: tuple[str, ...]) -> Document:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "lxml")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    for tag in soup(IGNORED):
        tag.decompose()
    blocks: list[Block] = []
    levels: dict[int, str] = {}
    section = anchor = ""
    for tag in soup.find_all((*HEADINGS, *TEXT, "table")):
        text = " ".join(tag.get_text(" ").split())
        if tag.name in HEADINGS:
            level = int(tag.name[1])
            levels = {at: name for at, name in levels.items() if at < level} | {level: text}
            section, anchor = " > ".join(levels.values()), str(tag.get("id") or slug(text))
        elif tag.find_parent((*TEXT, "table")) is not None:
            continue  # its text comes with what it stands in
        elif tag.name == "table":
            rows = [[cell.get_text(" ") for cell in row.find_all(("th", "td"))] for row in tag.find_all("tr")]
            blocks += table_blocks(rows, None, section, anchor)
        elif text:
            blocks.append(Block(text, None, section, anchor))
    if not blocks and (rest := " ".join(soup.get_text(" ").split())):
        blocks = [Block(rest)]
    if not blocks:
        raise refuse(path, "holds no text")
    return Document(title or (levels and next(iter(levels.values()))) or path.stem, tuple(blocks), remarks)
