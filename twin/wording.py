"""Charts in Bahasa Indonesia or English: their titles and the words in their data (`data/words.csv`).

The charts themselves are drawn in English with the run's own keys; programmes and key figures get their names in both.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twin.files import read_rows
from twin.kpi import catalogue

DATA = Path(__file__).parent / "data"
INPUT_TITLES = Path(__file__).parent / "programmes" / "data" / "input_titles.csv"
LANGUAGES = ("id", "en")
Spec = dict[str, Any]
NUMBERS = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["Rp ", ""]}  # as Indonesian writes them
UNNAMED = ("tooltip", "detail", "order", "text", "x2", "y2", "xOffset", "yOffset", "longitude", "latitude")


@functools.cache
def words() -> Mapping[str, str]:
    """Indonesian for the English words and titles of charts; `{}` in a title stands for anything."""
    inputs = {row["title_en"]: row["title_id"] for row in read_rows(INPUT_TITLES)}
    return inputs | {row["en"]: row["id"] for row in read_rows(DATA / "words.csv")}


@functools.cache
def unit_words() -> Mapping[str, str]:
    """Indonesian for units; a table of its own, because `s` is also a lamp."""
    return {row["en"]: row["id"] for row in read_rows(DATA / "unit_words.csv")}


def unit_said(unit: str, code: str) -> str:
    """A unit in the language."""
    return unit_words().get(unit, unit) if code == "id" else unit


@functools.cache
def programme_names(code: str) -> Mapping[str, str]:
    """The programmes' names by key."""
    return {row["programme"]: row[f"title_{code}"] for row in read_rows(DATA / "programme_names.csv")}


def said(text: str, code: str) -> str:
    """A word, a title, or words joined by a colon, in the language; what is not known stays."""
    if code == "en":
        return text
    if text in words():
        return words()[text]
    for title, pattern in _templates():
        if match := pattern.fullmatch(text):
            return words()[title].format(*match.groups())
    if ": " in text:
        return ": ".join(words().get(part, part) for part in text.split(": "))
    return text


@functools.cache
def _templates() -> list[tuple[str, re.Pattern[str]]]:
    return [(one, re.compile(re.escape(one).replace(r"\{\}", "(.*)"))) for one in words() if "{}" in one]


def worded(spec: Spec, code: str) -> Spec:
    """A copy of a Vega-Lite chart in the language: titles, legends, and the words in its data."""
    made: Spec = _said_in(spec, code)
    made["datasets"] = {
        name: [{key: _cell(key, value, code) for key, value in row.items()} for row in rows]
        for name, rows in made.get("datasets", {}).items()
    }
    if code == "id":
        made["config"] = {**made.get("config", {}), "locale": {"number": NUMBERS}}
    return made


def _cell(column: str, value: Any, code: str) -> Any:
    if not isinstance(value, str):
        return value
    if column == "programme":
        return programme_names(code).get(value, value)
    if column == "figure" and value in catalogue():
        kpi = catalogue()[value]
        return kpi.title_id if code == "id" else kpi.title_en
    key, colon, rest = value.partition(": ")
    if colon and key in programme_names(code):
        return f"{programme_names(code)[key]}: {said(rest, code)}"
    return said(value, code)


def _said_in(node: Any, code: str) -> Any:
    if isinstance(node, list):
        return [_said_in(one, code) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: value if key == "datasets" else _said_in(value, code) for key, value in node.items()}
    for key in ("title", "domain", "sort"):
        value = made.get(key)
        if isinstance(value, str) and key == "title":
            made[key] = said(value, code)
        elif isinstance(value, list):
            made[key] = [said(one, code) if isinstance(one, str) else one for one in value]
    for channel, encoding in made.get("encoding", {}).items():
        if channel not in UNNAMED and isinstance(encoding, dict) and "field" in encoding:
            encoding.setdefault("title", said(encoding["field"], code))
    return made
