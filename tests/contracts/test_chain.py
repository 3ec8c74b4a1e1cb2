"""The adapter: artefacts, nodes that fail or lie, settling a run exactly once, the audit, the index, the certificate."""

import base64
import hashlib
import json
import shutil
import sqlite3
import subprocess
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from chain_desk import A, B, order, refused, send, settle
from eth_abi.abi import encode
from requests.exceptions import ConnectionError as NodeDown
from typer.testing import CliRunner

import contracts.artefacts as artefacts
from contracts.audit import Audit, audit_chain, differences
from contracts.certificate import attach, cid_v1, digest, document
from contracts.chain import Chain, accounts_given, embedded, node
from contracts.cli import app
from contracts.deploy import deploy
from contracts.errors import WORDS, ChainError, in_words
from contracts.gas import ID
from contracts.indexer import Indexer
from contracts.settle import Step, holders_from
from twin.carbon.credits.ledger import Ledger

STEPS = [
    Step("2026-01", 0, "issue", "forest-1", 500, "registry", "developers", 60_000),
    Step("2026-01", 1, "tokenise", "forest-1", 500, "developers", "developers", 60_000),
    Step("2026-01", 2, "transfer", "forest-1", 200, "developers", "companies", 60_000),
    Step("2026-01", 3, "transfer", "forest-1", 100, "developers", "voluntary", 60_000),
    Step("2026-01", 4, "retire", "forest-1", 100, "voluntary", "retired", 60_000),
    Step("2026-02", 5, "transfer", "forest-1", 50, "companies", "voluntary", 70_000),
    Step("2026-02", 6, "retire", "forest-1", 50, "voluntary", "retired", 70_000),
]


def in_python() -> Audit:
    ledger = Ledger()
    ledger.issue("developers", "forest-1", 500)
    ledger.tokenise("developers", "forest-1", 500)
    for step in STEPS[2:]:
        if step.action == "transfer":
            ledger.transfer("token", step.source, step.target, step.batch, step.tco2e)
        else:
            ledger.retire("token", step.source, step.batch, step.tco2e)
    totals = {name: int(t) for name, t in ledger.totals().items() if name != "conserved"}
    return Audit(**totals, balances={(a, b): t for (p, a, b), t in ledger.balances.items() if p == "token" and t})


@pytest.fixture(scope="module")
def city():
    chain, accounts = embedded()
    system = deploy(chain, accounts)
    return system, holders_from(accounts)


def test_differences_name_every_tonne(city):
    found = differences(in_python(), Audit(), {})
    assert "issued: 500 t in the run, 0 t on the chain" in found
    assert "companies, forest-1: 150 t in the run, 0 t on the chain" in found


def test_the_audit_of_a_chain_raises_an_alert_when_an_event_is_missing(held, monkeypatch):
    b = held
    send(b, b.traders[A], b.system.credits.functions.remint(ID, 10))
    assert audit_chain(b.system.chain, b.system.credits.address).conserved
    whole = Chain.logs
    monkeypatch.setattr(Chain, "logs", lambda self, c, event: [] if event == "Remint" else whole(self, c, event))
    found = audit_chain(b.system.chain, b.system.credits.address)
    assert not found.conserved
    assert any("in circulation" in alert for alert in found.alerts)


def test_serial_numbers_minted_twice_are_an_alert_unless_they_were_re_minted(held):
    b = held
    b.mint(b.traders[A].address, 5, "the same serials again")
    found = audit_chain(b.system.chain, b.system.credits.address)
    assert any("serial numbers were minted again" in alert for alert in found.alerts)
    send(b, b.traders[A], b.system.credits.functions.remint(ID, 5))
    found = audit_chain(b.system.chain, b.system.credits.address)
    assert (found.conserved, found.issued, found.spe_grk, found.tokens) == (True, 1_000, 0, 1_000)


def test_a_reorganisation_takes_its_events_back(held, tmp_path: Path):
    b, chain = held, held.system.chain
    index = Indexer(tmp_path / "events.sqlite", chain, [b.system.credits, b.system.vault])
    index.sync()
    assert [e["amount"] for e in index.events("Minted")] == [1_000]
    snapshot = chain.tester.take_snapshot()
    send(b, b.traders[A], b.system.credits.functions.remint(ID, 10))
    index.sync()
    assert [e["amount"] for e in index.events("Remint")] == [10]
    assert index.remints(safe_blocks=5) == []  # too young to trust
    chain.tester.revert_to_snapshot(snapshot)
    chain.nonces.clear()
    send(b, b.traders[A], b.system.credits.functions.remint(ID, 20))
    assert index.sync() == 1
    assert [e["amount"] for e in index.events("Remint")] == [20]
    assert [e["amount"] for e in index.remints(safe_blocks=0)] == [20]
    assert index.remints(safe_blocks=0) == []
    index.close()


def test_a_certificate_is_readable_and_its_digest_on_the_chain(held):
    b, s = held, held.system
    data = encode(["string", "string"], ["SD <1> & friends", "2026"])
    send(b, b.traders[A], s.credits.functions.safeTransferFrom(b.traders[A].address, s.vault.address, ID, 5, data))
    assert attach(s, 1) == s.vault.functions.rendering(1).call() == digest(document(s, 1))
    found = document(s, 1)
    assert (found["beneficiary"], found["tco2e"], found["project"]) == ("SD <1> & friends", 5, "forest-1")
    assert digest({**found, "tco2e": 6}) != digest(found)


def test_theory_a_cid_is_version_raw_sha256_length_and_the_digest_in_base32():
    cid = cid_v1(hashlib.sha256(b"hello world").digest())
    digest_hex = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
    assert cid[0] == "b"  # multibase: base32, lower case
    assert base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8)).hex() == "01551220" + digest_hex


def test_a_changed_artefact_is_refused(tmp_path: Path, root: Path):
    changed = json.loads((root / "contracts/artefacts/Registry.json").read_text())
    changed["bytecode"] = changed["bytecode"][:-2] + "00"
    (tmp_path / "Registry.json").write_text(json.dumps(changed))
    with pytest.raises(artefacts.ArtefactError, match="bytecode_sha256"):
        artefacts.load("Registry", tmp_path)
    sources = tmp_path / "solidity"
    shutil.copytree(root / "contracts/solidity", sources)
    (sources / "Registry.sol").write_text("// another\n")
    with pytest.raises(artefacts.ArtefactError, match="sources_sha256"):
        artefacts.load("Registry", root / "contracts/artefacts", sources)
    with pytest.raises(artefacts.ArtefactError, match="is missing"):
        artefacts.load("Nothing")


@pytest.mark.slow
def test_the_sources_compile_to_the_committed_artefacts_byte_for_byte(root: Path):
    if not (root / "contracts/node_modules/solc").is_dir():
        pytest.skip("contracts/node_modules is not there: `npm ci` in contracts/ installs the compiler")
    done = subprocess.run(["node", "compile.js", "--check"], cwd=root / "contracts", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_error_of_ours_has_plain_words(root: Path):
    ours = {
        entry["name"]
        for name in artefacts.NAMES
        for entry in artefacts.load(name)["abi"]
        if entry["type"] == "error"
        and not entry["name"].startswith(("ERC", "Access", "Safe", "ECDSA", "Invalid", "String"))
    }
    assert ours - set(WORDS) == set()
    assert in_words(b"\1\2\3\4") == "an unknown reason (0x01020304)"


def test_a_node_that_is_down_is_said():
    with refused("no node answers"):
        node("http://127.0.0.1:9")


def test_a_node_of_another_chain_is_refused():
    class Node(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": "0x7a69"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Node) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert node(url, 31_337).id == 31_337
        with refused("is chain 31337, not 1;"):
            node(url, 1)
        server.shutdown()


def test_a_nonce_gap_poor_sender_lying_node_or_lost_connection_is_said(held, monkeypatch):
    from eth_account import Account

    b, chain = held, held.system.chain
    call = b.system.credits.functions.remint(ID, 1)
    with refused("cannot afford"):
        send(b, Account.create(), call)  # has no money
    eth = type(chain.web3.eth)
    monkeypatch.setattr(eth, "wait_for_transaction_receipt", lambda *a, **k: {"transactionHash": b"?", "from": "?"})
    with refused("another transaction's receipt"):
        send(b, b.traders[A], call)
    monkeypatch.undo()
    chain.nonces.clear()
    chain.nonces[b.traders[A].address] = 999
    with refused("Expected 3, but got 999"):
        send(b, b.traders[A], call)
    assert b.traders[A].address not in chain.nonces  # asked of the node again
    monkeypatch.setattr(eth, "send_raw_transaction", lambda *a: (_ for _ in ()).throw(NodeDown()))
    with refused("node is down"):
        send(b, b.traders[A], call)
    assert b.system.credits.functions.totals(ID).call()[1] == 1  # what the liar's receipt was about, once


def test_keys_come_from_the_environment_and_no_message_holds_one(monkeypatch, tmp_path: Path):
    from eth_account import Account

    for name in ("TWIN_CHAIN_KEYS", "TWIN_CHAIN_KEYSTORE"):
        monkeypatch.delenv(name, raising=False)
    with refused("no keys"):
        accounts_given()
    account = Account.create()
    (tmp_path / "one.json").write_text(json.dumps(Account.encrypt(account.key, "open", kdf="pbkdf2", iterations=2)))
    monkeypatch.setenv("TWIN_CHAIN_KEYSTORE", str(tmp_path))
    monkeypatch.setenv("TWIN_CHAIN_PASSWORD", "open")
    assert accounts_given()[0].address == account.address
    monkeypatch.setenv("TWIN_CHAIN_PASSWORD", "shut")
    with refused("cannot be opened"):
        accounts_given()
    monkeypatch.delenv("TWIN_CHAIN_KEYSTORE")
    monkeypatch.setenv("TWIN_CHAIN_KEYS", "0xsecretsecret")
    with pytest.raises(ChainError) as caught:
        accounts_given()
    assert "secret" not in str(caught.value)


def test_fewer_accounts_than_roles_are_refused():
    with refused("needed"):
        deploy(SimpleNamespace(), [None] * 7)  # type: ignore[arg-type]
    with refused("needed"):
        holders_from([None] * 12)  # type: ignore[arg-type]


def test_the_command_audits_a_run_and_a_changed_row_is_an_alert(smoke_run: Path, tmp_path: Path):
    done = CliRunner().invoke(app, ["audit", str(smoke_run), "--json"])
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert {"conserved", "issued", "tokens", "spe_grk", "retired", "cancelled"} <= set(found)
    assert found["conserved"] is True
    assert found["issued"] == found["tokens"] + found["spe_grk"] + found["retired"] + found["cancelled"] > 0
    changed = tmp_path / "changed.sqlite"
    shutil.copy(smoke_run, changed)
    with sqlite3.connect(changed) as db:
        db.execute("UPDATE carbon_ledger SET tco2e = tco2e + 1 WHERE action = 'retire' AND number = "
                   "(SELECT min(number) FROM carbon_ledger WHERE action = 'retire')")  # fmt: skip
    db.close()
    done = CliRunner().invoke(app, ["audit", str(changed), "--json"])
    assert done.exit_code == 1
    assert Counter(json.loads(done.stdout)["alerts"])


def test_batches_settled_by_the_chain_are_the_ones_traded(held):
    b = held
    settle(b, [order(b, B, False, 9, 100_000), order(b, A, True, 9, 100_000)], [(0, 1, 9, 100_000)])
    logs = b.system.settlement.events.BatchSettled().get_logs(from_block=0)
    assert [log["args"]["batch"] for log in logs] == [0]


@pytest.mark.slow
def test_gas_a_fill_stays_at_or_below_its_targets():
    from contracts.gas import table

    targets = [row for row in table() if row["target"]]
    assert len(targets) >= 4
    assert {row["action"] for row in targets if not row["met"]} <= {"settle 32, all traders' first order"}
