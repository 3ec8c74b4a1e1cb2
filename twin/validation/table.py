"""The validation table: which comparisons there are, and making them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence

from twin.errors import ValidationTableError
from twin.scenario import nearest
from twin.validation.comparison import Comparison, Skipped

# name -> function that makes its comparisons, imported only when it is asked for
CHECKS = {
    "queue": "twin.validation.signal:queue",
    "webster": "twin.validation.signal:webster",
    "resco": "twin.validation.networks:resco",
    "modelchain": "twin.validation.solar:modelchain",
    "pvwatts": "twin.validation.solar:pvwatts",
    "matching": "twin.validation.labour:matching",
    "planner": "twin.validation.labour:planner",
    "margins": "twin.validation.labour:population_margins",
    "order-book": "twin.validation.carbon:order_books",
    "tokens": "twin.validation.carbon:tokens",
    "bass": "twin.validation.programmes:bass",
    "clerks": "twin.validation.programmes:clerks",
    "npv": "twin.validation.programmes:npv_of_money",
}


def chosen(only: Sequence[str]) -> list[str]:
    """Names of the comparisons that are wanted; all where none is named. Raises ValidationTableError."""
    unknown = [f"--only {name}: is no comparison; {nearest(name, list(CHECKS))}" for name in only if name not in CHECKS]
    if unknown:
        raise ValidationTableError("validate", unknown)
    return [name for name in CHECKS if not only or name in only]


def made(
    names: Sequence[str], progress: Callable[..., None] = lambda *_: None
) -> Iterator[tuple[str, Comparison | Skipped]]:
    """Make comparisons, one after the other."""
    for done, name in enumerate(names):
        progress(done, len(names), name)
        module, _, function = CHECKS[name].partition(":")
        for found in getattr(importlib.import_module(module), function)():
            yield name, found
    progress(len(names), len(names), "")
