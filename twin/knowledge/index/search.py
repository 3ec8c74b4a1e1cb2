"""Hybrid search: BM25 over words and over n-grams (and vectors where there are some), joined by their ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from twin.errors import KnowledgeError
from twin.knowledge.documents.chunks import Chunk
from twin.knowledge.index.analysis import grams, roots, terms
from twin.knowledge.index.embeddings import embed_question
from twin.knowledge.index.question import Concept, Question, is_blank, understand
from twin.knowledge.index.store import Entry, Index, load, searched_text

RANK_CONSTANT = 10.0  # of reciprocal rank fusion; small, because a folder of regulations is small
WEIGHTS = {"words": 1.0, "grams": 0.5, "vectors": 0.7}  # of each list in the fusion
UNKNOWN = 0.7  # weight of a word that neither the documents nor the dictionary know; tuned on the tuning split
DEEP = 60  # so many of each list enter the fusion


@dataclass(frozen=True)
class Hit:
    """A passage that was found; `coverage` is the share (by rarity) of what was asked that stands in it."""

    chunk: Chunk
    entry: Entry
    score: float
    coverage: float


class Searcher:
    """An open index with what is worked out once for it."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.size = len(index.chunks)
        self.vocabulary: dict[str, int] = {term: at for term, at in index.fields["words"].vocab_dict.items() if term}
        self.in_documents = np.diff(index.fields["words"].scores["indptr"])

    @classmethod
    def open(cls, path: Path) -> Searcher:
        """Open an index. Raises KnowledgeError."""
        return cls(load(path))

    def rarity(self, term: str) -> float:
        """How telling a term is: log(1 + passages / passages that hold it).

        One that no passage holds counts as if one held it, and UNKNOWN of that where it is no root of Indonesian
        either: most such words are how people talk, not what they ask about.
        """
        at = self.vocabulary.get(term)
        if at is None:
            return float(np.log1p(self.size)) * (1.0 if term in roots() else UNKNOWN)
        return float(np.log1p(self.size / max(int(self.in_documents[at]), 1)))

    def understand(self, text: str) -> Question:
        """The question's concepts. Raises KnowledgeError where there is no word in it."""
        if is_blank(text):
            raise KnowledgeError("question", ["holds no word; ask something"])
        return understand(text, self.vocabulary, self.rarity)

    def search(self, text: str, k: int = 3, on: date | None = None) -> list[Hit]:
        """The k best passages, best first, of documents in force on that day (of all, if none is given)."""
        return self.find(self.understand(text), k, on)

    def find(self, question: Question, k: int = 3, on: date | None = None) -> list[Hit]:
        """The same for a question that was understood already."""
        lists = {"words": self._by_words(question), "grams": self._by_grams(question)}
        if self.index.vectors is not None and self.index.embedder is not None:
            lists["vectors"] = self.index.vectors @ embed_question(self.index.embedder, question.standard)
        allowed = self._in_force(on)
        fused = np.zeros(self.size)
        for name, scores in lists.items():
            scores = np.where(allowed, scores, 0.0)
            order = np.argsort(-scores, kind="stable")[:DEEP]
            order = order[scores[order] > 0]
            fused[order] += WEIGHTS[name] / (RANK_CONSTANT + 1 + np.arange(len(order)))
        best = np.argsort(-fused, kind="stable")[:k]
        return [self._hit(int(at), float(fused[at]), question) for at in best if fused[at] > 0]

    def _by_words(self, question: Question) -> np.ndarray:
        """Every concept counts once, by the alternative that fits a passage best."""
        total = np.zeros(self.size, dtype=np.float32)
        for concept in question.concepts:
            best = np.zeros(self.size, dtype=np.float32)
            for said, weight in concept.alternatives.items():
                known = [term for term in said if term in self.vocabulary]
                if known:
                    np.maximum(best, weight * self.index.fields["words"].get_scores(known), out=best)
            total += best
        return total

    def _by_grams(self, question: Question) -> np.ndarray:
        engine = self.index.fields["grams"]
        known = [gram for gram in grams(question.standard) if gram in engine.vocab_dict]
        return engine.get_scores(known) if known else np.zeros(self.size, dtype=np.float32)

    def _in_force(self, on: date | None) -> np.ndarray:
        if on is None:
            return np.ones(self.size, dtype=bool)
        day = on.isoformat()
        yes = {
            name: (not entry.valid_from or entry.valid_from <= day) and (not entry.valid_to or day <= entry.valid_to)
            for name, entry in self.index.entries.items()
        }
        return np.array([yes[chunk.document] for chunk in self.index.chunks], dtype=bool)

    def _hit(self, at: int, score: float, question: Question) -> Hit:
        chunk = self.index.chunks[at]
        covered = coverage(question.concepts, frozenset(terms(searched_text(chunk))), self.rarity)
        return Hit(chunk, self.index.entries[chunk.document], score, covered)


def coverage(concepts: tuple[Concept, ...], present: frozenset[str], rarity: Callable[[str], float]) -> float:
    """Share of the concepts, weighed by rarity, that a text holds in one of their forms; 0 to 1."""
    asked = found = 0.0
    for concept in concepts:
        weight = min(max(rarity(term) for term in said) for said in concept.alternatives)
        asked += weight
        found += weight * max(
            (w for said, w in concept.alternatives.items() if all(term in present for term in said)), default=0.0
        )
    return found / asked if asked else 0.0
