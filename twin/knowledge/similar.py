"""Projects like the one under review, out of an index of validated documents, and what their claims say about its own.

The index is the reviewer's own (`twin knowledge ingest`): no list of certified projects is shipped. A project is alike
if its words are near and it is of the same activity; it is compared by its yearly tonnes a hectare or kWp.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from twin.knowledge.documents.read import read
from twin.knowledge.facts import rows
from twin.knowledge.index.search import Searcher
from twin.knowledge.review import CLAIM, SIZE, Finding, Review, Similar, number

DEEP = 60  # passages looked at
FAR = 1.5  # a claim is asked about beyond this many times the highest, or below the lowest over this


def similar(path: Path, found: Review, searcher: Searcher, k: int = 3) -> list[Similar]:
    """The k nearest other projects of the same activity in the index, nearest first; none without an activity."""
    if found.activity is None:
        return []
    own = hashlib.sha256(path.read_bytes()).hexdigest()
    words = next(row["words"] for row in rows("activities") if row["activity"] == found.activity)
    alike = re.compile(r"\b(?:" + "|".join(words.split()) + r")\b", re.I)
    told = "\n".join([found.title, *(block.text for block in read(path).blocks)])[:2000]
    names = dict.fromkeys(hit.chunk.document for hit in searcher.search(told, DEEP))
    projects = []
    for name in names:
        entry, chunks = searcher.index.entries[name], [c for c in searcher.index.chunks if c.document == name]
        text = "\n".join([entry.title, *(chunk.text for chunk in chunks)])
        if entry.digest == own or not alike.search(text):
            continue
        claim, size = _first(CLAIM, text), _first(SIZE[found.per or "ha"], text)
        projects.append(Similar(name, entry.title, entry.url, claim, size, claim / size if claim and size else None))
    return projects[:k]


def _first(pattern: re.Pattern[str], text: str) -> float | None:
    match = pattern.search(text)
    return number(match[1]) if match else None


def compared(found: Review, projects: list[Similar]) -> Review:
    """The review with the similar projects, and a question where its claim is far from all of theirs."""
    rates = [(one.tco2e_per_unit, one.title) for one in projects if one.tco2e_per_unit]
    questions: tuple[Finding, ...] = ()
    if rates and found.stated_tco2e_per_year and found.size:
        own, (low, _), (high, _) = found.stated_tco2e_per_year / found.size, min(rates), max(rates)
        if not low / FAR <= own <= high * FAR:
            theirs = "; ".join(f"{title}: {rate:.3g}" for rate, title in rates)
            text = f"{own:.3g} tCO2e/{found.per}/year is claimed, and similar projects claim {theirs}; why?"
            questions = (Finding("question", "", f"similar projects: {len(rates)} of the index", text),)
    return replace(found, findings=(*found.findings, *questions), similar=tuple(projects))
