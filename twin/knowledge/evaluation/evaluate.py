"""The harness: a set of questions with their right passages, put to LARAS and to plain BM25 in one run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import KnowledgeError
from twin.files import read_rows
from twin.knowledge.documents.chunks import Chunk
from twin.knowledge.evaluation.measures import hit_at, ndcg, paired, reciprocal_rank, share
from twin.knowledge.index.search import Searcher
from twin.knowledge.index.store import searched_text
from twin.knowledge.laras.answer import Answer, ask

COLUMNS = ("id", "split", "style", "question", "document", "anchor", "expected")
DEEPEST = 10  # a right passage below this rank counts as not found
UNANSWERABLE = "unanswerable"
Ranking = Callable[[str], Sequence[Chunk]]


@dataclass(frozen=True)
class Asked:
    """A question with where its answer stands (`document`, `anchor`; empty if nowhere) and a text that it must hold."""

    id: str
    split: str
    style: str
    question: str
    document: str
    anchor: str
    expected: str

    def rank_in(self, chunks: Iterable[Chunk]) -> int | None:
        """Rank of the right passage."""
        right = (self.document, self.anchor)
        return next((rank for rank, chunk in enumerate(chunks, 1) if (chunk.document, chunk.anchor) == right), None)


def read_questions(path: Path, split: str | None = None) -> list[Asked]:
    """Questions of a CSV, of one split or all. Raises KnowledgeError for missing columns or an empty set."""
    try:
        rows = read_rows(path)
    except OSError as error:
        raise KnowledgeError(str(path), [f"cannot be read: {error.strerror}"]) from error
    missing = [name for name in COLUMNS if rows and name not in rows[0]]
    if missing:
        raise KnowledgeError(str(path), [f"has no column {name}; columns: {', '.join(COLUMNS)}" for name in missing])
    found = [Asked(*(row[name] for name in COLUMNS)) for row in rows if split in (None, row["split"])]
    if not found:
        raise KnowledgeError(str(path), [f"holds no question{f' of the split {split!r}' if split else ''}"])
    return found


def plain_bm25(chunks: Sequence[Chunk]) -> Ranking:
    """What we must beat: bm25s with its own tokeniser and defaults over the very same texts."""
    import bm25s

    def tokens(texts: list[str]) -> Any:
        return bm25s.tokenize(texts, stopwords=None, return_ids=False, show_progress=False)

    engine = bm25s.BM25()
    engine.index(tokens([searched_text(chunk) for chunk in chunks]), show_progress=False)

    def ranking(question: str) -> list[Chunk]:
        known = [token for token in tokens([question])[0] if token in engine.vocab_dict]
        if not known:
            return []
        scores = engine.get_scores(known)
        order = (-scores).argsort(kind="stable")[:DEEPEST]
        return [chunks[at] for at in order if scores[at] > 0]

    return ranking


def evaluate(searcher: Searcher, questions: Sequence[Asked]) -> dict[str, Any]:
    """Rankings and answers by style, with 95 % intervals and the paired comparison against plain BM25."""
    answerable = [asked for asked in questions if asked.style != UNANSWERABLE]
    methods: dict[str, Ranking] = {
        "plain bm25s": plain_bm25(searcher.index.chunks),
        "ours": lambda text: [hit.chunk for hit in searcher.search(text, DEEPEST)],
    }
    ranks = {
        name: {asked.id: asked.rank_in(ranking(asked.question)) for asked in answerable}
        for name, ranking in methods.items()
    }
    answers = {asked.id: ask(searcher, asked.question) for asked in questions}
    styles = sorted({asked.style for asked in answerable}, reverse=True)
    retrieval, comparison = [], []
    for style in [*styles, "all"]:
        group = [asked.id for asked in answerable if style in (asked.style, "all")]
        retrieval += [_ranking_row(style, name, [ranks[name][one] for one in group]) for name in methods]
        hits = {name: [hit_at(ranks[name][one], 3) for one in group] for name in methods}
        only_ours, only_theirs, p = paired(hits["ours"], hits["plain bm25s"])
        comparison.append(
            {"style": style, "questions": len(group), "only_ours": only_ours, "only_plain": only_theirs, "p_value": p}
        )
    return {"retrieval": retrieval, "comparison_hit_at_3": comparison, "answers": _answer_rows(questions, answers)}


def _ranking_row(style: str, method: str, ranks: list[int | None]) -> dict[str, Any]:
    row: dict[str, Any] = {"style": style, "method": method, "questions": len(ranks)}
    for k in (1, 3, 5):
        value, low, high = share(sum(hit_at(rank, k) for rank in ranks), len(ranks))
        row |= {f"hit_at_{k}": value, f"hit_at_{k}_interval": [low, high]}
    row["mrr"] = statistics.mean(map(reciprocal_rank, ranks))
    row["ndcg"] = statistics.mean(map(ndcg, ranks))
    return row


def _answer_rows(questions: Sequence[Asked], answers: dict[str, Answer]) -> list[dict[str, Any]]:
    rows = []
    for style in sorted({asked.style for asked in questions}, reverse=True):
        group = [asked for asked in questions if asked.style == style]
        said = [(asked, answers[asked.id]) for asked in group if not answers[asked.id].abstained]
        right = {
            "abstained": (len(group) - len(said), len(group)),
            "first_citation_right": (sum(_cited(asked, answer, 1) for asked, answer in said), len(said)),
            "a_citation_right": (sum(_cited(asked, answer, 3) for asked, answer in said), len(said)),
            "answer_exact": (sum(_exact(asked, answer) for asked, answer in said if asked.expected), len(said)),
        }
        row: dict[str, Any] = {"style": style, "questions": len(group)}
        for name, (yes, of) in right.items():
            if style == UNANSWERABLE and name != "abstained":
                continue
            value, low, high = share(yes, of)
            row |= {name: value, f"{name}_interval": [low, high]}
        rows.append(row)
    return rows


def _cited(asked: Asked, answer: Answer, k: int) -> bool:
    places = [f"{asked.document}#{asked.anchor}"]
    return any(citation.link in places for citation in answer.citations[:k])


def _exact(asked: Asked, answer: Answer) -> bool:
    return asked.expected.lower() in answer.answer.lower()
