"""Killed under load, again and again: what was answered is there after the restart, once; by the clients' own logs."""

import json
import random
import signal
import subprocess
import sys
import time

import httpx
import pytest

from deploy.exchange.log import audit, history

X = "/v1/exchange"
CLIENT = """
import json, os, random, sys, threading, time
import httpx
url, folder = sys.argv[1], sys.argv[2]

def trade(name, token):
    draw, n = random.Random(name), 0
    log = open(f"{folder}/{name}.jsonl", "a", buffering=1)
    with httpx.Client(base_url=url, headers={"Authorization": "Bearer " + token}, timeout=30) as client:
        while not os.path.exists(f"{folder}/stop"):
            n += 1
            key, path = f"{name}-{n}", "/v1/exchange/orders"
            body = {"side": draw.choice(["buy", "sell"]), "kind": "limit", "lots": draw.randint(1, 9),
                    "price_idr": 58_800 + 50 * draw.randint(-5, 5)}
            if draw.random() < 0.15:
                path, body = "/v1/exchange/retirements", {"tco2e": draw.randint(1, 3), "purpose": key}
            elif draw.random() < 0.15:
                path = "/v1/personnel/requests"
                body = {"kind": "leave", "effective": f"2099-01-{1 + n % 28:02d}"}
            log.write(json.dumps({"sent": key, "path": path, "body": body}) + "\\n")
            while True:  # until there is an answer, always under the same key
                try:
                    answer = client.post(path, json=body, headers={"Idempotency-Key": key})
                    break
                except httpx.HTTPError:
                    time.sleep(0.05)
            log.write(json.dumps({"key": key, "status": answer.status_code, "body": answer.json()}) + "\\n")

for one in json.loads(sys.argv[3]).items():
    threading.Thread(target=trade, args=one).start()
"""


def post(server, token, path, body=None, key=None):
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or f"k-{random.getrandbits(60)}"}
    return httpx.post(f"{server.url}{path}", json=body, headers=headers, timeout=30)


def prepared(server, clients: int) -> dict[str, str]:
    def account(name, roles):
        made = {"name": name, "password": "kata-sandi-panjang", "roles": roles}
        assert post(server, server.first["token"], "/v1/accounts", made).status_code == 201
        login = {"name": name, "password": made["password"]}
        return httpx.post(f"{server.url}/v1/login", json=login).json()["access_token"]

    operator = account("operator", ["exchange", "verifier"])
    tokens = {}
    for i in range(clients):
        name = f"trader-{i}"
        token = tokens[name] = account(name, ["trader", "employee"])
        for who, path, body in (
            (token, "account", None), (operator, "issues", {"member": name, "batch": f"b-{i}", "tco2e": 100_000}),
            (token, "tokens", {"batch": f"b-{i}", "tco2e": 100_000}),
            (operator, "deposits", {"member": name, "amount_idr": 10**11}),
        ):  # fmt: skip
            assert post(server, who, f"{X}/{path}", body).status_code == 200
    return tokens


def lines(path) -> list[dict]:
    whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [json.loads(line) for line in whole.splitlines()]


def answered(logs) -> int:
    return sum("key" in one for path in logs.values() for one in lines(path))


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_nothing_answered_is_lost_and_nothing_is_done_twice(server, tmp_path, kills):
    tokens = prepared(server, 4)
    logs = {name: tmp_path / f"{name}.jsonl" for name in tokens}
    clients = subprocess.Popen([sys.executable, "-c", CLIENT, server.url, str(tmp_path), json.dumps(tokens)])
    draw, seen = random.Random(kills), 0
    for _ in range(kills):
        until = time.monotonic() + 60
        while answered(logs) < seen + 40 and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.3 * draw.random())
        server.stop(signal.SIGKILL)
        seen = answered(logs)
        server.start()
    (tmp_path / "stop").touch()
    assert clients.wait(60) == 0
    answers = {one["key"]: one for name in tokens for one in lines(logs[name]) if "key" in one}
    assert sum(one["status"] == 200 for one in answers.values()) > 20 * kills
    for name, token in tokens.items():  # the same request again: the same answer, from before the kills
        for one in [one for one in lines(logs[name]) if "sent" in one][-20:]:
            again = post(server, token, one["path"], one["body"], one["sent"])
            assert (again.status_code, again.json()) == (answers[one["sent"]]["status"], answers[one["sent"]]["body"])
    certificates = {
        one["certificate"] for name, token in tokens.items()
        for one in httpx.get(f"{server.url}{X}/certificates", headers={"Authorization": f"Bearer {token}"}).json()
    }  # fmt: skip
    promised = [one["certificate"] for answer in answers.values() if answer["status"] == 200
                for one in answer["body"].get("certificates", [])]  # fmt: skip
    assert sorted(promised) == sorted(certificates)  # every one that was answered, and none besides
    filed = {one["number"] for token in tokens.values() for one in
             httpx.get(f"{server.url}/v1/personnel/requests", headers={"Authorization": f"Bearer {token}"}).json()}  # fmt: skip
    told = [one["body"]["number"] for one in answers.values() if one["status"] == 201]
    assert sorted(told) == sorted(filed)
    server.stop()
    folder = server.folder / "exchange"
    assert audit(folder) == []
    done = [command.key for command in history(folder) if command.do in ("place", "retire")]
    assert {key for key, one in answers.items() if one["status"] == 200} <= set(done)
    assert set(done) == {key for key, one in answers.items() if one["status"] != 201}
