"""A folder of documents into an index; what has not changed since the last time is not read again."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from twin.errors import KnowledgeError
from twin.knowledge.documents.chunks import Chunk, chunks_of
from twin.knowledge.documents.read import READERS, read
from twin.knowledge.index.embeddings import embed_passages
from twin.knowledge.index.store import (
    FIELDS,
    Entry,
    Index,
    build_field,
    entries_of,
    read_chunks,
    read_head,
    save,
    searched_text,
)  # fmt: skip

DETAILS = "documents.csv"  # may lie in the folder: document, title, valid_from, valid_to, replaces, url
DETAIL_COLUMNS = ("title", "valid_from", "valid_to", "replaces", "url")
Old = tuple[dict[str, Entry], dict[str, list[Chunk]]]


@dataclass(frozen=True)
class Ingested:
    """What an ingestion did, for people and as JSON."""

    documents: int
    chunks: int
    read: list[str]
    unchanged: int
    removed: list[str]
    refused: dict[str, str]
    remarks: dict[str, list[str]]


def ingest(
    folder: Path,
    index_path: Path,
    progress: Callable[[int, int, str], None] = lambda done, total, now: None,
    embedder: str | None = None,
) -> Ingested:
    """Read every document under a folder and write the index.

    A document that cannot be read is refused with its reason, which the index keeps; if an earlier version of it is
    in the index, that one stays and a remark says so. Raises KnowledgeError if nothing is left to index.
    """
    files = _files(folder, index_path)
    details = read_details(folder)
    old_entries, old_chunks = _old(index_path)
    entries: dict[str, Entry] = {}
    chunks: list[Chunk] = []
    refused: dict[str, str] = {}
    newly: list[str] = []
    for done, path in enumerate(files, 1):
        name = path.relative_to(folder).as_posix()
        progress(done, len(files), name)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entry, found = old_entries.get(name), old_chunks.get(name, [])
        if entry is None or entry.digest != digest:
            try:
                document = read(path)
                found = chunks_of(name, document)
                entry = Entry(name, digest, document.title, len(found), remarks=document.remarks)
                newly.append(name)
            except KnowledgeError as error:
                refused[name] = "; ".join(error.faults)
                if entry is None:
                    continue
                entry = replace(entry, remarks=("the file cannot be read any more: its earlier version is kept",))
        detail: dict[str, Any] = details.get(name, {})
        entries[name] = replace(entry, **{key: value for key, value in detail.items() if value})
        chunks += [replace(chunk, title=entries[name].title) for chunk in found]
    if not chunks:
        raise KnowledgeError(str(folder), [f"{name}: {why}" for name, why in refused.items()] or ["holds no document"])
    vectors = embed_passages(embedder, [searched_text(chunk) for chunk in chunks]) if embedder else None
    fields = {name: build_field(name, chunks) for name in FIELDS}
    save(Index(entries, refused, chunks, fields, vectors, embedder), index_path)
    removed = sorted(old_entries.keys() - entries.keys())
    remarks = {name: list(entry.remarks) for name, entry in entries.items() if entry.remarks}
    return Ingested(len(entries), len(chunks), newly, len(entries) - len(newly), removed, refused, remarks)


def _files(folder: Path, index_path: Path) -> list[Path]:
    if not folder.is_dir():
        raise KnowledgeError(str(folder), ["is no folder; name the folder in which the documents are"])
    within = index_path.resolve()
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
        and path.name != DETAILS
        and not path.resolve().is_relative_to(within)
    ]
    if not found:
        raise KnowledgeError(str(folder), [f"holds no document; kinds: {', '.join(READERS)}"])
    return found


def _old(index_path: Path) -> Old:
    """Entries and passages by document of the index that is there, if one is."""
    if not index_path.exists():
        return {}, {}
    head = read_head(index_path)
    by_document: dict[str, list[Chunk]] = {}
    for chunk in read_chunks(index_path):
        by_document.setdefault(chunk.document, []).append(chunk)
    return entries_of(head), by_document


def read_details(folder: Path) -> dict[str, dict[str, str]]:
    """What `documents.csv` says about the documents beside it. Raises KnowledgeError with all faults."""
    path = folder / DETAILS
    if not path.is_file():
        return {}
    faults: list[str] = []
    found: dict[str, dict[str, str]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise KnowledgeError(str(path), [f"is no CSV in UTF-8 ({error})"]) from error
    for number, row in enumerate(table, 2):
        name = (row.get("document") or "").strip()
        if not (folder / name).is_file():
            faults.append(f"line {number}: document {name!r} is not in the folder")
        detail = {key: (row.get(key) or "").strip() for key in DETAIL_COLUMNS}
        faults += [
            f"line {number}: {key} {detail[key]!r} is no date; write YYYY-MM-DD"
            for key in ("valid_from", "valid_to")
            if detail[key] and not _is_date(detail[key])
        ]
        found[name] = detail
    if faults:
        raise KnowledgeError(str(path), faults)
    return found


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
