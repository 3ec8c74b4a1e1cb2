"""Journeys in a real browser: a planner, a reviewer, an engineer, an operator; and what axe-core finds on every page."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controllers.central import MOST_ROWS, TABLES
from controllers.store import Store
from dashboards.chrome import PAGES
from dashboards.text import catalogue
from twin.live.city import kept
from twin.live.line import BEGIN_S

ROOT = Path(__file__).resolve().parents[2]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def text(key: str) -> str:
    return catalogue()[key]["id"]


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    """The app as `python -m twin dashboard` starts it, over the tests' runs and a central monitor's history."""
    history = tmp_path_factory.mktemp("central") / "history.sqlite"
    told_of_a_dark_junction(history)
    live = tmp_path_factory.mktemp("live")
    followed_without_a_broker(live)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        **os.environ, "PYTHONPATH": str(ROOT), "TWIN_CENTRAL": str(history), "TWIN_SERVICES": "http://127.0.0.1:9",
        "TWIN_LIVE": str(live),
    }  # fmt: skip
    command = [sys.executable, "-m", "twin", "dashboard", "--port", str(port), "--out", str(folder)]
    server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def told_of_a_dark_junction(path: Path) -> None:
    now = datetime.now(UTC)
    store = Store(path, TABLES, MOST_ROWS, {"prefix": "trenggalek"})
    seen, dark = now.isoformat(), (now - timedelta(minutes=10)).isoformat()
    status = [("2026-01", seen, "corner", 0, '["J3"]', '["policy"]', "[]", "abc"),
              ("2026-01", seen, "square", 1, '["J1"]', '["policy"]', "[]", "abc")]  # fmt: skip
    store.append({"status": status, "alarm": [("2026-01", dark, "corner", "dark", "J3", 1, None, 2.0, "prior")]})
    store.close()


def followed_without_a_broker(folder: Path) -> None:
    """A city of one junction, five minutes long, whose broker is dead and one of whose cameras is not believed."""
    record = kept.Record(folder)
    for minute in range(1, 6):
        at_s = BEGIN_S + 60.0 * minute
        for what, unit, place in (("halting", "veh", "a_0"), ("turning", "%", "a → b"), ("travel time", "s", "a")):
            for method, mean in (("kalman", 3.0), ("persistence", 4.0)):
                shared = {"at_s": at_s, "what": what, "unit": unit, "method": method}
                record.add("live_estimate", [{**shared, "place": place, "mean": mean, "sd": 1.0, "low": mean - 1.6,
                                              "high": mean + 1.6, "true": 3.5}])  # fmt: skip
                record.add("live_score", [{**shared, "places": 1, "rmse": 0.5, "crps": 0.3, "covered_90_percent": 100.0,
                                           "mean_sd": 1.0}])  # fmt: skip
        record.add("live_minute", [{"at_s": at_s, "messages": 60, "refused": 0, "flags": '{"late": 2}', "lag_p95_s": 1.0,
                                    "left_out": "camera zone-0", "silent_percent": 12.5, "ready_s": 2.0, "took_s": 0.1}])  # fmt: skip
    record.write(at_s)
    record.finish(folder / "live-2026-01-05.sqlite", {})
    kept.tell_now(folder, {
        "network": "corner", "at_s": at_s, "begin_s": BEGIN_S, "lamps": {"J1": "Grr"}, "online": True,
        "modes": {"J1": "policy"}, "alarms": [], "left_out": ["camera zone-0"], "totals": {}, "forecast": False,
        "running": True, "down": ["broker"], "pace": 10.0, "speed": 30.0, "ends_s": BEGIN_S + 3600,
    })  # fmt: skip


@pytest.fixture
def window(browser, address):
    """Opens a page and waits until it is quiet; nothing may be asked of another machine."""
    opened = []

    def at(name: str, size: dict[str, int] = DESK):
        page = browser.new_page(viewport=size, accept_downloads=True)
        opened.append(page)
        outside: list[str] = []
        local = (address, address.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda request: None if request.url.startswith(local) else outside.append(request.url))
        page.goto(f"{address}/{'' if name == 'overview' else name}")
        page.wait_for_selector("h1", timeout=60_000)
        quiet(page)
        assert not outside
        return page

    yield at
    for page in opened:
        page.close()


def quiet(page) -> None:
    """Wait until the app has nothing more to draw. What a click brings about is waited for by its own sign."""
    page.wait_for_timeout(400)
    page.wait_for_function(
        "document.querySelector('[data-test-script-state=notRunning]')"
        " && !document.querySelector('[data-testid=stSkeleton]')",
        timeout=120_000,
    )


def pick_first(page, label: str) -> None:
    """Pick the first option of a list; the page may be drawn again in between, which closes the list."""
    for _ in range(10):
        page.get_by_role("combobox", name=label).click()
        page.wait_for_timeout(700)
        if page.get_by_role("option").count():
            page.get_by_role("option").first.click()
            break
    quiet(page)


def test_planner_moves_three_levers_compares_and_downloads_the_brief(window, tmp_path):
    page = window("what_if")
    page.get_by_role("button", name=text("package.green"), exact=True).click()
    moved = {"panels=4", "battery_kwh=9.6", "controller=max-pressure"}
    page.wait_for_url(lambda url: moved <= set(url.partition("?")[2].split("&")), timeout=60_000)
    quiet(page)
    again = page.url
    page.goto(again)  # a shared address holds the levers
    page.wait_for_selector("h1")
    quiet(page)
    panels = page.get_by_role("slider", name="Panel per kantor")
    assert panels.evaluate("slider => slider.value ?? slider.getAttribute('aria-valuenow')") == "4"
    for _ in range(2):
        pick_first(page, "Simulasi (paling banyak 4)")
    page.get_by_text(text("compare.series")).first.wait_for(timeout=30_000)
    assert not page.get_by_text("Traceback").count()
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name=text("download.brief")).click()
    brief = Path(download.value.path()).read_bytes()
    assert brief.startswith(b"%PDF-")
    assert brief.count(b"/Type /Page\n") == 2
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name=text("download.xlsx")).click()
    with zipfile.ZipFile(download.value.path()) as book:
        assert "xl/workbook.xml" in book.namelist()


@pytest.mark.slow
def test_planner_starts_a_real_run_reloads_in_the_middle_and_cancels(window):
    page = window("what_if")
    page.get_by_role("button", name=text("package.green"), exact=True).click()
    quiet(page)
    page.get_by_role("button", name=text("real.start")).click()
    page.get_by_role("button", name=text("job.cancel")).wait_for(timeout=30_000)
    page.reload()
    page.get_by_role("button", name=text("job.cancel")).wait_for(timeout=60_000)
    page.get_by_role("button", name=text("job.cancel")).click()
    page.get_by_role("button", name=text("real.start")).wait_for(timeout=30_000)


@pytest.mark.slow
def test_reviewer_plays_a_run_with_the_keyboard_on_a_phone(window):
    page = window("replay", PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    slider = page.get_by_role("slider", name=text("replay.month_slider"))
    page.get_by_role("heading", name="2026-01").wait_for()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("heading", name="2026-02").wait_for(timeout=20_000)


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_operator_sees_what_is_made_of_a_followed_city(window, serious_findings, size):
    page = window("operations", size)
    page.get_by_text("corner").first.wait_for(timeout=20_000)
    page.get_by_role("alert").filter(has_text="camera zone-0").wait_for(timeout=20_000)
    page.get_by_text(text("operations.scores")).wait_for(timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert not serious_findings(page)


@pytest.mark.slow
def test_engineer_exports_the_bundles_of_a_run(window):
    page = window("operations")
    page.get_by_role("button", name=text("release.make")).click()
    page.get_by_role("button", name=text("release.download")).wait_for(timeout=180_000)
    with page.expect_download() as download:
        page.get_by_role("button", name=text("release.download")).click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert any(name.endswith("contract.json") for name in archive.namelist())
        assert "manifest.json" in archive.namelist()


@pytest.mark.slow
def test_operator_sees_a_dark_junction(window):
    page = window("operations", PHONE)
    alert = page.get_by_role("alert").filter(has_text="J3")
    alert.wait_for(timeout=20_000)
    assert "gelap" in alert.inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(window, serious_findings, name):
    assert not serious_findings(window(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_a_phone(window, name):
    page = window(name, PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
