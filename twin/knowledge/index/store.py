"""The index on disk: plain JSON and numpy files, written beside their place and moved there whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import KnowledgeError
from twin.knowledge.documents.chunks import Chunk
from twin.knowledge.index.analysis import grams, terms

FORMAT = 1
FIELDS: dict[str, Callable[[str], list[str]]] = {"words": terms, "grams": grams}


@dataclass(frozen=True)
class Entry:
    """A document of the index: its SHA-256, when it is in force (ISO dates or empty), and remarks about reading it."""

    document: str
    digest: str
    title: str
    chunks: int
    valid_from: str = ""
    valid_to: str = ""
    replaces: str = ""
    url: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Index:
    """An index in memory: documents, passages, and one BM25 a field (bm25s)."""

    entries: dict[str, Entry]
    refused: dict[str, str]
    chunks: list[Chunk]
    fields: dict[str, Any]
    vectors: np.ndarray | None = None  # (passages, size) float32 with unit length, where embeddings were asked for
    embedder: str | None = None


def searched_text(chunk: Chunk) -> str:
    """What of a passage is searched: its title and section count like its text."""
    return f"{chunk.title}\n{chunk.section}\n{chunk.text}"


def build_field(field: str, chunks: Sequence[Chunk]) -> Any:
    """BM25 over the passages by words or by n-grams."""
    import bm25s

    engine = bm25s.BM25(k1=1.2, b=0.6)
    engine.index([FIELDS[field](searched_text(chunk)) for chunk in chunks], show_progress=False)
    return engine


def save(index: Index, path: Path) -> None:
    """Write the index into a folder beside `path` and swap it in; an index that is there stays whole until then."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        for name, engine in index.fields.items():
            engine.save(str(beside / name), show_progress=False)
        if index.vectors is not None:
            np.save(beside / "vectors.npy", index.vectors, allow_pickle=False)
        with (beside / "chunks.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(chunk), ensure_ascii=False) + "\n" for chunk in index.chunks)
        head = {
            "format": FORMAT,
            "embedder": index.embedder,
            "documents": [asdict(entry) for entry in index.entries.values()],
            "refused": index.refused,
        }
        (beside / "index.json").write_text(json.dumps(head, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _swap(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _swap(new: Path, path: Path) -> None:
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    if path.exists():
        os.replace(path, old)
    os.replace(new, path)
    shutil.rmtree(old, ignore_errors=True)


def load(path: Path) -> Index:
    """Open an index. Raises KnowledgeError where there is none, or it is damaged or of another format."""
    import bm25s

    head = read_head(path)
    try:
        fields = {name: bm25s.BM25.load(str(path / name), show_progress=False) for name in FIELDS}
        vectors = np.load(path / "vectors.npy", allow_pickle=False) if head["embedder"] else None
        return Index(entries_of(head), head["refused"], read_chunks(path), fields, vectors, head["embedder"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KnowledgeError(str(path), [f"is damaged ({error}); make it anew with `knowledge ingest`"]) from error


def read_head(path: Path) -> dict[str, Any]:
    """`index.json`. Raises KnowledgeError."""
    if not (path / "index.json").is_file():
        raise KnowledgeError(
            str(path), ["is no index; make one with `python -m twin knowledge ingest DIR --index PATH`"]
        )
    try:
        head = json.loads((path / "index.json").read_text(encoding="utf-8"))
        found = head["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise KnowledgeError(str(path), ["index.json is damaged; make the index anew"]) from error
    if found != FORMAT:
        raise KnowledgeError(str(path), [f"is an index of format {found}, ours is {FORMAT}; make it anew"])
    return head


def entries_of(head: dict[str, Any]) -> dict[str, Entry]:
    """Documents of an index by name."""
    found = [Entry(**{**entry, "remarks": tuple(entry["remarks"])}) for entry in head["documents"]]
    return {entry.document: entry for entry in found}


def read_chunks(path: Path) -> list[Chunk]:
    """Passages of an index in order."""
    with (path / "chunks.jsonl").open(encoding="utf-8") as file:
        return [Chunk(**json.loads(line)) for line in file]
