"""The source book's worked cases, from issue to certificate, as one story; theory by hand."""

from contracts.audit import audit_chain
from contracts.settle import retire


def test_the_books_worked_cases(system):
    a, b = system.keys["A"].address, system.keys["B"].address
    tonnes = lambda who: system.credit.functions.balanceOf(who, 1).call()  # noqa: E731
    rupiah = lambda who: system.money.functions.balanceOf(who).call()  # noqa: E731
    had_a, had_b = rupiah(a), rupiah(b)

    # A asks, B bids, they meet at 115,000: 100 tonnes for 11.5 million, 0.11 % of fee from each.
    ask, bid = system.order("A", False, 1, 110_000, 100, 1), system.order("B", True, 1, 120_000, 100, 1)
    system.settle([(1, 115_000, 100, bid, ask)], b"receipts".ljust(32, b"\0"))
    fee = 12_650
    assert (tonnes(a), tonnes(b)) == (4_900, 100)
    assert (rupiah(a), rupiah(b)) == (had_a + 11_500_000 - fee, had_b - 11_500_000 - fee)
    assert rupiah(system.keys["treasury"].address) == 2 * fee
    assert system.settlement.functions.anchored(1).call() == b"receipts".ljust(32, b"\0")

    # B burns 50, and IDXCarbon is told to give the units back under a number that it consumes once.
    system.send(system.credit.functions.burnForRemint(1, 50), "B")
    assert system.credit.functions.reminted().call() == 1
    assert tonnes(b) == 50

    # A retires 100 and holds a certificate of it.
    retire(system, "A", 1, 100, "PT A", "emissions of 2025")
    record = system.vault.functions.retirement(1).call()
    assert (record[0], record[2], record[4], record[5]) == (a, 100, "PT A", "emissions of 2025")
    assert system.vault.functions.ownerOf(1).call() == a

    # A 50 % jump is not settled, and halts the vintage: the halt is remembered.
    ask, bid = system.order("A", False, 1, 1, 10, 2), system.order("B", True, 1, 200_000, 10, 2)
    system.settle([(1, 172_500, 10, bid, ask)])
    assert system.settlement.functions.market(1).call()[3] > system.chain.now()
    system.settle([(1, 115_000, 10, bid, ask)])
    assert tonnes(b) == 50
    system.chain.wait(3_601)
    system.settle([(1, 115_000, 10, bid, ask)])
    assert tonnes(b) == 60

    # A and C are one owner: their trade is refused.
    wash = system.order("A", False, 1, 1, 10, 3), system.order("C", True, 1, 200_000, 10, 3)
    system.settle([(1, 115_000, 10, wash[1], wash[0])])
    assert tonnes(system.keys["C"].address) == 0

    audit = audit_chain(system.chain, system.credit.address)
    assert audit.document == {
        "conserved": True, "issued": 10_000, "tokens": 4_850, "spe_grk": 5_050, "retired": 100, "cancelled": 0,
        "alerts": [],
    }  # fmt: skip
