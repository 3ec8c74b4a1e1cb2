"""Pages over a folder with two runs of the smoke scenario."""

import logging
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("streamlit")
from streamlit.testing.v1 import AppTest

APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"


@pytest.fixture(scope="session")
def folder(tmp_path_factory, smoke_run) -> Path:
    """A folder of runs of its own: the smoke run, and one with more panels."""
    from twin.runner import run_scenario
    from twin.scenario import Scenario

    made = tmp_path_factory.mktemp("dashboard-runs")
    shutil.copy2(smoke_run, made)
    run_scenario(Scenario.load("smoke", ["name=four-panels", "solar.panels=4"]), 1, made)
    return made


@pytest.fixture(autouse=True)
def the_main_module_comes_back(monkeypatch):
    """AppTest leaves the app as `__main__`, which every process that a later test spawns would then begin with."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def app(folder, monkeypatch):
    """The app on one of its pages: `app("what_if", lang="en")`; nothing of ours may fail behind a friendly message."""
    monkeypatch.setenv("TWIN_RUNS", str(folder))
    failed: list[str] = []
    monkeypatch.setattr(logging.getLogger("dashboards"), "exception", lambda text: failed.append(text))

    def opened(page: str, runs: Path | None = None, link: dict | None = None, **state) -> AppTest:
        if runs is not None:
            monkeypatch.setenv("TWIN_RUNS", str(runs))
        found = AppTest.from_file(APP, default_timeout=120)
        for key, value in state.items():
            found.session_state[key] = value
        found.run()
        if page != "overview":
            found.switch_page(f"views/{page}.py")
            for key, value in (link or {}).items():
                found.query_params[key] = value
            found.run()
        assert not failed
        return found

    return opened


def said(app: AppTest) -> str:
    """Everything that a page says in words."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)
