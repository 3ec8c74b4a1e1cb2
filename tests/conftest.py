"""What the tests share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("twin", deadline=None)  # tests do not assert timings
hypothesis.settings.load_profile("twin")
ROOT = Path(__file__).resolve().parent.parent


LONGEST = ("test_docs.py", "test_kill.py", "test_notebooks.py")  # files that take minutes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: begun last, one of them would keep one worker busy while the others have nothing."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def twin():
    """Run the command line in a fresh interpreter: `twin("run", "smoke", cwd=folder)`."""

    def call(*words: object, cwd: Path = ROOT, **options):
        env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "twin", *map(str, words)]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, **options)

    return call


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory) -> Path:
    """A finished run of the smoke scenario, made once a session."""
    from twin.runner import run_scenario
    from twin.scenario import Scenario

    return run_scenario(Scenario.load("smoke"), 1, tmp_path_factory.mktemp("runs")).path


@pytest.fixture(scope="module")
def browser():
    """Chromium, driven by Playwright."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield made
        made.close()


@pytest.fixture
def serious_findings():
    """What axe-core finds serious or critical on a page of the browser, a line each."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def of(page) -> list[str]:
        found = axe.run(page).response["violations"]
        bad = [one for one in found if one["impact"] in ("serious", "critical")]
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in bad]

    return of
