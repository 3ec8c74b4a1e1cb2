"""A question as concepts: each word with what else it may mean (its standard form, long form, synonyms, a typo)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from twin.knowledge.facts import rows
from twin.knowledge.index.analysis import STOPWORDS, roots, stem, terms, words

Terms = tuple[str, ...]
MAX_CONCEPTS = 40
MAX_CHARACTERS = 2_000
LEAST_LETTERS = 3  # of a word that nothing knows; a shorter one is a particle, or a slip
STANDARD, LONG_FORM, SYNONYM, SPELLING = 1.0, 1.0, 0.6, 0.8  # how much an alternative counts beside the word itself
NEAR = 0.75  # least similarity (Damerau-Levenshtein over length) at which a word is taken for a misspelt one
INFORMAL_PREFIXES = (("nge", ""), ("ny", "s"), ("ny", "c"), ("ng", ""), ("ng", "k"), ("n", "t"), ("m", "p"))
INFORMAL_SUFFIXES = ("in", "ne", "e", "nya", "ku", "mu", "ke", "ake", "no", "i")


@dataclass
class Concept:
    """One thing that is asked about, and the terms that say it with their weights."""

    word: str
    alternatives: dict[Terms, float] = field(default_factory=dict)

    def add(self, said: Terms, weight: float) -> None:
        """Another way to say it; of two weights the greater stays."""
        if said:
            self.alternatives[said] = max(weight, self.alternatives.get(said, 0.0))


@dataclass(frozen=True)
class Question:
    """A question made ready: its concepts, its text in standard words for the n-grams, and what was said about it."""

    concepts: tuple[Concept, ...]
    standard: str
    remarks: tuple[str, ...] = ()


@functools.cache
def _colloquial() -> dict[str, str]:
    return {row["word"]: row["standard"] for row in rows("colloquial")}


@functools.cache
def _abbreviations() -> tuple[dict[str, Terms], dict[Terms, str]]:
    long_of = {row["short"]: tuple(terms(row["long"])) for row in rows("abbreviations")}
    return long_of, {long: short for short, long in long_of.items()}


@functools.cache
def _synonyms() -> dict[str, frozenset[str]]:
    """Every stem of a line of the table with the others of that line."""
    found: dict[str, frozenset[str]] = {}
    for row in rows("synonyms"):
        line = frozenset(term for word in row["words"].split() for term in terms(word))
        for term in line:
            found[term] = found.get(term, frozenset()) | line - {term}
    return found


@functools.lru_cache(maxsize=10_000)
def informal_root(word: str) -> str | None:
    """The root behind spoken affixes: `ngajuin` -> `aju`, `cutine` -> `cuti`; None where none is found."""
    for candidate in [word, *_without_suffix(word)]:
        options = [candidate] + [
            new + candidate[len(old) :] for old, new in INFORMAL_PREFIXES if candidate.startswith(old)
        ]
        for option in options:
            root = stem(option)
            if len(root) >= 3 and root in roots() and root != word:
                return root
    return None


def understand(text: str, vocabulary: Collection[str], rarity: Callable[[str], float]) -> Question:
    """Concepts of a question against the terms that the index knows; `rarity` says which to keep of many."""
    remarks = []
    if len(text) > MAX_CHARACTERS:
        remarks.append(f"the question has {len(text):,} characters; its first {MAX_CHARACTERS:,} were searched")
        text = text[:MAX_CHARACTERS]
    concepts: list[Concept] = []
    standard: list[str] = []
    for word, meant in _standardised(words(text)):
        standard.append(meant)
        if stem(word) in STOPWORDS or all(part in STOPWORDS for part in words(meant)):
            continue
        if len(word) < LEAST_LETTERS and meant == word and word not in vocabulary:
            continue
        concept = _concept(word, meant, vocabulary)
        if concept.alternatives and all(concept.alternatives != other.alternatives for other in concepts):
            concepts.append(concept)
    _add_abbreviations(concepts)
    if len(concepts) > MAX_CONCEPTS:
        remarks.append(f"of its {len(concepts)} words with a subject the {MAX_CONCEPTS} rarest were searched")
        kept = sorted(concepts, key=lambda c: -max(rarity(t) for said in c.alternatives for t in said))[:MAX_CONCEPTS]
        concepts = [concept for concept in concepts if concept in kept]
    return Question(tuple(concepts), " ".join(standard), tuple(remarks))


def _standardised(said: list[str]) -> Iterator[tuple[str, str]]:
    for word in said:
        bare = [word] if word in roots() else [word, *_without_suffix(word)]
        yield word, next((_colloquial()[form] for form in bare if form in _colloquial()), word)


def _without_suffix(word: str) -> list[str]:
    return [word[: -len(s)] for s in INFORMAL_SUFFIXES if word.endswith(s) and len(word) - len(s) >= 3]


def _concept(word: str, meant: str, vocabulary: Collection[str]) -> Concept:
    concept, long_of = Concept(word), _abbreviations()[0]
    itself = stem(word)
    concept.add((itself,), 1.0)
    if meant != word:
        concept.add(tuple(terms(meant)), STANDARD)
    if word in long_of:
        concept.add(long_of[word], LONG_FORM)
    if itself not in vocabulary and len(concept.alternatives) == 1:
        for guess in filter(None, (informal_root(word), _near(word, vocabulary))):
            concept.add((guess,), SPELLING)
    for said in [said for said in concept.alternatives if len(said) == 1]:
        for other in _synonyms().get(said[0], ()):
            concept.add((other,), SYNONYM)
    return concept


def _near(word: str, vocabulary: Collection[str]) -> str | None:
    """The term of the index that a misspelt word is nearest to."""
    from rapidfuzz import process
    from rapidfuzz.distance import DamerauLevenshtein

    if len(word) < 4 or not word.isalpha():
        return None
    found = process.extractOne(
        word, list(vocabulary), scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=NEAR
    )
    return found[0] if found and len(found[0]) >= 4 else None


def _add_abbreviations(concepts: list[Concept]) -> None:
    """Where a long form is spelt out, its abbreviation says the same as its first word's concept."""
    stems = [next(iter(concept.alternatives))[0] for concept in concepts]
    for long, short in _abbreviations()[1].items():
        for start in range(len(stems) - len(long) + 1):
            if tuple(stems[start : start + len(long)]) == long:
                concepts[start].add((short,), LONG_FORM)


def is_blank(text: str) -> bool:
    """Whether a question holds no word at all."""
    return not re.search(r"\w", text)
