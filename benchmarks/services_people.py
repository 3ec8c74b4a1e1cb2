"""A match run at full size, and LARAS, through the API from a second process on loopback.

python -m benchmarks.services_people                     # 21,905 seekers, 2,000 vacancies; 10 askers
python -m benchmarks.services_people --seekers 5000 --vacancies 500 --seconds 5
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from benchmarks.services import PASSWORD, served, tell
from twin.files import read_rows
from twin.knowledge.facts import DATA
from twin.labour.advice.intake import Register, write_register
from twin.labour.advice.register import drawn_seekers, drawn_vacancies
from twin.labour.population import synthesise

QUESTIONS = DATA / "questions.csv"
ASKERS = 10
MOST_SEEKERS = 60_000  # in one request: it has at most 8 MiB


def register_in(folder: Path, seekers: int, vacancies: int) -> dict[str, str]:
    """A register of the twin's people as the CSV texts of an import."""
    rng = np.random.default_rng(1)
    people = synthesise("book_2024", rng)
    drawn = drawn_seekers(people.take(rng.permutation(len(people))[:seekers]), rng)
    names, offers = [f"person {i}" for i in range(seekers)], [f"v{i}" for i in range(vacancies)]
    paths = write_register(Register(drawn, drawn_vacancies(vacancies, rng), names, offers), folder)
    return {f"{path.stem}_csv": path.read_text(encoding="utf-8") for path in paths}


async def match_run(
    session: aiohttp.ClientSession, headers: dict[str, str], register: dict[str, str]
) -> dict[str, Any]:
    """Import the register, match it, wait for the job."""

    async def timed(path: str, body: Any) -> tuple[Any, float]:
        began = time.perf_counter()
        async with session.post(path, json=body, headers=headers) as got:
            assert got.status < 300, await got.text()
            return await got.json(), time.perf_counter() - began

    _, import_s = await timed("/v1/jobtren/imports", register)
    job, request_s = await timed("/v1/jobtren/match-runs", {"listed": 20})
    began = time.perf_counter()
    while job["state"] in ("queued", "running"):
        await asyncio.sleep(0.1)
        async with session.get(f"/v1/twin/jobs/{job['id']}", headers=headers) as got:
            job = await got.json()
    assert job["state"] == "done", job["note"]
    stable = next(one for one in job["result"]["methods"] if one["method"] == "stable, seekers propose")
    return {
        "match_run": {name: job["result"][name] for name in ("seekers", "seats", "matched")}, "listed": 20,
        "import_s": round(import_s, 2), "request_s": round(request_s, 2),
        "job_s": round(time.perf_counter() - began, 2), "blocking_pairs": stable["blocking_pairs"],
    }  # fmt: skip


async def laras(session: aiohttp.ClientSession, headers: dict[str, str], seconds: float) -> dict[str, Any]:
    """Askers who ask one question after the other."""
    questions = itertools.cycle([row["question"] for row in read_rows(QUESTIONS)])
    taken: list[float] = []
    until_s = time.perf_counter() + seconds

    async def asker() -> None:
        while (began := time.perf_counter()) < until_s:
            async with session.post("/v1/laras/questions", json={"question": next(questions)}, headers=headers) as got:
                await got.read()
                assert got.status == 200, await got.text()
            taken.append(1000 * (time.perf_counter() - began))

    await asyncio.gather(*(asker() for _ in range(ASKERS)))
    p50, p99 = np.percentile(taken, [50, 99])
    return {"laras_askers": ASKERS, "answers_a_second": round(len(taken) / seconds), "p50_ms": round(float(p50), 1),
            "p99_ms": round(float(p99), 1)}  # fmt: skip


async def measured(facts: dict[str, str], register: dict[str, str], seconds: float) -> None:
    """Both, one after the other."""
    timeout = aiohttp.ClientTimeout(600)
    async with aiohttp.ClientSession(facts["address"], timeout=timeout) as session:
        admin = {"Authorization": f"Bearer {facts['token']}"}
        made = {"name": "office", "password": PASSWORD, "roles": ["manpower"]}
        async with session.post("/v1/accounts", json=made, headers=admin) as got:
            assert got.status == 201, await got.text()
        async with session.post("/v1/login", json={"name": "office", "password": PASSWORD}) as got:
            headers = {"Authorization": f"Bearer {(await got.json())['access_token']}"}
        tell({"cores": os.cpu_count()})
        async with session.post("/v1/laras/questions", json={"question": "cuti"}, headers=headers) as got:
            await got.read()  # the index is opened at its first use
        tell(await laras(session, headers, seconds))
        tell(await match_run(session, headers, register))


def main() -> None:
    """Print a line of JSON a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seekers", type=int, default=21_905)
    parser.add_argument("--vacancies", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=8.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as scratch:
        register = register_in(Path(scratch), min(given.seekers, MOST_SEEKERS), given.vacancies)
        process, facts = served(Path(scratch) / "data")
        try:
            asyncio.run(measured(facts, register, given.seconds))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


if __name__ == "__main__":
    main()
