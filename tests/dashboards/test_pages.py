"""Every page opens in both languages over runs, over none, and over files that are no runs; what it says is true."""

import json
import shutil
import sqlite3
from datetime import UTC, datetime

import pytest
from sensitivities import sensitivity_of
from streamlit.testing.v1 import AppTest

from controllers.central import MOST_ROWS
from controllers.central import TABLES as CENTRAL_TABLES
from controllers.log import TABLES as LOG_TABLES
from controllers.store import Store
from dashboards.chrome import PAGES
from dashboards.text import catalogue
from twin.kpi import score
from twin.run import Run
from twin.sensitivity.table import keep


def said(app: AppTest) -> str:
    """Everything that a page says in words."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def text(key: str, language: str = "id") -> str:
    return catalogue()[key][language].split("{")[0]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["id", "en"])
def test_every_page_opens(app, name, language):
    page = app(name, lang=language)
    assert not page.exception
    assert not page.error
    assert page.title[0].value == catalogue()[f"page.{name}"][language]


@pytest.mark.parametrize("name", PAGES)
def test_without_a_run_every_page_says_what_to_do(app, tmp_path, name):
    page = app(name, runs=tmp_path)
    assert not page.exception
    assert not page.error
    assert page.info or name == "replay"


def broken_files(folder, run):
    whole = run.read_bytes()
    (folder / "cut.sqlite").write_bytes(whole[: len(whole) // 2])
    (folder / "text.sqlite").write_text("no database", encoding="utf-8")
    for name, statement in (("older", "PRAGMA user_version=99"), ("other", "PRAGMA application_id=7")):
        shutil.copy2(run, folder / f"{name}.sqlite")
        with sqlite3.connect(folder / f"{name}.sqlite") as connection:
            connection.execute(statement)


def test_files_that_are_no_runs_are_named_and_explained_and_the_others_work(app, tmp_path, smoke_run):
    broken_files(tmp_path, smoke_run)
    shutil.copy2(smoke_run, tmp_path)
    page = app("replay", runs=tmp_path)
    assert not page.exception
    problems = [element.value for element in page.error]
    assert sorted(problems) == sorted(text(f"problem.{key}") for key in ("cut", "damaged", "version", "not_a_run"))
    assert text("problem.cut", "en") in said(app("replay", runs=tmp_path, lang="en"))


def test_fifty_runs_at_once(app, tmp_path, smoke_run):
    for number in range(50):
        shutil.copy2(smoke_run, tmp_path / f"smoke-s1-{number:012d}.sqlite")
    page = app("overview", runs=tmp_path)
    assert not page.exception
    assert len(page.sidebar.selectbox[0].options) == 50


def test_overview_counts_the_targets_that_are_met(app, folder, smoke_run):
    page = app("overview", run=smoke_run.stem)
    with Run.open(smoke_run) as run:
        verdicts = [s.kpi.met(s.value) for s in score(run)]
    judged = [met for met in verdicts if met is not None]
    assert page.metric[0].value == f"{sum(judged)} dari {len(judged)}"


def test_a_controllers_log_is_played_and_is_not_taken_for_a_run(app, tmp_path, smoke_run):
    shutil.copy2(smoke_run, tmp_path)
    store = Store(tmp_path / "corner.sqlite", LOG_TABLES, dict.fromkeys(LOG_TABLES, 1000), {"site": {}})
    stamps = [f"2026-01-05T01:00:{second:02d}+00:00" for second in (0, 20, 40)]
    lamps = [("2026-01", stamp, "J1", state, "policy") for stamp, state in zip(stamps, ("Gr", "yr", "rG"), strict=True)]
    rows = {name: [] for name in LOG_TABLES}
    store.append({**rows, "lamps": lamps, "alarm": [("2026-01", stamps[0], "lamp failure: J1", 1)]})
    store.close()
    page = app("replay", runs=tmp_path, replay_kind="log")
    assert not page.exception
    assert any("lamp failure: J1" in element.value for element in page.error)
    assert len(page.sidebar.selectbox[0].options) == 1


def test_two_runs_month_by_month_in_step(app, folder, smoke_run):
    other = next(path.stem for path in folder.glob("four-panels*"))
    page = app("replay", run=smoke_run.stem, replay_second=other)
    assert not page.exception
    assert len(page.metric) == 6
    assert "2026-01" in said(page)
    page.slider(key="months-frame").set_value(1).run()
    assert "2026-02" in said(page)


def test_laras_answers_with_quotes_and_abstains(app):
    page = app("services")
    page.text_input[0].set_value("cuti melahirkan berapa lama?")
    page.button[0].click().run()
    answers = [message for message in page.chat_message if message.name == "assistant"]
    assert len(answers) == 1
    assert answers[0].expander


def test_optimise_says_the_shadow_price_and_refuses_the_impossible(app):
    page = app("optimise")
    page.slider(key="opt_budget").set_value(0.5).run()
    assert any(text("optimise.budget_price") in element.value for element in page.info)
    page.multiselect(key="opt_must").set_value(["signals", "aipreneur"]).run()
    assert [element.value for element in page.error] == [text("problem.other")]
    assert not page.exception


def test_an_upload_of_the_wrong_kind_is_explained_and_a_run_is_played(app, smoke_run):
    page = app("replay", run=smoke_run.stem)
    upload = page.file_uploader(key="upload-run")
    upload.set_value(("holiday.sqlite", b"not a database at all", "application/octet-stream")).run()
    assert [element.value for element in page.error] == [text("problem.damaged")]
    upload = page.file_uploader(key="upload-run")
    upload.set_value(("mine.sqlite", smoke_run.read_bytes(), "application/octet-stream")).run()
    assert not page.error
    assert not page.exception


def test_boundaries_must_be_polygons(app):
    page = app("overview")
    for content in (b"\xff\xfe", b"[]", b'{"features": []}', b'{"features": [{"geometry": {"type": "Point"}}]}'):
        page.file_uploader[0].set_value(("batas.geojson", content, "application/json")).run()
        assert [element.value for element in page.error] == [catalogue()["problem.faults"]["id"].format(n=1)]
    ring = [[111.6, -8.1], [111.8, -8.1], [111.8, -8.0], [111.6, -8.1]]
    shape = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    good = json.dumps({"type": "FeatureCollection", "features": [shape]}).encode()
    page.file_uploader[0].set_value(("batas.geojson", good, "application/json")).run()
    assert not page.error


def test_operations_name_the_dark_junction_and_the_silent_controller(app, tmp_path, monkeypatch):
    store = Store(tmp_path / "history.sqlite", CENTRAL_TABLES, MOST_ROWS, {"prefix": "trenggalek"})
    old, now = "2026-01-05T01:00:00+00:00", datetime.now(UTC).isoformat()
    status = [("2026-01", old, "corner", 1, '["J3"]', '["policy"]', "[]", "abc"),
              ("2026-01", now, "square", 1, '["J1"]', '["policy"]', "[]", "abc")]  # fmt: skip
    alarms = [("2026-01", old, "corner", "dark", "J3", 1, None, 2.0, "prior"),
              ("2026-01", old, "square", "dark", "J1", 1, None, 2.0, "prior"),
              ("2026-01", now, "square", "dark", "J1", 0, 0.5, None, "")]  # fmt: skip
    store.append({"status": status, "alarm": alarms})
    store.close()
    monkeypatch.setenv("TWIN_CENTRAL", str(tmp_path / "history.sqlite"))
    monkeypatch.setenv("TWIN_SERVICES", "http://127.0.0.1:9")
    page = app("operations")
    assert len(page.error) == 1
    assert "J3" in page.error[0].value
    states = page.dataframe[0].value
    assert list(states.iloc[:, 1]) == [text("operations.unheard"), text("operations.online")]
    assert [metric.value for metric in page.metric] == [text("operations.off")] * 2


def test_sensitivity_is_shown_with_its_label_or_how_to_make_it(app, tmp_path, smoke_run):
    shutil.copy2(smoke_run, tmp_path)
    page = app("sensitivity", runs=tmp_path)
    assert "python -m twin sensitivity smoke" in page.info[0].value
    with Run.open(smoke_run) as run:
        path, digest, code = keep(sensitivity_of(run.digest), tmp_path), run.digest, run.provenance["code_digest"]
    page = app("sensitivity", runs=tmp_path)
    assert not page.exception
    assert not page.warning
    shown = page.dataframe[0].value
    assert list(shown.iloc[:, 0]) == ["carbon.wtp_idr *", "carbon.price_start_idr"]
    assert list(shown.iloc[:, 5]) == ["0,7 ± 0,1", "0,3 ± 0,1"]
    assert digest[:12] in said(page)
    path.write_text(path.read_text().replace(code, "f" * 64))
    assert text("sensitivity.other_code") in [one.value for one in app("sensitivity", runs=tmp_path).warning]
    path.write_text("no table")
    assert [one.value for one in app("sensitivity", runs=tmp_path).error] == [text("problem.other")]
