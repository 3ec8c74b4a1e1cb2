"""`python -m twin labour match` as its users meet it."""

import json

import pytest

SEEKERS = "seeker,rank,vacancy\nani,1,baker\nani,2,clerk\nbudi,1,baker\ncitra,1,clerk\ncitra,2,baker\n"
VACANCIES = "vacancy,capacity\nbaker,1\nclerk,1\n"
RANKS = "vacancy,rank,seeker\nbaker,1,citra\nbaker,2,budi\nbaker,3,ani\nclerk,1,ani\nclerk,2,citra\n"


@pytest.fixture
def folder(tmp_path):
    for name, text in (("s.csv", SEEKERS), ("v.csv", VACANCIES), ("r.csv", RANKS)):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_it_writes_the_stable_matching(twin, folder):
    done = twin(
        "labour", "match", "s.csv", "v.csv", "--employer-ranks", "r.csv", "--out", "m.csv", "--json", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "m.csv").read_text() == "seeker,vacancy\nani,clerk\ncitra,baker\n"
    summary = json.loads(done.stdout)
    assert (summary["matched"], summary["blocking_pairs"]) == (2, 0)


def test_the_proposing_side_decides_between_stable_matchings(twin, folder):
    (folder / "s.csv").write_text("seeker;rank;vacancy\na;1;x\na;2;y\nb;1;y\nb;2;x\n")
    (folder / "v.csv").write_text("vacancy,capacity\nx,1\ny,1\n")
    (folder / "r.csv").write_text("vacancy,rank,seeker\nx,1,b\nx,2,a\ny,1,a\ny,2,b\n")
    for side, expected in (("seekers", "a,x\nb,y\n"), ("employers", "a,y\nb,x\n")):
        words = ("--employer-ranks", "r.csv", "--out", "m.csv", "--proposing", side)
        assert twin("labour", "match", "s.csv", "v.csv", *words, cwd=folder).returncode == 0
        assert (folder / "m.csv").read_text() == "seeker,vacancy\n" + expected


def test_every_fault_of_all_files_at_once_and_nothing_written(twin, folder):
    (folder / "s.csv").write_text(
        "seeker,rank,vacancy\nani,1,baker\nani,2,baker\nbudi,nan,clerk\ncitra,1,pilot\n,1,clerk\n"
    )
    (folder / "v.csv").write_text("vacancy,capacity\nbaker,0\nclerk,one\nclerk,1\n")
    (folder / "r.csv").write_text("vacancy,rank,seeker\nbaker,1,nobody\nclerk,,ani\n")
    done = twin("labour", "match", "s.csv", "v.csv", "--employer-ranks", "r.csv", "--out", "m.csv", cwd=folder)
    assert done.returncode == 2
    for words in (
        "s.csv: line 3: ani and baker: given twice", "s.csv: line 4: rank 'nan' is not a number",
        "s.csv: line 5: vacancy 'pilot' is not in v.csv", "s.csv: line 6: the seeker has no name",
        "v.csv: line 2: baker: capacity '0'", "v.csv: line 3: clerk: capacity 'one'", "v.csv: line 4: clerk: given twice",
        "r.csv: line 2: seeker 'nobody' is not in s.csv", "r.csv: line 3: rank '' is not a number",
    ):  # fmt: skip
        assert words in done.stderr
    assert sorted(p.name for p in folder.iterdir()) == ["r.csv", "s.csv", "v.csv"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "is empty"), ("seeker,rank,vacancy\n", "no rows"), ("seeker,rank,vacany\na,1,b\n", "is 'vacany' meant?"),
     ("seeker,rank,vacancy\na,1,b,4,5\n", "is no table"), (None, "cannot be read")],
)  # fmt: skip
def test_what_is_no_table(twin, folder, text, words):
    if text is None:
        (folder / "s.csv").unlink()
    else:
        (folder / "s.csv").write_text(text)
    done = twin("labour", "match", "s.csv", "v.csv", "--out", "m.csv", cwd=folder)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (folder / "m.csv").exists()
