"""EcoBalance's reviewer: numbers by hand, planted faults, the draft, the command line."""

import json
import subprocess
import sys

import docx
import pytest
from docx.oxml.ns import qn

from benchmarks.knowledge_review import measured
from twin.knowledge.review import marked_docx, marked_draft, number, review

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
    assert found.estimated_tco2e_per_year == (300, 700, 1500)


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
    assert document["estimated_tco2e_per_year"] == [300, 700, 1500]
    missing = run("ask", "cuti?", "--index", str(tmp_path / "none"))
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "no index" in missing.stderr
