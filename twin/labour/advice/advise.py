"""Advice for a whole register: explained matches, parity between groups, ways to a match, the methods compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.csv_input import write_table
from twin.errors import LabourError
from twin.labour.advice.explain import score_explained, screened_out, way_told, ways_to_a_match
from twin.labour.advice.fairness import parity
from twin.labour.advice.intake import Register
from twin.labour.advice.scores import top_lists
from twin.labour.matching.deferred import deferred_acceptance
from twin.labour.matching.lists import Lists, vacancies_of
from twin.labour.matching.planner import greedy, maximum_weight
from twin.labour.matching.reserves import Reserve, split
from twin.labour.matching.stability import blocking_pairs


def methods(lists: Lists, score: np.ndarray, reserve: Reserve) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """The stable matching with reserves, and a row a method: matched, the seekers' summed score, blocking pairs.

    What stability costs is the planner's sum less the stable one's.
    """
    reserved = split(lists, [reserve])
    matched = reserved.joined(deferred_acceptance(reserved.lists))
    found = {
        "stable, reserved seats": matched,
        "stable, seekers propose": deferred_acceptance(lists),
        "stable, employers propose": deferred_acceptance(lists, "employers"),
        "planner's optimum": maximum_weight(lists, score),
        "greedy": greedy(lists, score),
    }
    return matched, [
        {"method": name, "matched": int((one >= 0).sum()), "score": float(score[one[one >= 0]].sum()),
         "blocking_pairs": blocking_pairs(lists, one)}
        for name, one in found.items()
    ]  # fmt: skip


def write_advice(
    register: Register, folder: Path, listed: int, language: str, ways: int, k: int
) -> dict[str, str | int | float]:
    """Write the tables into `folder` and give the main figures."""
    seekers, vacancies = register.seekers, register.vacancies
    lists, score, _ = top_lists(seekers, vacancies, listed)
    matched, rows = methods(lists, score, Reserve(vacancies.reserved, seekers.disability))
    vacancy = vacancies_of(lists, matched)
    who = np.flatnonzero(vacancy >= 0)
    matches = pd.DataFrame({
        "seeker": [register.names[s] for s in who],
        "vacancy": [register.vacancies_named[v] for v in vacancy[who]],
        "score": score[matched[who]],
        "because": [_because(register, int(s), int(vacancy[s]), language) for s in who],
    })  # fmt: skip
    without = np.flatnonzero(vacancy < 0)
    tables = {
        "matches.csv": matches,
        "parity.csv": pd.DataFrame(parity(seekers, matched, k)),
        "methods.csv": pd.DataFrame(rows),
        "ways.csv": _ways(register, without[:ways].tolist(), listed, language),
        "screened_out.csv": _screened(register, [s for s in without.tolist() if lists.start[s] == lists.start[s + 1]],
                                      language),
    }  # fmt: skip
    for name, table in tables.items():
        write_table(table, folder / name, LabourError)
    figures = {row["method"]: row for row in rows}
    stable, best = figures["stable, seekers propose"]["score"], figures["planner's optimum"]["score"]
    return {
        "seekers": len(seekers),
        "seats": int(vacancies.seats.sum()),
        "matched": len(who),
        "nobody_hires_them": int((np.diff(lists.start) == 0).sum()),
        "stability_costs_percent_of_score": 100 * (1 - stable / best) if best else 0.0,
    }


def _because(register: Register, s: int, v: int, language: str) -> str:
    rows = score_explained(register.seekers, s, register.vacancies, v, language)
    return "; ".join(f"{row['part']} {row['value']:.2f} × {row['seeker_points']:.2f}" for row in rows)


def _ways(register: Register, chosen: list[int], listed: int, language: str) -> pd.DataFrame:
    rows = [
        {"seeker": register.names[s], "change": way.change, "what": way.what,
         "vacancy": register.vacancies_named[way.vacancy], "told": way_told(way, language)}
        for s in chosen
        for way in ways_to_a_match(register.seekers, s, register.vacancies, listed)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["seeker", "change", "what", "vacancy", "told"])


def _screened(register: Register, chosen: list[int], language: str) -> pd.DataFrame:
    """For who passes no vacancy's screening: the reasons of the vacancy that has fewest of them."""
    rows = []
    for s in chosen:
        everywhere = range(len(register.vacancies))
        reasons = [screened_out(register.seekers, s, register.vacancies, v, language) for v in everywhere]
        nearest = int(np.argmin([len(one) for one in reasons]))
        rows.append({"seeker": register.names[s], "vacancy": register.vacancies_named[nearest],
                     "reasons": "; ".join(reasons[nearest])})  # fmt: skip
    return pd.DataFrame(rows, columns=["seeker", "vacancy", "reasons"])
