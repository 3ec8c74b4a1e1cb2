"""Text as terms: Indonesian stems for words, and n-grams of characters that forgive spelling."""

from __future__ import annotations

import functools
import re
import unicodedata

from twin.knowledge.facts import rows

WORD = re.compile(r"[^\W_]+(?:[/-][^\W_]+)*")
GRAM_SIZES = (3, 4)
# what carries no subject: function words, and the words that make a sentence a question
STOPWORDS = frozenset(row["word"] for row in rows("stopwords"))


@functools.cache
def _stemmer():  # type: ignore[no-untyped-def]
    from Sastrawi.Stemmer.StemmerFactory import StemmerFactory

    return StemmerFactory().create_stemmer()


@functools.cache
def roots() -> frozenset[str]:
    """Root words of Indonesian as Sastrawi lists them."""
    from Sastrawi.Stemmer.StemmerFactory import StemmerFactory

    return frozenset(StemmerFactory().get_words())


@functools.lru_cache(maxsize=500_000)
def stem(word: str) -> str:
    """The stem of a lower-case word: `melahirkan` -> `lahir`. Words that are no plain letters stay as they are."""
    return _stemmer().stem(word) if word.isascii() and word.isalpha() and len(word) > 3 else word


def words(text: str) -> list[str]:
    """Lower-case words; a doubled word becomes one (`anak-anak` and `anak2` -> `anak`)."""
    found = []
    for word in WORD.findall(unicodedata.normalize("NFKC", text).lower()):
        if re.fullmatch(r"[a-z]{3,}2", word):
            found.append(word[:-1])
            continue
        parts = word.split("-")
        found += parts[-1:] if len(parts) == 2 and parts[0].endswith(parts[1][-3:]) else parts
    return found


def terms(text: str) -> list[str]:
    """Stems of the words that carry a subject, in order."""
    return [stem(word) for word in words(text) if word not in STOPWORDS]


def grams(text: str) -> list[str]:
    """Character n-grams of those words, each word marked at its ends: `cuti` -> ` cu`, `cut`, …, `uti `."""
    found = []
    for word in words(text):
        if word in STOPWORDS or len(word) < 2:
            continue
        padded = f" {word} "
        found += [padded[i : i + n] for n in GRAM_SIZES for i in range(max(len(padded) - n + 1, 1))]
    return found
