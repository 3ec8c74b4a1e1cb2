"""An answer out of the documents: their own sentences, with document, page and link, or that they do not say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from twin.knowledge.documents.chunks import sentences
from twin.knowledge.index.analysis import terms
from twin.knowledge.index.question import Question
from twin.knowledge.index.search import Hit, Searcher, coverage

LEAST_COVERAGE = 0.43  # share of what was asked that must stand there, else we abstain; tuned on the tuning split
SHORT_WORDS = 45  # an answer is closed when it would grow beyond this
NOT_FOUND = "Tidak ada di dalam dokumen."


@dataclass(frozen=True)
class Citation:
    """A quoted passage, and where it stands."""

    document: str
    page: int | None
    text: str
    title: str
    section: str
    link: str
    url: str
    valid_from: str
    coverage: float


@dataclass(frozen=True)
class Answer:
    """What LARAS says; `citations` are the quotes it stands on, best first, and none where it abstains."""

    answer: str
    abstained: bool
    citations: tuple[Citation, ...]
    seconds: float
    remarks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As `--json` gives it."""
        return asdict(self)


Writer = Callable[[str, list[Citation]], tuple[str | None, str]]


def ask(searcher: Searcher, text: str, k: int = 3, on: date | None = None, writer: Writer | None = None) -> Answer:
    """Answer a question from the index; `writer` may put it into words, else the documents' own sentences stand.

    Raises KnowledgeError where the question holds no word.
    """
    began = time.perf_counter()
    question = searcher.understand(text)
    hits = searcher.find(question, max(k, 3), on)
    remarks = list(question.remarks)
    best = max((hit.coverage for hit in hits[:3]), default=0.0)
    if best < LEAST_COVERAGE:
        return Answer(NOT_FOUND, True, (), time.perf_counter() - began, tuple(remarks))
    citations = [cite(hit) for hit in hits[:k]]
    answer = short_answer(searcher, question, hits[0])
    if writer is not None:
        written, remark = writer(text, citations)
        answer = written or answer
        remarks += [remark] if remark else []
    return Answer(answer, False, tuple(citations), time.perf_counter() - began, tuple(remarks))


def cite(hit: Hit) -> Citation:
    """A hit as a citation."""
    chunk, entry = hit.chunk, hit.entry
    link = f"{chunk.document}#{chunk.anchor}" if chunk.anchor else chunk.document
    return Citation(
        chunk.document, chunk.page, chunk.text, entry.title, chunk.section, link, entry.url, entry.valid_from,
        round(hit.coverage, 3),
    )  # fmt: skip


def short_answer(searcher: Searcher, question: Question, hit: Hit) -> str:
    """The sentence of a passage that holds most of what was asked, and its neighbours as far as it stays short."""
    parts = [sentence for line in hit.chunk.text.split("\n") for sentence in sentences(line)]
    held = [coverage(question.concepts, frozenset(terms(part)), searcher.rarity) for part in parts]
    first = last = max(range(len(parts)), key=lambda i: (held[i], -i))
    length = len(parts[first].split())
    while True:
        nearby = [i for i in (last + 1, first - 1) if 0 <= i < len(parts)]
        nearby = [i for i in nearby if length + len(parts[i].split()) <= SHORT_WORDS]
        if not nearby:
            return " ".join(parts[first : last + 1])
        chosen = max(nearby, key=lambda i: held[i])
        length += len(parts[chosen].split())
        first, last = min(first, chosen), max(last, chosen)
