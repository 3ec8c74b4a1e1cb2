"""The exchange's log settled on the embedded chain and on a node: both sides agree, and again does nothing twice."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from eth_account import Account
from junctions import until

from contracts import chain as chains
from contracts.deploy import ROLES, deploy
from contracts.errors import ChainError
from deploy.exchange.chain import Chain
from deploy.exchange.settlement import Settler

X = "/v1/exchange"


ANVIL = Path(__file__).resolve().parents[2] / "contracts" / "node_modules" / ".bin" / "anvil"


def traded(market) -> None:
    """Two trades at two prices, and a retirement."""
    order = {"side": "sell", "kind": "limit", "price_idr": 58_800, "lots": 30}
    market.ok("andi", "POST", f"{X}/orders", order)
    market.ok("andi", "POST", f"{X}/orders", {**order, "price_idr": 58_850})
    market.ok("budi", "POST", f"{X}/orders", {**order, "side": "buy", "price_idr": 58_850, "lots": 40})
    market.ok("budi", "POST", f"{X}/retirements", {"tco2e": 7, "purpose": "2026"})


def test_the_log_is_settled_and_agrees(market):
    traded(market)
    folder = market.app.state.settings.data / "exchange"
    worker = Settler(folder, Chain())
    assert worker.catch_up() > 0
    transfers = [(one["tco2e"], one["price_idr"]) for one in worker.entries if one["action"] == "transfer"]
    assert transfers == [(30, 58_800), (10, 58_850)]
    first = worker.settle()
    assert first["differences"] == []
    assert market.ok("the-exchange", "GET", f"{X}/settlement")["entries"] == first["entries"]
    assert worker.settle()["transactions"] == first["transactions"]  # nothing new: nothing is sent
    market.ok("the-exchange", "POST", f"{X}/day")
    market.ok("budi", "POST", f"{X}/retirements", {"tco2e": 3})
    assert worker.catch_up() == 2
    assert worker.settle()["differences"] == []


@pytest.fixture
def anvil():
    """A node of its own; gives its URL and what ends it."""
    if not ANVIL.exists():
        pytest.skip("no contracts/node_modules/.bin/anvil: `npm install` in contracts/ brings it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [ANVIL, "--port", str(port), "--mnemonic", chains.TEST_MNEMONIC, "--silent"]
    process = subprocess.Popen(command, start_new_session=True)  # npm's script starts the node as its child

    def end() -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return chains.node(url).id == 31_337
        except ChainError:
            return False

    try:
        until(answers)
        yield url, end
    finally:
        end()


@pytest.fixture
def keystore(tmp_path, monkeypatch):
    """Writes keystore files: the eight roles have the node's own rich accounts, holders any."""
    folder, password = tmp_path / "keys", "kata-sandi"
    folder.mkdir()
    monkeypatch.setenv(chains.KEYSTORE_VARIABLE, str(folder))
    monkeypatch.setenv(chains.PASSWORD_VARIABLE, password)
    Account.enable_unaudited_hdwallet_features()

    def write(name: str, account) -> None:
        sealed = Account.encrypt(account.key, password, kdf="pbkdf2", iterations=1)
        (folder / f"{name}.json").write_text(json.dumps(sealed))

    for number, name in enumerate(("admin", *map(str.lower, ROLES))):
        write(name, Account.from_mnemonic(chains.TEST_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}"))
    return write


def test_the_log_is_settled_on_a_node_and_goes_on_after_a_restart(market, anvil, keystore, tmp_path):
    traded(market)
    folder, (url, end_node) = market.app.state.settings.data / "exchange", anvil
    node = chains.node(url)
    roles = [chains.account_of(name) for name in ("admin", *map(str.lower, ROLES))]
    system = tmp_path / "system.json"
    system.write_text(json.dumps(deploy(node, roles).addresses))
    worker = Settler(folder, Chain(url, system))
    worker.catch_up()
    with pytest.raises(ChainError, match="no key of andi"):
        worker.settle()
    for name in ("andi", "budi"):
        account = Account.create()
        keystore(name, account)
        node.web3.provider.make_request("anvil_setBalance", [account.address, hex(10**20)])
    first = worker.settle()
    assert (first["differences"], first["entries"]) == ([], len(worker.entries))
    assert first["transactions"] > first["entries"] // 2
    block = node.web3.eth.block_number

    again = Settler(folder, Chain(url, system))  # as a process that is started anew: it asks the chain what was done
    again.catch_up()
    assert again.settle()["differences"] == []
    assert node.web3.eth.block_number == block  # nothing was sent

    market.ok("budi", "POST", f"{X}/retirements", {"tco2e": 3})
    assert again.catch_up() == 1
    assert again.settle()["differences"] == []
    assert node.web3.eth.block_number > block
    retired = {one["tco2e"] for one in again.entries if one["action"] == "retire"}
    assert retired == {7, 3}
    end_node()
    market.ok("budi", "POST", f"{X}/retirements", {"tco2e": 1})
    again.catch_up()
    with pytest.raises(ChainError, match="the node is down"):
        again.settle()
