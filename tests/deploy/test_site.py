"""The documentation site: built strictly, whole without the internet, every link there, and its Python runs."""

import ast
import csv
import json
import logging
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html

from deploy.site import evidence
from twin.validation.table import made

mkdocs = pytest.importorskip("mkdocs.commands.build", reason="the `docs` extra")
SITE = Path(__file__).resolve().parents[2] / "deploy" / "site"
ON_PAGES = {"tutorials": 3, "how-to": 3}  # folder -> at least so many blocks of Python
MADE = {
    "tutorials/notebooks.html": "Notebooks",
    "reference/scenario.html": "battery_kwh",
    "reference/tables.html": "solar_month",
    "reference/key-figures.html": "traffic_delay_s",
    "reference/facts.html": "twin/solar/data/tariffs.csv",
    "reference/commands/twin.html": "--seeds",
    "reference/commands/twin-solar.html": "--tilt-deg",
    "reference/commands/twin-regency.html": "regency copy",
    "reference/commands/controllers.html": "--require-signature",
    "reference/commands/contracts.html": "--receipts",
    "reference/commands/deploy.html": "rollback",
    "reference/nomenclature.html": "not_inserted_veh",
    "reference/changelog.html": "Before: nothing.",
    "reference/api/twin.html": "twin.scenario.Scenario.load",
    "reference/api/controllers.html": "controllers.guard.Guard",
    "explanation/validation.html": "random arrivals wait as webster says",
    "how-to/runbook.html": "Who to call",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    from mkdocs.config import load_config

    assert logging.getLogger("mkdocs").isEnabledFor(logging.WARNING)  # strict counts what is logged, and nothing else
    folder = tmp_path_factory.mktemp("site")
    mkdocs.build(load_config(str(SITE / "mkdocs.yml"), site_dir=str(folder), strict=True))  # a warning ends it
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, html.HtmlElement]:
    return {path: html.fromstring(path.read_bytes()) for path in sorted(site.rglob("*.html"))}


def test_generated_pages_are_there(site):
    for page, word in MADE.items():
        assert word in (site / page).read_text(encoding="utf-8"), page


def test_what_validate_finds_is_shown(tmp_path):
    assert "twin validate" in evidence.measured(tmp_path / "none.json")
    found = [{"name": "bass", **one.as_row()} for name, one in made(["bass"])]
    (tmp_path / "validation.json").write_text(json.dumps(found))
    shown = evidence.measured(tmp_path / "validation.json")
    assert shown.count("agrees") == len(found) >= 2
    assert "worked by hand" in shown


def test_every_link_and_anchor_leads_somewhere(site, pages):
    anchors = {path: {*page.xpath("//@id"), *page.xpath("//a/@name")} for path, page in pages.items()}
    checked = 0
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links are absolute: nobody knows from where it is shown
        for link in page.xpath("//@href | //@src"):
            to = urlsplit(link)
            if to.scheme or to.netloc:
                continue
            target = (path.parent / unquote(to.path)).resolve() if to.path else path
            assert target.is_file(), f"{path.relative_to(site)}: {link}"
            if to.fragment and target in anchors:
                assert unquote(to.fragment) in anchors[target], f"{path.relative_to(site)}: {link}"
            checked += 1
    assert checked > 5000


def test_nothing_is_loaded_from_elsewhere(site, pages):
    loaded = "//script/@src | //link/@href | //img/@src | //iframe/@src | //source/@src | //object/@data"
    for path, page in pages.items():
        for address in page.xpath(loaded):
            assert not urlsplit(address).netloc, f"{path.relative_to(site)}: {address}"
    for path in site.rglob("*.css"):
        for address in re.findall(r"url\(['\"]?([^)'\"]+)|@import ['\"]([^'\"]+)", path.read_text(encoding="utf-8")):
            assert not re.match(r"(https?:)?//", "".join(address)), f"{path.relative_to(site)}: {address}"


def test_the_search_index_is_the_sites_own(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert any("solar.panels" in one["text"] for one in index["docs"])


def test_every_line_of_evidence_names_a_test():
    with (SITE / "evidence.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) >= 40
    for line in lines:
        tree = ast.parse((SITE.parents[1] / line["test"]).read_text(encoding="utf-8"))
        assert line["function"] in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, line


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("twin rum smoke", "no command rum"),
        ("twin solar yield --whether x.csv", "No such option: --whether"),
        ("controllers verfy corner", "invalid choice: 'verfy'"),
        ("twin solar yield --weather x.csv --lat -8 --lon 111  # a year", None),
    ],
)
def test_a_command_that_is_not_there_is_told(line, fault):
    from deploy.site.commands import faults

    found = faults(f"```sh\n.venv/bin/python -m {line}\n```")
    assert (fault in found[0]) if fault else not found


def test_notebooks_are_listed_by_their_first_words(tmp_path):
    from deploy.site.notebooks import page

    assert "None is here yet" in page(tmp_path)
    cells = [
        {"cell_type": "code", "source": "1"},
        {
            "cell_type": "markdown",
            "source": ["# A tour\n", "\n", "What the twin is,\n", "in ten minutes.\n", "\n", "More."],
        },
    ]
    (tmp_path / "01_tour.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    (tmp_path / "02_empty.ipynb").write_text(json.dumps({"cells": []}), encoding="utf-8")
    listed = page(tmp_path)
    assert "## A tour\n\n`notebooks/01_tour.ipynb`\n\nWhat the twin is,\nin ten minutes.\n" in listed
    assert "## 02_empty" in listed


@pytest.mark.parametrize("folder", ON_PAGES)
def test_python_of_the_pages_runs(folder, smoke_run, tmp_path, monkeypatch):
    (tmp_path / "runs").symlink_to(smoke_run.parent)
    monkeypatch.chdir(tmp_path)
    pages = sorted((SITE / "pages" / folder).glob("*.md"))
    found = [
        (page, code)
        for page in pages
        for code in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]
    assert len(found) >= ON_PAGES[folder]
    for page, code in found:
        exec(compile(code, str(page), "exec"), {"__name__": page.stem})
