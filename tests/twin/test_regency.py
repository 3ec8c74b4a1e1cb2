"""Another regency's tables in place of the shipped ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from twin.errors import RegencyError
from twin.places import distance_km, kecamatan, villages, with_role
from twin.regency import check, copy, shipped_tables


@pytest.fixture
def regency(tmp_path: Path) -> Path:
    """Two sub-districts and three villages that nobody lives in."""
    to = tmp_path / "contoh"
    copy(
        ["data/kecamatan", "data/villages", "data/kecamatan_roles", "labour/data/margins", "labour/data/affinities"], to
    )
    about = {"source": "made up for a test", "confidence": "prior"}
    seats = pd.DataFrame({
        "code": ["99.01.01", "99.01.02"], "name": ["Utara", "Selatan"], "seat_latitude_deg": [-8.0, -8.1],
        "seat_longitude_deg": [111.6, 111.7], "location_precision": "kecamatan_seat_0.02deg", **about,
    })  # fmt: skip
    seats.to_csv(to / "data/kecamatan.csv", index=False)
    pd.DataFrame({
        "code": ["99.01.01.2001", "99.01.02.2001", "99.01.02.2002"], "name": ["Satu", "Dua", "Tiga"],
        "kecamatan_code": ["99.01.01", "99.01.02", "99.01.02"], "kind": "desa", **about,
    }).to_csv(to / "data/villages.csv", index=False)  # fmt: skip
    roles = {"role": ["capital", "podcast_studio", "far"], "kecamatan_code": ["99.01.02", "99.01.01", "99.01.01"]}
    pd.DataFrame({**roles, **about}).to_csv(to / "data/kecamatan_roles.csv", index=False)
    margins = pd.read_csv(to / "labour/data/margins.csv", dtype=str)
    own = margins[margins.dimension == "kecamatan"].groupby("vintage").head(2).copy()
    own["category"] = seats["code"].tolist() * margins.vintage.nunique()
    pd.concat([margins[margins.dimension != "kecamatan"], own]).to_csv(to / "labour/data/margins.csv", index=False)
    affinities = pd.read_csv(to / "labour/data/affinities.csv", dtype=str)
    affinities[~affinities.second.str.startswith("35.")].to_csv(to / "labour/data/affinities.csv", index=False)
    return to


def said(regency: Path, code: str):
    """What a fresh interpreter prints with TWIN_REGENCY set."""
    environment = {**os.environ, "TWIN_REGENCY": str(regency)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)


def test_trenggalek_is_what_is_shipped():
    assert (len(kecamatan()), len(villages())) == (14, 157)
    assert [kecamatan()[i].name for i in with_role("capital")] == ["Trenggalek"]
    assert {kecamatan()[i].name for i in with_role("far")} == {"Bendungan", "Munjungan", "Pule", "Dongko", "Panggul"}
    assert with_role("mayor") == ()


def test_a_regencys_own_tables_are_read_and_part_of_every_digest(regency):
    assert sorted(check(regency)) == [
        "data/kecamatan", "data/kecamatan_roles", "data/villages", "labour/data/affinities", "labour/data/margins",
    ]  # fmt: skip
    code = """
import json
from twin.places import villages
from twin.programmes.personnel import places
from twin.provenance import code_digest, provenance
from twin.traffic.folders import code_digest as traffic
share, km, far = places()
print(json.dumps([[v.name for v in villages()], share.tolist(), km.tolist(), far.tolist(), provenance()["regency"], code_digest(), traffic()]))
"""
    done = said(regency, code)
    assert done.returncode == 0, done.stderr
    names, share, km, far, name, digest, traffic_digest = json.loads(done.stdout)
    assert names == ["Satu", "Dua", "Tiga"]
    assert share == pytest.approx([1 / 3, 2 / 3])
    assert km == pytest.approx([distance_km(-8.0, 111.6, -8.1, 111.7), 2.0])
    assert (far, name) == ([True, False], "contoh")
    from twin.provenance import code_digest
    from twin.traffic.folders import code_digest as traffic_code_digest

    assert digest != code_digest()
    assert traffic_digest == traffic_code_digest()  # it has no table of traffic's own


def test_labour_lives_in_another_regency(regency):
    done = said(
        regency,
        """
import numpy as np
from twin.labour.population import synthesise
print(np.bincount(synthesise("book_2024", np.random.default_rng(1), 2000).kecamatan).tolist())
""",
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert len(counts) == 2
    assert sum(counts) == 2000


def test_all_faults_come_at_once(regency):
    villages_csv = regency / "data" / "villages.csv"
    villages_csv.write_text(villages_csv.read_text().replace("99.01.02,desa", "99.01.03,desa", 1))
    (regency / "labour/data/affinities.csv").unlink()  # the shipped one names Trenggalek's sub-districts
    seats = regency / "data" / "kecamatan.csv"
    seats.write_text(seats.read_text().replace("-8.1", "8.1"))
    with pytest.raises(RegencyError) as error:
        check(regency)
    assert len(error.value.faults) == 3
    told = str(error.value)
    assert "Selatan: seat 8.1, 111.7 lies outside" in told
    assert "data/villages.csv: names places that there are not: 99.01.03" in told
    assert (
        "labour/data/affinities.csv: names places that there are not: 35.03.01, 35.03.02, 35.03.03 and 11 more" in told
    )


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("data/vilages", "code\nx\n", "did you mean data/villages.csv"),
        ("data/villages", "code,name\n1,Satu\n", "has no column kecamatan_code, kind, source, confidence"),
        ("data/villages", "", "holds no row"),
        (
            "data/regency",
            "name,value,unit,source,confidence\nlatitude_min_deg,north,deg,x,prior\n",
            "could not convert",
        ),
        ("data/regency", "name,value,unit,source,confidence\nlatitude_min_deg,-9,deg,x,prior\n", "latitude_max_deg"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, name, text, wanted):
    path = tmp_path / f"{name}.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(RegencyError, match=wanted):
        check(tmp_path)


def test_a_folder_that_is_none_and_an_empty_one_are_told(twin, tmp_path):
    for folder, wanted in ((tmp_path / "gone", "is no folder"), (tmp_path, "holds no table")):
        done = twin("regency", "check", folder)
        assert done.returncode == 2
        assert wanted in done.stderr


def test_copies_begin_as_shipped_and_overwrite_nothing(twin, tmp_path):
    names = list(shipped_tables())[:3]
    done = twin("regency", "copy", *names, "--to", tmp_path)
    assert done.returncode == 0, done.stderr
    for name in names:
        assert (tmp_path / f"{name}.csv").read_bytes() == shipped_tables()[name].read_bytes()
    again = twin("regency", "copy", *names, "--to", tmp_path)
    assert again.returncode == 2
    assert "3 faults" in again.stderr
