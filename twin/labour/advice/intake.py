"""Real seekers and vacancies from CSV files: checked, and people under pseudonyms; nothing is taken half.

Seekers: `id` (NIK or any identity), `age`, `sex` (male, female, L, P), `education`, `kecamatan` (code or name),
`skills` (`a;b`), `interest` (KBJI major group 0 to 9), `wage_idr`; optional `furthest_km`, `disability` (yes, no).
Names, telephone numbers and whatever other column there is are not read. Vacancies: `vacancy`, `seats`, `kecamatan`
(empty: anywhere), `min_education`, `skills`, `kbji`, `wage_idr`; optional `youngest`, `oldest`, `reserved`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from twin.csv_input import numbers, read_csv, row_faults, write_table
from twin.errors import LabourError
from twin.labour.advice.fairness import AGES
from twin.labour.advice.register import FURTHEST_KM, OLDEST, YOUNGEST, Seekers, Vacancies
from twin.labour.facts import EDUCATIONS, SEXES, bits_of, skills
from twin.labour.privacy import k_anonymous, pseudonym, smallest_group
from twin.places import kecamatan
from twin.scenario import nearest

SEEKER_COLUMNS = ("id", "age", "sex", "education", "kecamatan", "skills", "interest", "wage_idr")
SEEKER_OPTIONAL = {"furthest_km": str(FURTHEST_KM), "disability": "no"}
VACANCY_COLUMNS = ("vacancy", "seats", "kecamatan", "min_education", "skills", "kbji", "wage_idr")
VACANCY_OPTIONAL = {"youngest": str(YOUNGEST), "oldest": str(OLDEST), "reserved": "0"}
SEX_CODES = {"male": 0, "l": 0, "female": 1, "p": 1}
YES_NO = {"yes": 1, "ya": 1, "no": 0, "tidak": 0}
AGE_LIMITS = (15, 80)


@dataclass(frozen=True)
class Register:
    """A checked register; `names` are pseudonyms of the seekers, `vacancies_named` the vacancies' own names."""

    seekers: Seekers
    vacancies: Vacancies
    names: list[str]
    vacancies_named: list[str]


def read_register(seekers: Path, vacancies: Path, key: bytes | None) -> Register:
    """Read both files; identities become pseudonyms under `key`, or stay as they are without one (a register of ours).

    Raises LabourError with the faults of both files at once.
    """
    faults: list[str] = []
    tables = []
    for path, columns, optional, check in (
        (seekers, SEEKER_COLUMNS, SEEKER_OPTIONAL, _seeker_faults),
        (vacancies, VACANCY_COLUMNS, VACANCY_OPTIONAL, vacancy_faults),
    ):
        try:
            table = read_csv(path, LabourError, columns, tuple(optional))
            for name, value in optional.items():
                table[name] = table[name].replace("", value) if name in table else value
            found = check(table)
        except LabourError as error:
            table, found = pd.DataFrame(), error.faults
        faults += [f"{path.name}: {fault}" for fault in found]
        tables.append(table)
    if faults:
        raise LabourError("register", faults)
    people, offers = tables
    names = people["id"] if key is None else people["id"].map(lambda identity: pseudonym(identity, key))
    return Register(_seekers(people), vacancies_of(offers), names.tolist(), offers["vacancy"].tolist())


def _known(table: pd.DataFrame, column: str, codes: Sequence[str], allow_empty: bool = False) -> list[str]:
    value = table[column].str.casefold()
    bad = ~value.isin([code.casefold() for code in codes]) & ~((value == "") & allow_empty)
    return row_faults(table, bad, lambda row: f"{column}: unknown {row[column]!r}; {nearest(row[column], codes)}")


def _between(table: pd.DataFrame, column: str, low: float, high: float, whole: bool = True) -> list[str]:
    value = numbers(table[column])
    bad = ~(value.between(low, high) & ((value == value.round()) | (not whole)))
    kind = "whole number" if whole else "number"
    return row_faults(table, bad, lambda row: f"{column}: {row[column]!r} is no {kind} from {low:,.0f} to {high:,.0f}")


def _skill_faults(table: pd.DataFrame) -> list[str]:
    known = [one.name for one in skills()]
    faults: list[str] = []
    for line, text in table["skills"].items():
        unknown = [word for word in _words(text) if word not in known]
        faults += [f"line {line}: skills: unknown {word!r}; {nearest(word, known)}" for word in unknown]
    return faults


def _words(text: str) -> list[str]:
    return [word.strip().casefold() for word in text.split(";") if word.strip()]


def _places() -> list[str]:
    return [one.code for one in kecamatan()] + [one.name for one in kecamatan()]


def _seeker_faults(table: pd.DataFrame) -> list[str]:
    same = table["id"].str.strip().str.casefold()
    return [
        *row_faults(table, same == "", lambda row: "id: nobody is named"),
        *row_faults(table, same.duplicated() & (same != ""), lambda row: "id: this person stands in the file already"),
        *_between(table, "age", *AGE_LIMITS),
        *_known(table, "sex", list(SEX_CODES)),
        *_known(table, "education", EDUCATIONS),
        *_known(table, "kecamatan", _places()),
        *_skill_faults(table),
        *_between(table, "interest", 0, 9),
        *_between(table, "wage_idr", 1, 1e9, whole=False),
        *_between(table, "furthest_km", 0, 1000, whole=False),
        *_known(table, "disability", list(YES_NO)),
    ]


def vacancy_faults(table: pd.DataFrame) -> list[str]:
    """Every fault of a table of vacancies, optional columns filled."""
    more = numbers(table["reserved"]) > numbers(table["seats"])
    swapped = numbers(table["youngest"]) > numbers(table["oldest"])
    return [
        *row_faults(table, table["vacancy"] == "", lambda row: "vacancy: has no name"),
        *row_faults(table, table["vacancy"].duplicated(), lambda row: f"vacancy: {row.vacancy!r} is given twice"),
        *_between(table, "seats", 1, 100_000),
        *_known(table, "kecamatan", _places(), allow_empty=True),
        *_known(table, "min_education", EDUCATIONS),
        *_skill_faults(table),
        *_between(table, "kbji", 0, 9),
        *_between(table, "wage_idr", 1, 1e9, whole=False),
        *_between(table, "youngest", 0, 120),
        *_between(table, "oldest", 0, 120),
        *row_faults(table, swapped, lambda row: f"youngest: {row.youngest} is above oldest: {row.oldest}"),
        *_between(table, "reserved", 0, 100_000),
        *row_faults(table, more, lambda row: f"reserved: {row.reserved} seats of {row.seats}"),
    ]


def _place(column: pd.Series) -> np.ndarray:
    place = {one.code.casefold(): i for i, one in enumerate(kecamatan())}
    place |= {one.name.casefold(): i for i, one in enumerate(kecamatan())} | {"": -1}
    return column.str.casefold().map(place).to_numpy(dtype=np.int64)


def _level(column: pd.Series) -> np.ndarray:
    return column.str.casefold().map({name: i for i, name in enumerate(EDUCATIONS)}).to_numpy(dtype=np.int64)


def _masks(column: pd.Series) -> np.ndarray:
    return np.array([bits_of(";".join(dict.fromkeys(_words(text)))) for text in column], dtype=np.uint32)


def _seekers(t: pd.DataFrame) -> Seekers:
    return Seekers(
        numbers(t["age"]).to_numpy().astype(np.int64), t["sex"].str.casefold().map(SEX_CODES).to_numpy(dtype=np.int64),
        _level(t["education"]), _place(t["kecamatan"]), _masks(t["skills"]),
        numbers(t["interest"]).to_numpy().astype(np.int64), numbers(t["wage_idr"]).to_numpy(),
        numbers(t["furthest_km"]).to_numpy(), t["disability"].str.casefold().map(YES_NO).to_numpy(dtype=bool),
    )  # fmt: skip


def vacancies_of(t: pd.DataFrame) -> Vacancies:
    """Checked text as columns."""
    whole = {name: numbers(t[name]).to_numpy().astype(np.int64) for name in ("seats", "kbji", *VACANCY_OPTIONAL)}
    return Vacancies(
        whole["seats"], _place(t["kecamatan"]), _level(t["min_education"]), _masks(t["skills"]), whole["kbji"],
        numbers(t["wage_idr"]).to_numpy(), whole["youngest"], whole["oldest"], whole["reserved"],
    )  # fmt: skip


def write_register(register: Register, folder: Path) -> list[Path]:
    """Write `seekers.csv` (pseudonyms, no identity) and `vacancies.csv` as `read_register` takes them."""
    s, v = register.seekers, register.vacancies
    codes = [one.code for one in kecamatan()]
    people = pd.DataFrame({
        "id": register.names, "age": s.age, "sex": np.array(SEXES)[s.sex],
        "education": np.array(EDUCATIONS)[s.education], "kecamatan": np.array(codes)[s.kecamatan],
        "skills": [skill_words(mask) for mask in s.skills], "interest": s.interest, "wage_idr": s.wage_idr,
        "furthest_km": s.furthest_km, "disability": np.where(s.disability, "yes", "no"),
    })  # fmt: skip
    offers = pd.DataFrame({
        "vacancy": register.vacancies_named, "seats": v.seats,
        "kecamatan": ["" if place < 0 else codes[place] for place in v.kecamatan],
        "min_education": np.array(EDUCATIONS)[v.min_education], "skills": [skill_words(mask) for mask in v.skills],
        "kbji": v.kbji, "wage_idr": v.wage_idr, "youngest": v.youngest, "oldest": v.oldest, "reserved": v.reserved,
    })  # fmt: skip
    paths = [folder / "seekers.csv", folder / "vacancies.csv"]
    for table, path in zip((people, offers), paths, strict=True):
        write_table(table, path, LabourError)
    return paths


def skill_words(mask: int) -> str:
    """A bit mask as `a;b`."""
    return ";".join(one.name for bit, one in enumerate(skills()) if int(mask) >> bit & 1)


def kinds(seekers: Seekers) -> pd.DataFrame:
    """Sex, age band, education and sub-district of every seeker: what could tell who somebody is."""
    bands = [next(name for name, (low, high) in AGES.items() if low <= age < high) for age in seekers.age]
    return pd.DataFrame({
        "sex": np.array(SEXES)[seekers.sex], "age": bands, "education": np.array(EDUCATIONS)[seekers.education],
        "kecamatan": np.array([one.name for one in kecamatan()])[seekers.kecamatan],
    })  # fmt: skip


def smallest_kind(register: Register) -> int:
    """How many seekers the rarest kind has."""
    table = kinds(register.seekers)
    return smallest_group(table, list(table.columns))


def shareable(register: Register, k: int) -> tuple[pd.DataFrame, list[str]]:
    """The seekers' kinds, columns blanked as far as k-anonymity needs; and which were.

    Raises LabourError where there are fewer than k seekers.
    """
    table = kinds(register.seekers)
    safe, blanked = k_anonymous(table, list(table.columns), k)
    return safe.sort_values(list(safe.columns), ignore_index=True), blanked
