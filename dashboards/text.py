"""Texts in Bahasa Indonesia and English: the pages' by key (`data/texts.csv`), the charts' by their English wording."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from twin.files import read_rows
from twin.kpi import Kpi
from twin.wording import programme_names, unit_said

DATA = Path(__file__).parent / "data"
LANGUAGES = {"id": "Bahasa Indonesia", "en": "English"}


@functools.cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every text by key, then by language."""
    return {row["key"]: {code: row[code] for code in LANGUAGES} for row in read_rows(DATA / "texts.csv")}


def language() -> str:
    """The visitor's language; Bahasa Indonesia until it is switched."""
    return str(st.session_state.get("lang") or "id")


def t(key: str, **values: Any) -> str:
    """A text in the visitor's language."""
    return catalogue()[key][language()].format(**values)


def named(prefix: str, keys: Iterable[Any]) -> Callable[[Any], str]:
    """What a choice calls its options: their texts as they are now."""
    return {key: t(f"{prefix}.{key}") for key in keys}.__getitem__


def title(kpi: Kpi) -> str:
    """A key figure's title in the visitor's language."""
    return kpi.title_id if language() == "id" else kpi.title_en


def unit_of(unit: str) -> str:
    """A unit in the visitor's language."""
    return unit_said(unit, language())


def programme(key: str) -> str:
    """A programme's name in the visitor's language."""
    return programme_names(language())[key]


def number(value: float | int | None, digits: int = 4) -> str:
    """A number as it is written in the visitor's language: 1.234,5 or 1,234.5; – for nothing."""
    if value is None or value != value:
        return "–"
    value += 0.0  # no minus before a zero
    if abs(value) >= 1000 or value == int(value):
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{digits}g}" if abs(value) >= 1e-4 else f"{value:.1e}"
    return text.translate(str.maketrans(",.", ".,")) if language() == "id" else text


def money(value_idr: float | None) -> str:
    """Rupiah in words of size: Rp 1,25 miliar."""
    if value_idr is None or value_idr != value_idr:
        return "–"
    for size, key in ((1e12, "money.trillion"), (1e9, "money.billion"), (1e6, "money.million")):
        if abs(value_idr) >= size:
            return f"Rp {number(value_idr / size, 3)} {t(key)}"
    return f"Rp {number(value_idr)}"


def amount(value: float | None, unit: str) -> str:
    """A value with its unit."""
    if unit == "Rp":
        return money(value)
    return f"{number(value)} {unit_of(unit)}" if unit != "-" and value is not None else number(value)
