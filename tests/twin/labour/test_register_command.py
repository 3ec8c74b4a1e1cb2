"""Real seekers and vacancies: all faults at once, no identity kept, no small group handed out."""

import json

import pandas as pd
import pytest

from twin.labour.advice.intake import read_register, write_register
from twin.labour.privacy import k_anonymous, pseudonym, smallest_group

SEEKERS = """id,name,age,sex,education,kecamatan,skills,interest,wage_idr,disability
3503011234560001,Seeker One,24,L,sma,Trenggalek,office;digital,4,2200000,no
3503011234560002,Seeker Two,31,P,smk,35.03.12,craft,7,2000000,ya
3503011234560003,Seeker Three,45,female,sd,Watulimo,fishing;cooking,6,1800000,
3503011234560004,Seeker Four,22,male,university,Panggul,,2,3000000,no
"""
VACANCIES = """vacancy,seats,kecamatan,min_education,skills,kbji,wage_idr,reserved
clerk,1,Trenggalek,sma,office,4,2600000,0
tailor,2,Pogalan,smp,craft,7,2400000,1
remote,1,,sma,digital,4,3100000,0
"""
KEY = "a secret that is long enough"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_LABOUR_KEY", KEY)
    (tmp_path / "s.csv").write_text(SEEKERS)
    (tmp_path / "v.csv").write_text(VACANCIES)
    return tmp_path


def test_import_keeps_no_identity_and_can_be_read_again(twin, folder):
    done = twin("labour", "import", "s.csv", "v.csv", "--to", "r", cwd=folder)
    assert done.returncode == 0, done.stderr
    text = (folder / "r" / "seekers.csv").read_text()
    assert "35030112" not in text
    assert "Seeker" not in text
    one = read_register(folder / "r" / "seekers.csv", folder / "r" / "vacancies.csv", None)
    two = read_register(folder / "s.csv", folder / "v.csv", KEY.encode())
    assert one.names == two.names
    for a, b in ((one.seekers, two.seekers), (one.vacancies, two.vacancies)):
        assert all((getattr(a, name) == getattr(b, name)).all() for name in vars(a))
    paths = write_register(one, folder / "again")
    assert [path.read_text() for path in paths] == [(folder / "r" / path.name).read_text() for path in paths]


def test_pseudonyms_need_the_key_and_nothing_is_written_without(twin, folder, monkeypatch):
    assert pseudonym("3503", b"k" * 16) == pseudonym(" 3503 ", b"k" * 16) != pseudonym("3503", b"l" * 16)
    for key in ("", "short"):
        monkeypatch.setenv("TWIN_LABOUR_KEY", key)
        done = twin("labour", "import", "s.csv", "v.csv", "--to", "r", cwd=folder)
        assert done.returncode == 2
        assert "TWIN_LABOUR_KEY" in done.stderr
        assert not (folder / "r").exists()


def test_every_fault_of_both_files_at_once(twin, folder):
    (folder / "s.csv").write_text(
        "id,age,sex,education,kecamatan,skills,interest,wage_idr\n"
        "1,24,L,sma,Trenggalek,office,4,2200000\n1,250,X,s1,Trengalek,offise,12,nan\n,7,P,sd,Pule,,3,0\n"
    )
    (folder / "v.csv").write_text(
        "vacancy,seats,kecamatan,min_education,skills,kbji,wage_idr,youngest,oldest,reserved\n"
        "a,0,Pule,sd,,5,1000000,18,40,0\na,2,Mars,sd,,5,1000000,50,40,3\n"
    )
    done = twin("labour", "import", "s.csv", "v.csv", "--to", "r", cwd=folder)
    assert done.returncode == 2
    for words in (
        "s.csv: line 3: id: this person stands in the file already", "s.csv: line 4: id: nobody is named",
        "line 3: age: '250'", "line 4: age: '7'", "sex: unknown 'X'", "education: unknown 's1'",
        "kecamatan: unknown 'Trengalek'; did you mean 'Trenggalek'?", "skills: unknown 'offise'; did you mean 'office'?",
        "interest: '12'", "wage_idr: 'nan'", "line 4: wage_idr: '0'", "v.csv: line 2: seats: '0'",
        "v.csv: line 3: vacancy: 'a' is given twice", "kecamatan: unknown 'Mars'", "youngest: 50 is above oldest: 40",
        "reserved: 3 seats of 2",
    ):  # fmt: skip
        assert words in done.stderr, words
    assert not (folder / "r").exists()


def test_advice_explains_and_compares(twin, folder):
    assert twin("labour", "import", "s.csv", "v.csv", "--to", "r", cwd=folder).returncode == 0
    done = twin(
        "labour", "advise", "r/seekers.csv", "r/vacancies.csv", "--to", "a", "--json", "--language", "en", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    matches = pd.read_csv(folder / "a" / "matches.csv")
    assert summary["matched"] == len(matches) == 2
    assert set(matches.vacancy) == {"remote", "tailor"} or set(matches.vacancy) == {"clerk", "tailor"}
    assert matches.because.str.contains("skills").all()
    screened = pd.read_csv(folder / "a" / "screened_out.csv")
    assert len(screened) == summary["nobody_hires_them"] == 2
    assert screened.reasons.str.len().min() > 10
    assert {"matches.csv", "parity.csv", "methods.csv", "ways.csv", "screened_out.csv"} == {
        p.name for p in (folder / "a").iterdir()
    }
    parity = pd.read_csv(folder / "a" / "parity.csv")
    assert parity.matched_percent.isna().all()  # groups of fewer than five


def test_sharing_needs_enough_people(twin, folder):
    assert twin("labour", "import", "s.csv", "v.csv", "--to", "r", cwd=folder).returncode == 0
    done = twin("labour", "share", "r/seekers.csv", "r/vacancies.csv", "--to", "open.csv", cwd=folder)
    assert done.returncode == 2
    assert "fewer than the 5" in done.stderr
    assert not (folder / "open.csv").exists()


def test_k_anonymity_by_hand():
    table = pd.DataFrame({"sex": ["m"] * 3 + ["f"] * 3, "place": ["x", "x", "y", "x", "y", "y"]})
    assert smallest_group(table, ["sex", "place"]) == 1
    safe, blanked = k_anonymous(table, ["sex", "place"], 3)
    assert blanked == ["place"]
    assert smallest_group(safe, ["sex", "place"]) == 3
    assert k_anonymous(table, ["sex", "place"], 1)[1] == []


def test_vacancies_are_written_with_what_the_regulation_asks_for(twin, folder):
    text = VACANCIES.replace("reserved", "reserved,employer,gender").splitlines()
    rows = [text[0], *(f"{line},CV Maju,{who}" for line, who in zip(text[1:], ("", "P", ""), strict=True))]
    (folder / "v.csv").write_text("\n".join(rows))
    dates = ("--from", "2026-03-01", "--until", "2026-03-31")
    done = twin("labour", "karirhub", "v.csv", "--to", "k.csv", *dates, cwd=folder)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(folder / "k.csv")
    assert table.identitas_pemberi_kerja.tolist() == ["CV Maju"] * 3
    assert table.jumlah_tenaga_kerja.tolist() == [1, 2, 1]
    assert table.pendidikan_minimum.tolist() == ["SMA", "SMP", "SMA"]
    assert table.jenis_kelamin.tolist() == ["Laki-laki/Perempuan", "Perempuan", "Laki-laki/Perempuan"]
    assert table.wilayah_kerja.tolist() == ["Trenggalek", "Pogalan", "Tidak terikat wilayah"]
    assert table.berlaku_sampai.tolist() == ["2026-03-31"] * 3
    (folder / "v.csv").write_text("\n".join([*rows, "x,0,Nowhere,sma,office,4,1,0,,Q"]))
    done = twin("labour", "karirhub", "v.csv", "--to", "bad.csv", *dates, cwd=folder)
    assert done.returncode == 2
    assert all(word in done.stderr for word in ("employer", "gender", "seats", "Nowhere"))
    assert not (folder / "bad.csv").exists()
