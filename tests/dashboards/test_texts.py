"""One catalogue, both languages complete: of the pages, of the charts, of the levers."""

import re
from pathlib import Path

import pytest

from dashboards.chrome import PAGES
from dashboards.levers import levers
from dashboards.panel import packages
from dashboards.text import LANGUAGES, catalogue
from twin.figures import FIGURES, bases
from twin.files import read_rows
from twin.kpi import catalogue as kpis
from twin.run import Run
from twin.wording import INPUT_TITLES, said, worded, words

HERE = Path(__file__).resolve().parents[2] / "dashboards"
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in HERE.rglob("*.py"))
BY_NAME = (
    "page",
    "nav",
    "lever",
    "choice",
    "confidence",
    "package",
    "map",
    "net_zero",
    "series",
    "better",
    "assumptions",
    "flow",
    "kind",
    "direction",
)


def test_every_text_is_there_in_both_languages_with_the_same_blanks():
    for key, texts in catalogue().items():
        assert set(texts) == set(LANGUAGES), key
        assert all(text.strip() for text in texts.values()), key
        blanks = [sorted(re.findall(r"\{(\w+)\}", text)) for text in texts.values()]
        assert blanks[0] == blanks[1], key


def test_every_text_that_the_pages_ask_for_is_there_and_none_is_left_over():
    asked = set(re.findall(r"""\bt\(\s*["']([a-z_.]+)["']""", SOURCES)) | set(re.findall(r'"(problem\.\w+)"', SOURCES))
    assert asked <= set(catalogue())
    left = {key for key in catalogue() if key not in asked and f'"{key}"' not in SOURCES}
    assert {key for key in left if key.split(".")[0] not in (*BY_NAME, "column", "money", "operations")} == set()


def test_what_is_named_by_a_table_has_its_text():
    wanted = [f"page.{name}" for name in PAGES]
    wanted += [f"lever.{name}" for name in levers()] + [f"confidence.{one.confidence}" for one in levers().values()]
    wanted += [f"choice.{choice}" for one in levers().values() for choice in one.choices]
    wanted += [f"package.{name}{end}" for name in packages() for end in ("", "_help")]
    wanted += [f"better.{kpi.better}" for kpi in kpis().values()]
    assert set(wanted) <= set(catalogue())


def titles(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "title" and isinstance(value, str):
                yield value
            if key != "datasets":
                yield from titles(value)
    elif isinstance(node, list):
        for value in node:
            yield from titles(value)


@pytest.fixture(scope="module")
def charts(smoke_run):
    with Run.open(smoke_run) as run:
        return {name: figure(run).to_dict() for name, figure in FIGURES.items()}


def test_every_title_of_every_chart_has_its_indonesian(charts):
    templates = [re.compile(re.escape(one).replace(r"\{\}", ".*")) for one in words() if "{}" in one]
    for name, spec in charts.items():
        for title in titles(spec):
            assert title in words() or any(one.fullmatch(title) for one in templates), f"{name}: {title}"


def test_what_every_chart_stands_on_is_said_in_both_languages():
    assert list(bases()) == list(FIGURES)
    for basis in bases().values():
        assert basis.unit
        assert basis.source in words() or said(basis.source, "id") != basis.source
        assert basis.interval in words()
        assert not basis.prior or basis.prior in words()


def test_a_chart_in_indonesian_keeps_its_fields_and_numbers(charts):
    spec = charts["budget_balance"]
    made = worded(spec, "id")
    assert made["title"] == words()[spec["title"]]
    (rows,) = [rows for rows in made["datasets"].values() if "flow" in rows[0]]
    assert {row["flow"] for row in rows} == {"pendapatan", "belanja"}
    assert worded(spec, "en")["title"] == spec["title"]


def test_what_figures_and_levers_stand_on_is_said_in_indonesian():
    sources = {kpi.source for kpi in kpis().values()} | {kpi.prior_note for kpi in kpis().values() if kpi.prior}
    sources |= {one.source for one in levers().values()}
    same = {text for text in sources if said(text, "id") == text and text not in words()}
    assert {text for text in same if not text.startswith(("SNI ISO", "python -m"))} == set()


def test_every_input_has_a_name_for_people_in_both_languages():
    titles = {row["name"]: row for row in read_rows(INPUT_TITLES)}
    assert titles.keys() == {row["name"] for row in read_rows(INPUT_TITLES.parent / "inputs.csv")}
    for row in titles.values():
        assert said(row["title_en"], "id") == row["title_id"] != row["title_en"], row
