"""A ledger settled on a chain: equal to the Python ledger, also when it was cut off; the order of arrival is provable."""

from dataclasses import replace

import pytest

from contracts import chain as chains
from contracts import receipts
from contracts.audit import audit_chain
from contracts.deploy import deploy
from contracts.errors import ChainError
from contracts.settle import Desk, Step, holders_from, vintage
from contracts.signing import Order, as_given, sign
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
    check = lambda found: receipts.verify(found, system.chain, system.settlement)  # noqa: E731
    assert check(told) == []
    last = [one for one in told if one.batch == told[-1].batch]
    assert "not those that were anchored" in check(told[: -len(last)])[0]  # left out
    moved = [replace(a, sequence=b.sequence) for a, b in zip(last, reversed(last), strict=True)]
    assert "not those that were anchored" in check([*told[: -len(last)], *moved])[0]


def a_batch(system, holders, orders, fills, signers, operator):
    """Settle it with receipts in the order of `orders`; gives them."""
    s, number = system, system.settlement.functions.batches().call()
    signed = [sign(signer, s.settlement, one, s.chain.id) for signer, one in zip(signers, orders, strict=True)]
    proof = receipts.issue(operator, s.settlement, s.chain.id, number, 0, signed)
    given = [as_given(one) for one in orders]
    call = s.settlement.functions.settle(number, given, b"".join(signed), fills, receipts.digest(proof))
    s.chain.send(s.roles["OPERATOR"], call, "settle")
    return proof


@pytest.fixture
def market():
    """A fresh system in which `developers` sells vintage 1 to `companies` and `voluntary`."""
    chain, accounts = chains.embedded()
    system, holders = deploy(chain, accounts), holders_from(accounts)
    settled(system, [Step("2026-01", 0, "issue", "one", 100, "registry", "developers", 50_000),
                     Step("2026-01", 1, "tokenise", "one", 100, "developers", "developers", 50_000)], holders)  # fmt: skip
    for name in ("companies", "voluntary"):
        call = system.rupiah.functions.mint(holders[name].address, 10**9)
        chain.send(system.roles["ISSUER"], call, "rupiah")
    return system, holders


def an_order(system, holders, name, sells, tco2e, nonce=0):
    return Order(holders[name].address, vintage("one"), sells, tco2e, 50_000, nonce, system.chain.now_s + 9_999)


def test_receipts_are_of_the_orders_that_were_settled_and_fills_follow_them(market):
    system, holders = market
    names = ["developers", "companies", "voluntary"]
    orders = [an_order(system, holders, name, name == "developers", 10) for name in names]
    signers, operator = [holders[name] for name in names], system.roles["OPERATOR"]
    verify = lambda found: receipts.verify(found, system.chain, system.settlement)  # noqa: E731

    fair = a_batch(system, holders, orders, [(1, 0, 4, 50_000), (2, 0, 4, 50_000)], signers, operator)
    assert verify(fair) == []
    back = [an_order(system, holders, name, name == "developers", 10, 1) for name in names]
    unfair = a_batch(system, holders, back, [(2, 0, 4, 50_000), (1, 0, 4, 50_000)], signers, operator)
    unfair = [replace(one, batch=1) for one in unfair]
    found = verify([*fair, *unfair])
    assert "batch 1: receipt 0 stands where 3 was due" in found
    assert "batch 1: fill 1 was matched for order 1 after order 2 had arrived" in found


def test_receipts_of_other_orders_or_of_no_operator_are_found(market):
    system, holders = market
    s, orders = (
        system,
        [an_order(system, holders, "developers", True, 10), an_order(system, holders, "companies", False, 10)],
    )
    signers = [holders["developers"], holders["companies"]]
    stranger = holders["traders"]
    signed = [sign(signer, s.settlement, one, s.chain.id) for signer, one in zip(signers, orders, strict=True)]
    other = receipts.issue(s.roles["OPERATOR"], s.settlement, s.chain.id, 0, 0, [b"another order", signed[0]])
    call = s.settlement.functions.settle(0, [as_given(o) for o in orders], b"".join(signed), [], receipts.digest(other))
    s.chain.send(s.roles["OPERATOR"], call, "settle")
    found = receipts.verify(other, s.chain, s.settlement)
    assert found == ["batch 0: its order 1 has no receipt", "batch 0: receipt 0 is of an order that it did not settle"]

    proof = a_batch(s, holders, orders, [], signers, stranger)
    assert (
        sum("who was no operator" in words for words in receipts.verify([*other, *proof], s.chain, s.settlement)) == 2
    )
    grant = s.registry.functions.grantRole(s.registry.functions.OPERATOR().call(), stranger.address)
    s.chain.send(s.admin, grant, "grant")
    late = a_batch(s, holders, orders, [], signers, stranger)
    revoke = s.registry.functions.revokeRole(s.registry.functions.OPERATOR().call(), stranger.address)
    s.chain.send(s.admin, revoke, "revoke")
    after = a_batch(s, holders, orders, [], signers, stranger)
    told = [*other, *proof, *late, *after]
    by_batch = [words.split(":")[0] for words in receipts.verify(told, s.chain, s.settlement) if "no operator" in words]
    assert by_batch == ["batch 1"] * 2 + ["batch 3"] * 2


ORDERS = [(1, 1, 0), (1, 1, 1), (1, 0, 2), (1, 0, 3)]  # two sales, then two purchases


@pytest.mark.parametrize(
    ("fills", "words"),
    [
        ([(2, 0, 50), (2, 1, 50), (3, 1, 60)], []),
        ([(2, 1, 50), (2, 0, 50)], ["fill 1 of order 2 passed over order 0 for order 1"]),
        ([(2, 1, 40), (2, 0, 50)], []),
        ([(2, 0, 50), (2, 1, 40)], ["fill 1 of order 2 passed over order 1 for order 0"]),
        ([(3, 0, 50), (2, 1, 50)], ["fill 1 was matched for order 2 after order 3 had arrived"]),
    ],
)
def test_theory_price_then_time(fills, words):
    assert receipts.out_of_order(ORDERS, fills) == words


def test_a_file_that_holds_no_receipts_is_refused(tmp_path):
    (tmp_path / "file").write_text('{"batch": 1}\n')
    with pytest.raises(ChainError, match=r"file:1: is no receipt"):
        receipts.read(tmp_path / "file")
