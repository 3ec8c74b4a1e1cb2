"""The report: one page, self-contained, honest about priors, drawn in a real browser."""

import html
import json
import re
import sqlite3
from pathlib import Path

import pytest
from sensitivities import sensitivity_of

from twin.figures import FIGURES
from twin.kpi import score
from twin.report import render, write_report
from twin.run import Run
from twin.sensitivity.table import keep


@pytest.fixture(scope="module")
def page(smoke_run) -> str:
    with Run.open(smoke_run) as run:
        return render(run)


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_it_refers_to_nothing_outside_itself(page: str):
    markup = without_scripts(page)
    assert not re.findall(r"""(?:src|href)\s*=\s*["']""", markup)
    assert "@import" not in markup
    assert page.count("<script") == 1


def test_every_figure_with_a_value_is_there_and_priors_are_marked(page: str, smoke_run: Path):
    markup = html.unescape(without_scripts(page))
    with Run.open(smoke_run) as run:
        for s in score(run):
            assert s.kpi.title_en in markup
        priors = [s for s in score(run) if s.value is not None and s.kpi.prior]
    assert markup.count('<tr class="prior">') == len(priors) > 0


def test_provenance_and_digests_are_there(page: str, smoke_run: Path):
    with Run.open(smoke_run) as run:
        assert run.provenance["code_digest"] in page
        assert all(sha256 in page for sha256 in run.digests.values())


def test_text_from_a_run_cannot_become_markup(tmp_path: Path, smoke_run: Path):
    path = tmp_path / "hostile.sqlite"
    path.write_bytes(smoke_run.read_bytes())
    with sqlite3.connect(path) as connection:
        (text,) = connection.execute("SELECT value FROM provenance WHERE key = 'scenario'").fetchone()
        scenario = json.loads(text) | {"description": "<script>alert(1)</script>"}
        connection.execute("UPDATE provenance SET value = ? WHERE key = 'scenario'", [json.dumps(scenario)])
    with Run.open(path) as run:
        assert "<script>alert(1)" not in render(run)


def test_what_decides_the_figures_is_shown_with_its_label_and_else_how_to_find_out(page, tmp_path, smoke_run):
    assert "python -m twin sensitivity smoke" in page
    path = tmp_path / smoke_run.name
    path.write_bytes(smoke_run.read_bytes())
    with Run.open(path) as run:
        table = keep(sensitivity_of(run.digest), tmp_path)
        table.write_text(table.read_text().replace(run.provenance["code_digest"], "f" * 64))
        told = html.unescape(without_scripts(render(run)))
    assert "python -m twin sensitivity smoke" not in told
    assert "carbon.wtp_idr first of 30" in told
    assert f"({run.digest[:12]}), seeds 1 2" in told
    (row,) = re.findall(r'<tr class="prior"><td>carbon.wtp_idr</td>.*?</tr>', told, re.DOTALL)
    assert all(words in row for words in ("1,200 ± 80", "0.7 ± 0.1", "prior: assumed"))
    assert "not the code of this run" in told


def test_every_chart_of_the_smoke_run_is_drawn(smoke_run: Path):
    with Run.open(smoke_run) as run:
        drawn = {name: figure(run) for name, figure in FIGURES.items()}
    assert all(chart is not None for chart in drawn.values())


def test_it_opens_in_a_browser_without_a_network(tmp_path: Path, smoke_run: Path, browser):
    with Run.open(smoke_run) as run:
        path = write_report(run, tmp_path / "page.html")
    problems: list[str] = []
    window = browser.new_page(viewport={"width": 1200, "height": 900})
    window.on("pageerror", lambda error: problems.append(str(error)))
    local = ("file:", "data:", "blob:")
    window.on("request", lambda request: None if request.url.startswith(local) else problems.append(request.url))
    window.goto(path.as_uri())
    window.wait_for_selector("figure svg")
    window.wait_for_function(f"document.querySelectorAll('figure svg').length === {len(FIGURES)}")
    assert not problems
    window.set_viewport_size({"width": 390, "height": 800})
    assert window.evaluate("document.documentElement.scrollWidth") <= 390
