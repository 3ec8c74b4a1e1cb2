"""The working-age people of the regency as columns, synthesised to published margins.

Iterative proportional fitting (Deming & Stephan 1940, by the `humanleague` package) gives the number of people in every
cell of status × sex × age × education × kecamatan; then, for the employed, of sector × sex × education × kecamatan. The
fit keeps the odds ratios of its seed: products of the pairwise weights in `data/affinities.csv`, mostly priors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import humanleague
import numpy as np

from twin.labour.facts import (
    EDUCATIONS,
    EMPLOYED,
    SCHOOLING,
    SEXES,
    STATUSES,
    margins,
    parameters,
    read,
    sectors,
    skills,
)

DIMENSIONS = ("status", "sex", "age", "education", "kecamatan")
NO_SECTOR = -1


@dataclass(frozen=True)
class People:
    """One entry a person in every column, shape (n,). Codes are places in the tables' categories."""

    status: np.ndarray  # int8: EMPLOYED, UNEMPLOYED, OUT of the labour force
    sex: np.ndarray  # int8: SEXES
    age_group: np.ndarray  # int8: five years from 15, the last open
    education: np.ndarray  # int8: EDUCATIONS
    kecamatan: np.ndarray  # int8: in the order of the codes
    sector: np.ndarray  # int8: of the job; NO_SECTOR for who has none
    skills: np.ndarray  # uint32: bit mask
    interest: np.ndarray  # int8: KBJI major group
    disability: np.ndarray  # bool

    def __len__(self) -> int:
        return len(self.status)

    def take(self, chosen: np.ndarray) -> People:
        """Some of them, by number or by a mask."""
        return People(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def whole_numbers(shares: np.ndarray, total: int) -> np.ndarray:
    """Shares as whole numbers that add up to `total`, none off by 1 or more (largest remainders)."""
    exact = np.asarray(shares, dtype=float) / np.sum(shares) * total
    found = np.floor(exact).astype(np.int64)
    found[np.argsort(found - exact, kind="stable")[: total - found.sum()]] += 1
    return found


def category_names(vintage: str) -> dict[str, list[str]]:
    """The categories of every dimension, in the order of the codes."""
    return {dimension: list(margins(vintage)[dimension]) for dimension in DIMENSIONS}


def target_counts(vintage: str, people: int | None = None) -> dict[str, np.ndarray]:
    """What the population is fitted to: people in every category; `people` scales the vintage to another size."""
    table = margins(vintage)
    status = np.array([table["status"][name] for name in STATUSES])
    total = int(status.sum()) if people is None else people
    found: dict[str, np.ndarray] = {"status": whole_numbers(status, total)}
    for dimension in DIMENSIONS[1:]:
        found[dimension] = whole_numbers(np.array(list(table[dimension].values())), total)
    found["sector"] = whole_numbers(_sector_shares(vintage), int(found["status"][EMPLOYED]))
    return found


def _sector_shares(vintage: str) -> np.ndarray:
    groups = margins(vintage)["sector_group"]
    within: dict[str, float] = {}
    for sector in sectors():
        within[sector.group] = within.get(sector.group, 0.0) + sector.share_in_group_percent
    return np.array([groups[s.group] * s.share_in_group_percent / within[s.group] for s in sectors()])


def _seed(names: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Product of the pairwise weights over the dimensions named, ones where nothing is known."""
    order = list(names)
    seed = np.ones([len(names[dimension]) for dimension in order])
    for row in read("affinities.csv"):
        first, _, second = row["pair"].partition("_")
        if first in names and second in names:
            where: list[slice | int] = [slice(None)] * len(order)
            where[order.index(first)] = names[first].index(row["first"])
            where[order.index(second)] = names[second].index(row["second"])
            seed[tuple(where)] *= float(row["weight"])
    return seed


def fitted(seed: np.ndarray, indices: list[list[int]], targets: list[np.ndarray]) -> np.ndarray:
    """People in every cell [fractions], by iterative proportional fitting. Raises ValueError where it cannot fit."""
    cells, report = humanleague.ipf(seed, indices, [np.asarray(target, dtype=float) for target in targets])
    if not report["conv"]:
        raise ValueError(f"iterative proportional fitting did not converge: {report}")
    return np.asarray(cells)


def whole_cells(cells: np.ndarray) -> np.ndarray:
    """Cells as whole people by rounding the running total: exact for the first dimension's margin, near for others."""
    return np.diff(np.rint(np.cumsum(cells.ravel())), prepend=0).astype(np.int64).reshape(cells.shape)


def synthesise(vintage: str, rng: np.random.Generator, people: int | None = None) -> People:
    """A population of `vintage`; all chance (who in a cell has which sector, skill, interest) comes from `rng`."""
    names, targets = category_names(vintage), target_counts(vintage, people)
    cells = whole_cells(fitted(_seed(names), [[i] for i in range(5)], [targets[d] for d in DIMENSIONS]))
    codes = np.unravel_index(np.repeat(np.arange(cells.size), cells.ravel()), cells.shape)
    status, sex, age_group, education, kecamatan = (code.astype(np.int8) for code in codes)
    sector = np.full(len(status), NO_SECTOR, dtype=np.int8)
    employed = status == EMPLOYED
    sector[employed] = _sectors_of(names, targets, sex[employed], education[employed], kecamatan[employed], rng)
    has = _skills_of(education, sector, rng)
    interest = _interests_of(has, rng)
    disability = rng.random(len(status), dtype=np.float32) < parameters()["disability_share"]
    return People(status, sex, age_group, education, kecamatan, sector, has, interest, disability)


def _sectors_of(
    names: dict[str, list[str]],
    targets: dict[str, np.ndarray],
    sex: np.ndarray,
    education: np.ndarray,
    kecamatan: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """A sector for every employed person: fitted to the sectors' sizes and to the employed of every kind."""
    shape = (len(SEXES), len(EDUCATIONS), len(names["kecamatan"]))
    kind = np.ravel_multi_index((sex, education, kecamatan), shape)
    people = np.bincount(kind, minlength=np.prod(shape)).reshape(shape)
    seed = _seed({"sector": [s.name for s in sectors()], **{d: names[d] for d in ("sex", "education", "kecamatan")}})
    cells = fitted(seed, [[0], [1, 2, 3]], [targets["sector"], people]).reshape(len(sectors()), -1)
    counts = np.diff(np.rint(np.cumsum(cells, axis=0)), axis=0, prepend=0).astype(np.int64)  # exact for every kind
    found = np.empty(len(sex), dtype=np.int8)
    shuffled = rng.permutation(len(sex))
    found[shuffled[np.argsort(kind[shuffled], kind="stable")]] = np.repeat(
        np.tile(np.arange(len(sectors())), counts.shape[1]), counts.T.ravel()
    )
    return found


def _skills_of(education: np.ndarray, sector: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Skills drawn by schooling; who works has one of the skills of the sector (its first that the draw left out)."""
    level = np.zeros(len(EDUCATIONS), dtype=int)
    for i, (_, members) in enumerate(SCHOOLING.items()):
        level[list(members)] = i
    has = np.zeros(len(education), dtype=np.uint32)
    for bit, skill in enumerate(skills()):
        share = np.array(skill.shares, dtype=np.float32)[level[education]]
        has |= (rng.random(len(has), dtype=np.float32) < share).astype(np.uint32) << np.uint32(bit)
    asked = np.array([s.skills for s in sectors()] + [0], dtype=np.uint32)[sector]
    first = asked & (~asked + np.uint32(1))  # lowest bit
    return np.where((has & asked) == 0, has | first, has)


def _interests_of(has: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The KBJI group of one of a person's skills, drawn evenly; of any skill for who has none."""
    best = np.full(len(has), -1.0, dtype=np.float32)
    interest = np.zeros(len(has), dtype=np.int8)
    for bit, skill in enumerate(skills()):
        draw = rng.random(len(has), dtype=np.float32) + ((has >> np.uint32(bit)) & np.uint32(1))
        interest[draw > best] = skill.kbji
        best = np.maximum(best, draw)
    return interest


def margin_report(people: People, vintage: str) -> list[dict[str, str | int]]:
    """What was fitted to beside what came out, one row a category."""
    targets = target_counts(vintage, len(people))
    names = {**category_names(vintage), "sector": [s.name for s in sectors()]}
    columns = {**vars(people), "age": people.age_group, "sector": people.sector[people.sector >= 0]}
    rows: list[dict[str, str | int]] = []
    for dimension, categories in names.items():
        counts = np.bincount(columns[dimension], minlength=len(categories))
        rows += [
            {"dimension": dimension, "category": category, "target": int(target), "people": int(count),
             "difference": int(count - target)}
            for category, target, count in zip(categories, targets[dimension], counts, strict=True)
        ]  # fmt: skip
    return rows
