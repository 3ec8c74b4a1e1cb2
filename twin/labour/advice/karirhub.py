"""Vacancies as employers must report them: the particulars of Perpres 57/2023, article 5, one row a vacancy.

The regulation lists what a report to the national system (SIAPkerja, Karirhub) holds; it publishes no file format. The
columns here are its particulars, in its words and order, so that a row can be typed in or mapped to an upload form.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from twin.csv_input import read_csv, row_faults, write_table
from twin.errors import LabourError
from twin.labour.advice.intake import VACANCY_COLUMNS, VACANCY_OPTIONAL, vacancies_of, vacancy_faults
from twin.labour.facts import EDUCATIONS, skills
from twin.places import kecamatan

SCHOOLING = dict(zip(EDUCATIONS, ("SD", "SMP", "SMA", "SMK", "Diploma", "Sarjana"), strict=True))
GENDERS = {"": "Laki-laki/Perempuan", "l": "Laki-laki", "p": "Perempuan"}
OPTIONAL = {**VACANCY_OPTIONAL, "gender": "", "experience_years": "0"}
ANYWHERE = "Tidak terikat wilayah"


def karirhub_table(vacancies: Path, valid_from: datetime.date, valid_to: datetime.date) -> pd.DataFrame:
    """The report on a CSV of vacancies that also has a column `employer` (and, if asked, gender, experience_years).

    Raises LabourError with all faults at once.
    """
    table = read_csv(vacancies, LabourError, (*VACANCY_COLUMNS, "employer"), tuple(OPTIONAL))
    for name, value in OPTIONAL.items():
        table[name] = table[name].replace("", value) if name in table else value
    faults = [] if valid_to > valid_from else [f"valid until {valid_to}, which is not after {valid_from}"]
    faults += row_faults(table, table["employer"] == "", lambda row: "employer: nobody is named")
    faults += row_faults(
        table, ~table["gender"].str.casefold().isin(GENDERS),
        lambda row: f"gender: {row['gender']!r} is none of L, P or nothing",
    )  # fmt: skip
    faults += row_faults(
        table, ~table["experience_years"].str.fullmatch(r"\d{1,2}"),
        lambda row: f"experience_years: {row['experience_years']!r} is no whole number",
    )  # fmt: skip
    faults += vacancy_faults(table)
    if faults:
        raise LabourError(str(vacancies), faults)
    v = vacancies_of(table)
    return pd.DataFrame({
        "identitas_pemberi_kerja": table["employer"].tolist(),
        "nama_jabatan": table["vacancy"].tolist(),
        "jumlah_tenaga_kerja": v.seats,
        "berlaku_mulai": valid_from.isoformat(),
        "berlaku_sampai": valid_to.isoformat(),
        "usia_minimum": v.youngest,
        "usia_maksimum": v.oldest,
        "jenis_kelamin": [GENDERS[one.casefold()] for one in table["gender"]],
        "pendidikan_minimum": [SCHOOLING[EDUCATIONS[level]] for level in v.min_education],
        "keterampilan": [_titles(mask) for mask in v.skills],
        "pengalaman_kerja_tahun": table["experience_years"].astype(int).tolist(),
        "upah_idr_bulan": np.round(v.wage_idr).astype(np.int64),
        "wilayah_kerja": [ANYWHERE if place < 0 else kecamatan()[place].name for place in v.kecamatan],
        "golongan_kbji": v.kbji,
        "kuota_disabilitas": v.reserved,
    })  # fmt: skip


def _titles(mask: int) -> str:
    return "; ".join(one.title_id for bit, one in enumerate(skills()) if int(mask) >> bit & 1)


def write_karirhub(vacancies: Path, to: Path, valid_from: datetime.date, valid_to: datetime.date) -> int:
    """Write the report, whole or not at all; how many vacancies it has."""
    table = karirhub_table(vacancies, valid_from, valid_to)
    write_table(table, to, LabourError)
    return len(table)
