"""The services: in this process for most tests, in a process of their own where it is killed or loaded."""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from junctions import Bus

from deploy.app import accounts
from deploy.app.factory import create_app
from deploy.app.roles import Role
from deploy.app.settings import Settings

SECRET = "a secret of the tests, long enough to be one"
PASSWORD = "kata-sandi-panjang"
ROOT = Path(__file__).resolve().parents[2]
keys = (f"test-key-{number}" for number in itertools.count())


@pytest.fixture(autouse=True, scope="session")
def _quick_hashes():
    """Argon2 with its least cost: what the tests look at is not how slow a guess is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "PasswordHasher", partial(accounts.PasswordHasher, time_cost=1, memory_cost=64))
        yield


class Services:
    """An app with an account for every role, and requests in their names: `services("trader", "GET", "/v1/me")`."""

    def __init__(self, client: TestClient) -> None:
        self.client, self.app = client, client.app
        self.tokens: dict[str, str] = {}

    def account(self, name: str, *roles: Role) -> str:
        self.app.state.accounts.make(name, PASSWORD, set(roles), full_name=f"{name} lengkap", contact="08123")
        self.tokens[name] = self.app.state.accounts.log_in(name, PASSWORD)
        return name

    def __call__(self, who: str | None, method: str, path: str, body=None, key=None, **more) -> httpx.Response:
        headers = more.pop("headers", {})
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        if method in ("POST", "DELETE"):
            headers["Idempotency-Key"] = key or next(keys)
        return self.client.request(method, path, json=body, headers=headers, **more)

    def ok(self, *words, **more):
        answer = self(*words, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


def settings_in(folder: Path, **more) -> Settings:
    given = {"data": folder, "secret": SECRET, "rate_login": "1000/minute", "rate_anonymous": "100000/minute",
             "rate_account": "1000000/minute", "runs": folder / "runs"}  # fmt: skip
    return Settings(**given | more)


@pytest.fixture(scope="session")
def settings_of():
    """Settings of the tests: `settings_of(folder, database_url=…)`."""
    return settings_in


@pytest.fixture
def served_with(tmp_path):
    """An app with settings of its own: `served_with(rate_login="5/minute")`; `.close()` ends it before the test does."""
    with contextlib.ExitStack() as stack:

        def serve(**more) -> Services:
            folder = more.pop("data", tmp_path / "data")
            one = stack.enter_context(contextlib.ExitStack())
            made = Services(one.enter_context(TestClient(create_app(settings_in(folder, **more)))))
            made.close = one.close
            known = {one["name"] for one in made.app.state.accounts.listed()}
            for role in Role:
                if f"the-{role.value}" not in known:
                    made.account(f"the-{role.value}", role)
            return made

        yield serve


@pytest.fixture
def services(served_with):
    return served_with()


@pytest.fixture
def bus_of(tmp_path):
    made = []

    def bus(names, begins=None) -> Bus:
        made.append(Bus(tmp_path, names, begins or {}))
        return made[-1]

    yield bus
    for one in made:
        one.close()


@pytest.fixture
def market(services):
    """Two traders, `andi` with 1,000 tokens and `budi` with 100 million rupiah."""
    for name in ("andi", "budi"):
        services.account(name, Role.TRADER)
        services.ok(name, "POST", "/v1/exchange/account")
    services.ok("the-verifier", "POST", "/v1/exchange/issues", {"member": "andi", "batch": "solar-1", "tco2e": 1000})
    services.ok("andi", "POST", "/v1/exchange/tokens", {"batch": "solar-1", "tco2e": 1000})
    services.ok("the-exchange", "POST", "/v1/exchange/deposits", {"member": "budi", "amount_idr": 100_000_000})
    return services


class Server:
    """`python -m deploy serve` in a process of its own, on a port of its own; killed and begun again at will."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.process, self.first = folder, None, {}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "TWIN_DEPLOY_DATA": str(folder),
                            "TWIN_DEPLOY_SECRET": SECRET, "TWIN_DEPLOY_RATE_ACCOUNT": "10000000/minute",
                            "TWIN_DEPLOY_RATE_ANONYMOUS": "100000/minute", **environment}  # fmt: skip

    def start(self) -> "Server":
        command = [sys.executable, "-W", "ignore", "-m", "deploy", "serve", "--port", str(self.port), "--json"]
        self.log = (self.folder.parent / "server.log").open("a")
        self.process = subprocess.Popen(
            command, env=self.environment, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=self.log
        )
        said = "".join(iter(self.process.stdout.readline, "}\n")) + "}"
        facts = json.loads(said)
        self.url = facts["address"]
        self.first = self.first or facts
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.url}/ready").status_code == 200:
                    return self
            except httpx.HTTPError:
                time.sleep(0.05)
        raise TimeoutError("the services did not become ready")

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(60)
        self.process.stdout.close()
        self.log.close()
        return code


@pytest.fixture
def server_with(tmp_path):
    """The services in a process of their own, with an environment of their own."""
    started = []

    def start(**environment: str) -> Server:
        started.append(Server(tmp_path / "data", **environment).start())
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture
def server(server_with):
    return server_with()
