"""A match run of JOBTREN: the twin's scores and stable matching over the whole register, every pair explained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from deploy.work.worker import progress, work
from twin.labour.advice.advise import methods
from twin.labour.advice.explain import score_explained
from twin.labour.advice.fairness import parity
from twin.labour.advice.intake import read_register
from twin.labour.advice.scores import top_lists
from twin.labour.matching.lists import vacancies_of
from twin.labour.matching.reserves import Reserve

SMALLEST_GROUP = 5


def match(arguments: dict[str, Any]) -> dict[str, Any]:
    """Match the register in a folder, and take the folder away: what is in it is about people."""
    folder = Path(arguments["folder"])
    try:
        register = read_register(folder / "seekers.csv", folder / "vacancies.csv", None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seekers, vacancies = register.seekers, register.vacancies
    progress(1, 4, "scores")
    lists, score, _ = top_lists(seekers, vacancies, arguments["listed"])
    progress(2, 4, "matching")
    matched, compared = methods(lists, score, Reserve(vacancies.reserved, seekers.disability))
    vacancy = vacancies_of(lists, matched)
    progress(3, 4, "explanations")
    rows = []
    for s in np.flatnonzero(vacancy >= 0).tolist():
        parts = score_explained(seekers, s, vacancies, int(vacancy[s]))
        because = "; ".join(f"{one['part']} {one['value']:.2f} × {one['seeker_points']:.2f}" for one in parts)
        rows.append({"seeker": register.names[s], "vacancy": register.vacancies_named[vacancy[s]],
                     "score": float(score[matched[s]]), "because": because})  # fmt: skip
    return {
        "seekers": len(seekers), "seats": int(vacancies.seats.sum()), "matched": len(rows), "methods": compared,
        "parity": parity(seekers, matched, SMALLEST_GROUP), "matches": rows,
    }  # fmt: skip


if __name__ == "__main__":
    work(match)
