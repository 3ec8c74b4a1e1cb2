"""Pages of the dashboards: first paint and interactions on cached data, a cold what-if, memory with ten sessions.

First paint is the browser's own "first contentful paint"; when the title is there and when all is drawn stand beside.
The limit is Streamlit itself: a page that holds a title alone, opened in turn with ours by the same browser.
`python -m benchmarks.dashboards --runs runs` needs Chromium and a folder with a run of the baseline.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from dashboards.chrome import PAGES
from twin.terminal import run_app, say

app = typer.Typer(add_completion=False)
ROUNDS, SESSIONS = 3, 10
VISITED = ("overview", "traffic", "carbon", "replay")  # by every session, before it moves levers
PORT = {"twin": "--port", "streamlit": "--server.port"}
FLOOR = "import streamlit as st\nst.title('Trenggalek')\n"
DRAWN = "document.querySelector('[data-test-script-state=notRunning]') && document.querySelector('h1')"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"


def serve(*words: str) -> tuple[subprocess.Popen[bytes], str]:
    """A server of its own, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", *words, PORT[words[0]], str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
            break
        except OSError:
            time.sleep(0.2)
    return server, url


def opened(visitor: Any, url: str, name: str) -> tuple[float, float, float]:
    """Seconds until the browser's first contentful paint, until the page's title, until nothing more is drawn."""
    page = visitor.new_page()
    began = time.perf_counter()
    page.goto(f"{url}/{'' if name == 'overview' else name}")
    page.wait_for_selector("h1", timeout=120_000)
    titled = time.perf_counter() - began
    page.wait_for_function(DRAWN, timeout=120_000)
    drawn = time.perf_counter() - began
    painted = page.evaluate(PAINTED)
    page.close()
    return painted, titled, drawn


def interaction(page: Any) -> float:
    """Seconds from a click on a policy package until the variant's settings have changed and all is drawn again."""
    before = page.locator("code").first.text_content()
    began = time.perf_counter()
    page.get_by_role("button", name="Hijau", exact=True).click()
    page.wait_for_function("was => document.querySelector('code')?.textContent !== was", arg=before, timeout=20_000)
    page.wait_for_function(DRAWN, timeout=60_000)
    return time.perf_counter() - began


def cold_what_if(runs: Path) -> float:
    """Seconds of a real run of the baseline with a lever that was never moved so, the memory of months kept."""
    words = [
        "run",
        "baseline",
        "--set",
        f"solar.tariff_idr_per_kwh={1000 + time.time() % 1500:.3f}",
        "--out",
        str(runs),
    ]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-m", "twin", *words, "--json"], check=True, capture_output=True)
    return time.perf_counter() - began


@app.command()
def main(runs: Annotated[Path, typer.Option("--runs", help="Folder of runs.")] = Path("runs")) -> None:
    """Print the figures."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        say("no Chromium on this machine: nothing measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        floor = Path(folder) / "floor.py"
        floor.write_text(FLOOR, encoding="utf-8")
        server, url = serve("twin", "dashboard", "--out", str(runs))
        other, floor_url = serve("streamlit", "run", str(floor), "--server.headless", "true")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
                measure_pages(browser.new_context(), url, floor_url)
                measure_sessions(browser, url, server.pid)
                browser.close()
        finally:
            for process in (server, other):
                process.terminate()
                process.wait(30)
    say(f"a cold what-if of the baseline (another tariff): {cold_what_if(runs):.1f} s")
    say(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")


def measure_pages(visitor: Any, url: str, floor_url: str) -> None:
    """Every page by a visitor who was there before, in turn with the empty page."""
    say(f"first session (everything is imported and read): {opened(visitor, url, 'overview')[2]:.1f} s")
    opened(visitor, floor_url, "overview")
    for name in PAGES:
        opened(visitor, url, name)
        rounds = [(opened(visitor, url, name), opened(visitor, floor_url, "overview")) for _ in range(ROUNDS)]
        ours, empty = ([statistics.median(pair[k][at] for pair in rounds) for at in range(3)] for k in range(2))
        told = "first paint {:.2f} s, title {:.2f} s, drawn {:.2f} s".format(*ours)
        floor = "an empty page {:.2f}, {:.2f}, {:.2f} s".format(*empty)
        say(f"{name:11} {told} ({floor}): drawn in {ours[2] / empty[2]:.1f} times its time")


def measure_sessions(browser: Any, url: str, pid: int) -> None:
    """Interactions, and the server's memory with one and with ten sessions that have some pages behind them."""
    process = psutil.Process(pid)
    before = process.memory_info().rss
    pages = []
    for _ in range(SESSIONS):
        page = browser.new_context().new_page()
        for name in VISITED:
            page.goto(f"{url}/{'' if name == 'overview' else name}")
            page.wait_for_function(DRAWN, timeout=120_000)
        page.goto(f"{url}/what_if")
        page.wait_for_function(DRAWN, timeout=120_000)
        pages.append(page)
    after = process.memory_info().rss
    times = []
    for page in pages[:ROUNDS]:
        times.append(interaction(page))
    say(f"interaction (a policy package moves six levers): {statistics.median(times):.2f} s")
    mib = 1 << 20
    each = (after - before) / mib / SESSIONS
    say(f"server: {before / mib:.0f} MiB with pages cached, {after / mib:.0f} MiB with {SESSIONS} sessions")
    say(f"a session more: {each:.1f} MiB")


if __name__ == "__main__":
    run_app(app)
