"""EcoBalance's reviewer: numbers by hand, planted faults, the draft, the command line."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import docx
import pandas as pd
import pytest
from docx.oxml.ns import qn

from benchmarks.knowledge_review import measured
from twin.errors import KnowledgeError
from twin.knowledge.final_report import draft, inconsistencies, monitored
from twin.knowledge.impact import estimate
from twin.knowledge.index.ingest import ingest
from twin.knowledge.index.search import Searcher
from twin.knowledge.review import marked_docx, marked_draft, number, review, summary
from twin.knowledge.similar import compared, similar
from twin.run import Run

SOUND = """# Reboisasi Wilis

## Ringkasan

Reboisasi 100 ha menyerap 700 tCO2e per tahun, 2026-2046, metodologi AR-ACM0003. Baseline, adisionalitas, pemantauan,
kebocoran dan permanensi dibahas.

## Perhitungan

Serapan {factor} tCO2e/ha.
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.234,5", 1234.5), ("1,234.5", 1234.5), ("7,5", 7.5), ("12.500", 12500), ("3.25", 3.25), ("40", 40)],
)
def test_theory_numbers(text, value):
    assert number(text) == value


def test_theory_a_sound_project_and_its_estimate(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(SOUND.format(factor=7), encoding="utf-8")
    found = review(path)
    assert found.findings == ()
    assert found.stated_tco2e_per_year == 700
    low, mid, high = found.estimated_tco2e_per_year
    one = estimate(["forest_growth"], "Reboisasi")
    assert (low, mid, high) == (100 * one.low, 100 * one.mid, 100 * one.high)
    assert "forest growth of planted or young" in found.estimate_source


def test_planting_mangroves_is_a_mangrove_project(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(PROJECT.format(title="Prigi", what="Penanaman mangrove", ha=40, claim=900), encoding="utf-8")
    found = review(path)
    assert found.activity == "mangrove"
    assert "mangrove growth of planted, 5 rows; mangrove soil" in found.estimate_source


def test_a_fault_stands_in_its_section_of_the_draft(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(SOUND.format(factor=9), encoding="utf-8")
    found = review(path)
    assert [f.rule for f in found.findings] == ["size × factor = claim"]
    draft = marked_draft(path, found)
    assert draft.index("Perhitungan") < draft.index("{++[error] 100 × 9 = 900, but 700 is claimed")


def test_the_docx_draft_tracks_its_insertions(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(SOUND.format(factor=9), encoding="utf-8")
    marked_docx(path, review(path), tmp_path / "draft.docx")
    inserted = docx.Document(str(tmp_path / "draft.docx")).element.findall(f".//{qn('w:ins')}")
    assert ["".join(text.text for text in one.iter(qn("w:t"))) for one in inserted] == [
        "[error] 100 × 9 = 900, but 700 is claimed (size × factor = claim)"
    ]


PROJECT = "# {title}\n\n## Ringkasan\n\n{what} {ha} ha menyerap {claim} tCO2e per tahun, metodologi AR-ACM0003.\n"


@pytest.fixture
def validated(tmp_path):
    folder = tmp_path / "validated"
    folder.mkdir()
    for name, title, what, ha, claim in (
        ("kelud", "Reboisasi Kelud", "Reboisasi", 200, 1200), ("lawu", "Reboisasi Lawu", "Penghijauan", 50, 400),
        ("prigi", "Mangrove Prigi", "Mangrove", 10, 400),
    ):  # fmt: skip
        (folder / f"{name}.md").write_text(PROJECT.format(title=title, what=what, ha=ha, claim=claim), encoding="utf-8")
    ingest(folder, tmp_path / "index")
    return Searcher.open(tmp_path / "index")


@pytest.mark.parametrize(("claim", "asked"), [(700, False), (390, True), (1250, True)])
def test_theory_a_claim_far_from_similar_projects_is_asked_about(tmp_path, validated, claim, asked):
    # theirs are 6 and 8 tCO2e/ha/year: asked about below 6 / 1.5 = 4 and above 8 * 1.5 = 12
    path = tmp_path / "a.md"
    path.write_text(PROJECT.format(title="Reboisasi Wilis", what="Reboisasi", ha=100, claim=claim), encoding="utf-8")
    found = review(path)
    projects = similar(path, found, validated)
    assert {one.document: one.tco2e_per_unit for one in projects} == {"kelud.md": 6, "lawu.md": 8}
    both = compared(found, projects)
    assert any(f.rule.startswith("similar projects") for f in both.findings) is asked
    assert "Similar: Reboisasi Kelud" in summary(both)


def test_a_project_is_not_compared_with_itself(tmp_path, validated):
    path = tmp_path / "validated" / "kelud.md"
    assert [one.document for one in similar(path, review(path), validated)] == ["lawu.md"]


def a_run(**columns):
    rows = {"activity": "forest", "boundary": "growth", "sd_tco2e": 6.0, "buffer_tco2e": 5.0, "issued_tco2e": 40}
    table = pd.DataFrame({**rows, **columns})
    return SimpleNamespace(has=lambda _: True, table=lambda _: table, path=Path("run.sqlite"))


def test_theory_what_was_monitored_and_what_does_not_agree(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(SOUND.format(factor=7), encoding="utf-8")
    found = review(path)  # claims 700 a year, 2026-2046
    whole = monitored(a_run(month=[f"2026-{i:02d}" for i in range(1, 13)], measured_tco2e=60.0), "forest")
    assert (whole.measured, whole.sd, whole.issued, whole.gaps) == (720.0, 72.0, 480, ())
    assert inconsistencies(found, whole, [(2026, 2046)]) == []  # 720 +- 1.6449 * 72 holds 700
    parts = monitored(a_run(month=["2025-11", "2026-01"], measured_tco2e=20.0), "forest")
    said = inconsistencies(found, parts, [(2026, 2046)])
    assert [text.split(",")[0] for text in said] == [
        "no row for 2025-12", "90.0 tCO2e were issued and buffered", "monitored 2025-2026", "700.0 tCO2e/year was claimed",
    ]  # fmt: skip
    with pytest.raises(KnowledgeError, match="'solar'; monitored: forest"):
        monitored(a_run(month=["2026-01"], measured_tco2e=1.0), "solar")


def test_the_final_report_of_a_run_shows_every_row(smoke_run, tmp_path):
    path = tmp_path / "a.md"
    path.write_text(SOUND.format(factor=7), encoding="utf-8")
    with Run.open(smoke_run) as run:
        text, table = draft(path, run, "forest"), run.table("carbon_mrv")
        with pytest.raises(KnowledgeError, match="monitored nothing of 'mangrove'"):
            draft(path, run, "mangrove")
    forest = table[table.activity == "forest"]
    assert len(forest) > 0
    for row in forest.itertuples():
        assert f"| {row.month} | {row.measured_tco2e:,.3f} |" in text
    assert f"seed {1}" in text
    assert "simulation" in text


def test_planted_faults_are_found():
    rows = measured()
    assert all(row["planted"] > 0 for row in rows)
    assert min(row["recall"] for row in rows) >= 0.9
    assert min(row["precision"] for row in rows) >= 0.9


def test_the_command_line(root, tmp_path):
    path = tmp_path / "a.md"
    path.write_text(SOUND.format(factor=7), encoding="utf-8")

    def run(*words):
        command = [sys.executable, "-m", "twin", "knowledge", *words]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)

    document = json.loads(run("review", str(path), "--json").stdout)
    low, mid, high = document["estimated_tco2e_per_year"]
    assert low < 700 < mid < high
    missing = run("ask", "cuti?", "--index", str(tmp_path / "none"))
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "no index" in missing.stderr
