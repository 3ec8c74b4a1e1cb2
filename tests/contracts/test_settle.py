"""A ledger settled on a chain: equal to the Python ledger, also when it was cut off; the order of arrival is provable."""

from dataclasses import replace

import pytest

from contracts import chain as chains
from contracts import receipts
from contracts.audit import audit_chain
from contracts.deploy import deploy
from contracts.errors import ChainError
from contracts.settle import Desk, Step, holders_from
from twin.carbon.credits.ledger import Ledger

TOTALS = ("issued", "tokens", "spe_grk", "retired", "cancelled")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """Two months with every action in them."""
    ledger = Ledger()
    for holder, batch in (("developers", "one"), ("trenggalek", "two"), ("traders", "three")):
        ledger.issue(holder, batch, 1_000)
        ledger.tokenise(holder, batch, 1_000)
    ledger.transfer("token", "developers", "companies", "one", 300)
    ledger.transfer("token", "trenggalek", "companies", "two", 200)
    ledger.retire("token", "companies", "one", 100)
    ledger.remint("traders", "three", 70)
    ledger.remint("traders", "three", 50)
    ledger.transfer("token", "companies", "voluntary", "one", 150)
    ledger.tokenise("traders", "three", 60)
    ledger.retire("token", "voluntary", "one", 150)
    ledger.transfer("token", "trenggalek", "traders", "two", 80)
    ledger.cancel("token", "companies", "two", 30)
    return ledger


@pytest.fixture(scope="module")
def steps(ledger) -> list[Step]:
    return [
        Step(f"2026-0{1 + (e.number > 9)}", e.number, e.action, e.batch, e.tco2e, e.source, e.target, 50_000)
        for e in ledger.entries
    ]


def settled(system, steps, holders, label="run", **more):
    desk = Desk(system, holders, label, **more)
    desk.open()
    desk.settle(steps)
    return desk


def totals_of(found) -> dict[str, int]:
    return {name: getattr(found, name) for name in TOTALS}


@pytest.fixture(scope="module")
def world():
    chain, accounts = chains.embedded()
    return deploy(chain, accounts), holders_from(accounts)


def test_cut_off_at_any_step_it_goes_on_and_does_nothing_twice(world, ledger, steps, monkeypatch, tmp_path):
    system, holders = world
    send, left, file = chains.Chain.send, [0], tmp_path / "receipts.jsonl"

    def failing(self, sender, call, what):
        left[0] -= 1
        if left[0] < 0:
            raise ChainError("the node is down")
        return send(self, sender, call, what)

    monkeypatch.setattr(chains.Chain, "send", failing)
    for _ in range(60):
        left[0] = 7  # so many transactions, then the node is down
        try:
            settled(system, steps, holders, receipts_file=file)
            break
        except ChainError:
            continue
    else:
        pytest.fail("never came to an end")
    found = audit_chain(system.chain, system.credits.address)
    assert totals_of(found) == {name: ledger.totals()[name] for name in TOTALS}
    assert found.conserved, found.alerts
    names = {account.address: name for name, account in holders.items()}
    tokens = {(names[address], batch): t for (address, batch), t in found.balances.items()}
    assert tokens == {(a, b): t for (place, a, b), t in ledger.balances.items() if place == "token" and t}
    before = len(system.chain.gas_used)
    left[0] = 1_000
    again = settled(system, steps, holders)
    assert len(system.chain.gas_used) == before
    assert again.outcome.held_already == len(steps) - 3  # what is issued is not on the chain

    told = receipts.read(file)
    operators = receipts.operators(system.chain, system.settlement)
    assert operators == {system.roles["OPERATOR"].address}
    check = lambda found: receipts.verify(found, system.chain, system.settlement, operators)  # noqa: E731
    assert check(told) == []
    last = [one for one in told if one.batch == told[-1].batch]
    assert "not those that were anchored" in check(told[: -len(last)])[0]  # left out
    moved = [replace(a, sequence=b.sequence) for a, b in zip(last, reversed(last), strict=True)]
    assert "not those that were anchored" in check([*told[: -len(last)], *moved])[0]
    assert "is no operator" in receipts.verify(told, system.chain, system.settlement, {"0x0"})[0]


def test_a_file_that_holds_no_receipts_is_refused(tmp_path):
    (tmp_path / "file").write_text('{"batch": 1}\n')
    with pytest.raises(ChainError, match=r"file:1: is no receipt"):
        receipts.read(tmp_path / "file")
