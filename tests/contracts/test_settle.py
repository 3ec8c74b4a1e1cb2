"""A ledger settled on a chain: equal to the Python ledger, also when it was cut off; and what goes wrong with chains."""

from dataclasses import asdict

import pytest
from eth_account import Account

from contracts import chain as chains
from contracts.audit import TOTALS, audit_chain
from contracts.chain import ChainError, connect, known_key
from contracts.market import deploy
from contracts.settle import differences, holders_of, settle
from twin.carbon.credits.ledger import Ledger


@pytest.fixture
def ledger():
    """Two months with every action in them."""
    ledger = Ledger()
    for holder, batch in (("developers", "one"), ("trenggalek", "two")):
        ledger.issue(holder, batch, 1_000)
        ledger.tokenise(holder, batch, 900)
    ledger.transfer("token", "developers", "companies", "one", 300)
    ledger.transfer("token", "trenggalek", "companies", "two", 200)
    ledger.retire("token", "companies", "one", 100)
    ledger.remint("companies", "two", 50)
    ledger.tokenise("companies", "two", 20)
    ledger.cancel("token", "companies", "two", 30)
    ledger.transfer("token", "companies", "voluntary", "one", 150)
    ledger.retire("token", "voluntary", "one", 150)
    return ledger


def entries_of(ledger):
    return [{**asdict(e), "month": f"2026-0{1 + (e.number > 7)}", "price_idr": 50_000} for e in ledger.entries]


def totals_of(ledger):
    return {name: ledger.totals()[name] for name in TOTALS}


def test_a_settlement_that_is_cut_off_at_any_step_goes_on_and_does_nothing_twice(ledger, monkeypatch):
    entries = entries_of(ledger)
    system = deploy(connect(), known_key, holders_of(entries))
    send, left = chains.Chain.send, [0]

    def failing(self, call, account):
        left[0] -= 1
        if left[0] < 0:
            raise ChainError("the node does not answer")
        return send(self, call, account)

    monkeypatch.setattr(chains.Chain, "send", failing)
    for _ in range(40):
        left[0] = 3  # three transactions, then the node is down
        try:
            settle(system, entries)
            break
        except ChainError:
            continue
    else:
        pytest.fail("never came to an end")
    assert differences(system, entries, totals_of(ledger)) == []
    assert audit_chain(system.chain, system.credit.address).document["conserved"]
    before = system.chain.transactions
    settle(system, entries)
    assert system.chain.transactions == before
    wrong = {**totals_of(ledger), "retired": 251}
    assert differences(system, entries, wrong) == ["retired: the chain has 250 t, the ledger 251"]


def test_a_provider_that_lies_about_a_receipt_is_found_out(system, monkeypatch):
    real = system.chain.w3.eth.wait_for_transaction_receipt
    monkeypatch.setattr(
        system.chain.w3.eth, "wait_for_transaction_receipt", lambda sent: {**real(sent), "blockHash": b"\1" * 32}
    )
    with pytest.raises(ChainError, match="its own block does not bear out"):
        system.send(system.credit.functions.burnForRemint(1, 1), "A")


def test_no_funds_wrong_chain_no_node_no_contract(system):
    with pytest.raises(ChainError, match="node refused a transaction"):
        system.chain.send(system.credit.functions.burnForRemint(1, 1), known_key("pauper"))
    with pytest.raises(ChainError, match="no node answers"):
        connect("http://127.0.0.1:9")
    with pytest.raises(ChainError, match=r"is chain .*, not 5"):
        connect(None, 5)
    with pytest.raises(ChainError, match="no contract on chain"):
        system.chain.at("CarbonCredit", "0x" + 40 * "1")


def test_keys_come_from_a_keystore_file_or_the_environment(tmp_path, monkeypatch):
    import json

    account = known_key("A")
    secret = Account.encrypt(account.key, "open", kdf="pbkdf2", iterations=2)
    (tmp_path / "operator.json").write_text(json.dumps(secret))
    with pytest.raises(ChainError, match=chains.PASSWORD_VARIABLE):
        chains.key("operator", tmp_path)
    monkeypatch.setenv(chains.PASSWORD_VARIABLE, "shut")
    with pytest.raises(ChainError, match="is no keystore"):
        chains.key("operator", tmp_path)
    monkeypatch.setenv(chains.PASSWORD_VARIABLE, "open")
    assert chains.key("operator", tmp_path).address == account.address
    with pytest.raises(ChainError, match="no key of issuer"):
        chains.key("issuer", tmp_path)
    monkeypatch.setenv("TRENGGALEK_KEY_ISSUER", account.key.hex())
    assert chains.key("issuer", tmp_path).address == account.address
