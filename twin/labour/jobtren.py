"""JOBTREN: who knows it, what it does to registering and to what the registered hear of. Its effect is a prior."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from twin.labour.facts import read
from twin.labour.market import Platform


@functools.cache
def ranges() -> Mapping[str, tuple[float, float, float]]:
    """Low, mode and high of every input (`data/jobtren.csv`); the effect on information may be nothing at all."""
    return {row["name"]: (float(row["low"]), float(row["value"]), float(row["high"])) for row in read("jobtren.csv")}


def bass(months: float, innovation: float, imitation: float) -> float:
    """Share that knows an innovation after so many months (Bass 1969): (1 - e) / (1 + q/p e), e = exp(-(p + q) t)."""
    faded = np.exp(-(innovation + imitation) * max(0.0, months))
    return float((1 - faded) / (1 + imitation / innovation * faded))


def told_share(people: float, all_people: float) -> float:
    """Of the working-age people, how many a month's audience of podcast and LARAS (`people`) were told of JOBTREN."""
    return ranges()["told_share"][1] * people / all_people


def platform(
    months: float, registration_lift: float, information_gain: float, employer_share: float, told: float = 0.0
) -> Platform:
    """What JOBTREN does so many months after its start; before it, nothing.

    Those who would not know it yet do so if podcast or LARAS told them: `told` is how often each was so far (mean).
    """
    known = bass(months, ranges()["innovation_month"][1], ranges()["imitation_month"][1])
    if known == 0:
        return Platform()
    seekers_know = 1 - (1 - known) * np.exp(-told)
    return Platform(registration_lift * float(seekers_know), information_gain, employer_share * known)


def drawn(rng: np.random.Generator) -> dict[str, float]:
    """One draw of its effects from their priors: triangular, and on information nothing at all with some chance."""
    names = ("registration_lift", "information_gain", "employer_share")
    found = {name: float(rng.triangular(*ranges()[name])) for name in names}
    if rng.random() < ranges()["no_effect_probability"][1]:
        found["information_gain"] = 0.0
    return found
