"""Preference lists in CSV files: read with every fault at once, and the matching written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from twin.csv_input import numbers, read_csv, row_faults, write_table
from twin.errors import LabourError
from twin.labour.matching.lists import Lists, from_tables, vacancies_of


@dataclass(frozen=True)
class NamedLists:
    """Lists with the names that the files use."""

    lists: Lists
    seekers: pd.Index
    vacancies: pd.Index


def read_lists(
    seekers: Path, vacancies: Path, employer_ranks: Path | None = None, seed: int | None = None
) -> NamedLists:
    """Read `seeker,rank,vacancy` and `vacancy,capacity`, and `vacancy,rank,seeker` where the employers rank.

    Ranks are numbers, 1 is best, equal ranks are ties. Without the employers' file every employer accepts whoever
    lists it and is indifferent. Ties are broken by the order of the seekers' file, or drawn where a `seed` is given.

    Raises LabourError with the faults of all files at once.
    """
    faults: list[str] = []
    wishes = _checked(seekers, ("seeker", "rank", "vacancy"), faults)
    offers = _checked(vacancies, ("vacancy", "capacity"), faults)
    ranking = None if employer_ranks is None else _checked(employer_ranks, ("vacancy", "rank", "seeker"), faults)
    if wishes is not None and offers is not None:
        _names_exist(wishes, "vacancy", offers["vacancy"], vacancies, seekers, faults)
    if ranking is not None and employer_ranks is not None:
        if offers is not None:
            _names_exist(ranking, "vacancy", offers["vacancy"], vacancies, employer_ranks, faults)
        if wishes is not None:
            _names_exist(ranking, "seeker", wishes["seeker"], seekers, employer_ranks, faults)
    if faults or wishes is None or offers is None:
        raise LabourError(str(seekers), faults)
    names, who = pd.Index(wishes["seeker"].unique()), pd.Index(offers["vacancy"])
    capacity = numbers(offers["capacity"]).to_numpy().astype(np.int64)
    theirs = None
    if ranking is not None:
        rank = numbers(ranking["rank"]).to_numpy()
        theirs = (who.get_indexer(ranking["vacancy"]), rank, names.get_indexer(ranking["seeker"]))
    own = (names.get_indexer(wishes["seeker"]), numbers(wishes["rank"]).to_numpy(), who.get_indexer(wishes["vacancy"]))
    lottery = None if seed is None else np.random.default_rng(seed).permutation(len(names))
    return NamedLists(from_tables(len(names), capacity, own, theirs, lottery), names, who)


def _checked(path: Path, columns: tuple[str, ...], faults: list[str]) -> pd.DataFrame | None:
    """The table, or None where it cannot be read at all; its faults are added to `faults`."""
    try:
        table = read_csv(path, LabourError, columns)
    except LabourError as error:
        faults += [f"{path.name}: {fault}" for fault in error.faults]
        return None
    found: list[str] = []
    if "seeker" in columns:
        found += row_faults(table, table["seeker"] == "", lambda row: "the seeker has no name")
    found += row_faults(table, table["vacancy"] == "", lambda row: "the vacancy has no name")
    if "capacity" in columns:
        seats = numbers(table["capacity"])
        bad = ~((seats >= 1) & (seats == seats.round()) & (seats <= np.iinfo(np.int32).max))
        found += row_faults(
            table, bad, lambda row: f"{row.vacancy}: capacity {row.capacity!r} is no whole number of seats, 1 or more"
        )
        key = ["vacancy"]
    else:
        bad = numbers(table["rank"]).isna()
        found += row_faults(table, bad, lambda row: f"rank {row['rank']!r} is not a number; write 1 for the best")
        key = ["seeker", "vacancy"]
    again = table.duplicated(key)
    found += row_faults(table, again, lambda row: f"{' and '.join(row[name] for name in key)}: given twice")
    faults += [f"{path.name}: {fault}" for fault in found]
    return table


def _names_exist(
    table: pd.DataFrame, column: str, known: pd.Series, where: Path, path: Path, faults: list[str]
) -> None:
    unknown = ~table[column].isin(set(known)) & (table[column] != "")
    found = row_faults(table, unknown, lambda row: f"{column} {row[column]!r} is not in {where.name}")
    faults += [f"{path.name}: {fault}" for fault in found]


def write_matches(named: NamedLists, matched: np.ndarray, path: Path) -> None:
    """Write `seeker,vacancy`, one line a matched seeker in the order of the seekers' file."""
    vacancy = vacancies_of(named.lists, matched)
    table = pd.DataFrame({"seeker": named.seekers[vacancy >= 0], "vacancy": named.vacancies[vacancy[vacancy >= 0]]})
    write_table(table, path, LabourError)
