"""Every contract refuses what it must, in its own words; each refusal has its permitted neighbour beside it."""

import pytest
from web3.logs import DISCARD

from contracts.chain import ChainError
from contracts.settle import retire
from contracts.words import words


def refused(system, call, who, reason):
    with pytest.raises(ChainError, match=reason):
        system.send(call, who)


def skipped(system, fill):
    """Why the settlement skipped a fill; None where it settled."""
    events = system.settlement.events
    receipt = system.settle([fill])
    why = [words(e["args"]["reason"]) for e in events.Skipped().process_receipt(receipt, errors=DISCARD)]
    assert bool(why) != bool(events.Settled().process_receipt(receipt, errors=DISCARD))
    return why[0] if why else None


def fill(system, buyer="B", seller="A", tco2e=10, price=115_000, bid=115_000, ask=115_000, nonce=1, size=None, **more):
    size = tco2e if size is None else size
    buy = system.order(buyer, True, 1, bid, size, nonce, **more)
    return (1, price, tco2e, buy, system.order(seller, False, 1, ask, size, nonce))


def test_a_permit_mints_once_in_time_and_by_the_registrar_alone(system):
    to, now = system.keys["B"].address, system.chain.now()
    refused(system, system.permit(to, 1, 10, b"M" * 32, 1, now - 1), "issuer", "Credit: permit expired")
    refused(
        system, system.permit(to, 1, 10, b"M" * 32, 1, signer="issuer"), "issuer", "Credit: permit not by registrar"
    )
    refused(system, system.permit(to, 1, 10, b"M" * 32, 1), "operator", "Governed: needs .*issuer")
    refused(system, system.permit(to, 1, 5_001, b"M" * 32, 1), "issuer", "Credit: more than issued")
    refused(system, system.permit(to, 1, 0, b"M" * 32, 1), "issuer", "Credit: nothing to do")
    system.send(system.permit(to, 1, 10, b"M" * 32, 1), "issuer")
    refused(system, system.permit(to, 1, 10, b"M" * 32, 1), "issuer", "Credit: permit used")
    assert system.credit.functions.balanceOf(to, 1).call() == 10


def test_a_vintage_is_issued_once_moves_forward_and_is_minted_when_verified(system):
    fixed = ("p", "solar", "x", "y", bytes(32), "", 5)
    refused(system, system.credit.functions.issue(1, fixed), "issuer", "Credit: already issued")
    refused(system, system.credit.functions.issue(2, fixed), "verifier", "Governed: needs")
    refused(system, system.credit.functions.issue(2, (*fixed[:6], 0)), "issuer", "Credit: nothing to do")
    system.send(system.credit.functions.issue(2, fixed), "issuer")
    refused(system, system.permit(system.keys["A"].address, 2, 5, b"2" * 32, 1), "issuer", "Credit: not verified")
    refused(system, system.credit.functions.move(2, 2), "issuer", "Governed: needs")
    system.send(system.credit.functions.move(2, 2), "verifier")
    refused(system, system.credit.functions.move(2, 1), "verifier", "Credit: status only forward")
    system.send(system.permit(system.keys["A"].address, 2, 5, b"2" * 32, 1), "issuer")


def test_frozen_and_paused_credits_stand_still(system):
    a, b = system.keys["A"].address, system.keys["B"].address
    move = system.credit.functions.safeTransferFrom(a, b, 1, 1, b"")
    cancel = system.credit.functions.cancel(a, 1, 7)
    refused(system, cancel, "regulator", "Credit: frozen")
    refused(system, system.credit.functions.freeze(1, True), "issuer", "Governed: needs")
    system.send(system.credit.functions.freeze(1, True), "regulator")
    refused(system, move, "A", "Credit: frozen")
    refused(system, system.credit.functions.burnForRemint(1, 1), "A", "Credit: frozen")
    refused(system, cancel, "issuer", "Governed: needs")
    system.send(cancel, "regulator")
    assert system.credit.functions.tally(1).call() == [4_993, 0, 7]
    system.send(system.credit.functions.freeze(1, False), "regulator")
    system.send(move, "A")
    system.send(system.registry.functions.pause(), "pauser")
    for call in (move, system.credit.functions.burnForRemint(1, 1)):
        refused(system, call, "A", "Governed: paused")
    refused(system, system.permit(a, 1, 1, b"P" * 32, 1), "issuer", "Governed: paused")
    refused(system, system.settlement.functions.settle(1, [], bytes(32)), "operator", "Governed: paused")
    refused(system, system.registry.functions.unpause(), "pauser", "access control")
    system.send(system.registry.functions.unpause(), "regulator")
    system.send(move, "A")


def test_only_the_vault_retires_and_a_certificate_never_moves(system):
    a, b = system.keys["A"].address, system.keys["B"].address
    refused(system, system.credit.functions.retire(a, 1, 1), "A", "Credit: only vault")
    refused(system, system.credit.functions.setVault(a), "admin", "Credit: vault set")
    refused(system, system.vault.functions.onERC1155Received(a, a, 1, 1, b""), "A", "Vault: only credits")
    batch = system.credit.functions.safeBatchTransferFrom(a, system.vault.address, [1], [1], b"")
    refused(system, batch, "A", "Vault: one vintage at a time")
    retire(system, "A", 1, 100, "PT A", "2025")
    refused(system, system.vault.functions.transferFrom(a, b, 1), "A", "Vault: soul bound")
    refused(system, system.vault.functions.anchor(2, b"d" * 32), "operator", "Vault: no certificate")
    refused(system, system.vault.functions.anchor(1, b"d" * 32), "A", "Governed: needs")
    system.send(system.vault.functions.anchor(1, b"d" * 32), "operator")
    refused(system, system.vault.functions.anchor(1, b"e" * 32), "operator", "Vault: anchored")
    assert system.credit.functions.tally(1).call() == [4_900, 100, 0]


def test_a_fill_stays_within_both_orders(system):
    assert "outside limit" in skipped(system, fill(system, bid=114_999))
    assert "outside limit" in skipped(system, fill(system, ask=115_001))
    assert "expired" in skipped(system, fill(system, expiry=1))
    assert "bad signature" in skipped(system, fill(system, chain_id=1))
    assert "nothing to do" in skipped(system, fill(system, tco2e=0))
    good = fill(system, size=25)
    swapped = (*good[:3], good[4], good[3])
    assert "bad signature" in skipped(system, swapped)
    assert skipped(system, good) is None
    assert skipped(system, good) is None
    assert "over filled" in skipped(system, good)  # 5 of 25 are left
    assert system.settlement.functions.filled(system.keys["B"].address, 1).call() == 20
    system.send(system.settlement.functions.cancel(9), "B")
    assert "over filled" in skipped(system, fill(system, nonce=9))
    assert skipped(system, fill(system, nonce=10)) is None


def test_who_may_trade_how_much(system):
    assert "wash trade" in skipped(system, fill(system, buyer="C"))
    assert "unknown trader" in skipped(system, fill(system, buyer="E"))
    assert "needs verified" in skipped(system, fill(system, buyer="D", tco2e=1_000))
    assert skipped(system, fill(system, buyer="D", tco2e=999)) is None
    assert skipped(system, fill(system, tco2e=1_000, nonce=2)) is None
    poor = fill(system, tco2e=999, price=170_000, bid=170_000, buyer="D", nonce=3)
    system.send(system.money.functions.transfer(system.keys["A"].address, 880_000_000), "D")
    assert "insufficient balance" in skipped(system, poor)
    assert system.settlement.functions.filled(system.keys["A"].address, 3).call() == 0


def test_limits_change_late_and_in_public(system):
    name = b"daily_tco2e".ljust(32, b"\0")
    functions = system.registry.functions
    refused(system, functions.propose(name, 15), "operator", "access control")
    refused(system, functions.propose(b"x".ljust(32, b"\0"), 15), "regulator", "Registry: unknown limit")
    refused(system, functions.propose(name, 0), "regulator", "Registry: unknown limit")
    refused(system, functions.propose(b"fee_bp".ljust(32, b"\0"), 1_001), "regulator", "Registry: limit too high")
    refused(system, functions.enact(name), "A", "Registry: no change waits")
    system.send(functions.propose(name, 15), "regulator")
    refused(system, functions.enact(name), "A", "Registry: too early")
    system.chain.wait(86_401)
    system.send(functions.enact(name), "A")
    assert skipped(system, fill(system)) is None
    assert "daily volume" in skipped(system, fill(system, nonce=2))
    system.chain.wait(86_400)
    assert skipped(system, fill(system, nonce=2)) is None


def test_nobody_mints_and_verifies_and_the_admin_changes_in_two_steps(system):
    functions, roles = (
        system.registry.functions,
        [n.encode().ljust(32, b"\0") for n in ("verifier", "issuer", "registrar")],
    )
    for role, who in ((roles[1], "verifier"), (roles[2], "verifier"), (roles[0], "issuer"), (roles[0], "registrar")):
        refused(system, functions.grantRole(role, system.keys[who].address), "admin", "Registry: verifier cannot mint")
    refused(system, functions.note(system.keys["A"].address, 9, True), "operator", "access control")
    system.send(functions.beginDefaultAdminTransfer(system.keys["A"].address), "admin")
    refused(system, functions.acceptDefaultAdminTransfer(), "A", "access control")
    system.chain.wait(86_401)
    system.send(functions.acceptDefaultAdminTransfer(), "A")
    assert functions.defaultAdmin().call() == system.keys["A"].address


def test_a_batch_comes_once_and_an_invented_fill_halts_nothing(system):
    functions = system.settlement.functions
    refused(system, functions.settle(2, [], bytes(32)), "operator", "Settlement: wrong batch")
    refused(system, functions.settle(1, [], bytes(32)), "A", "Governed: needs")
    refused(system, functions.settleOne(1, fill(system), (9, 9, 9, 9, 9)), "A", "Settlement: not itself")
    refused(system, functions.setReference(1, 5), "regulator", "Settlement: reference set")
    refused(system, functions.setReference(2, 5), "operator", "Governed: needs")
    refused(system, functions.setReference(2, 0), "regulator", "Settlement: nothing to do")
    assert "no reference" in skipped(system, (2, *fill(system)[1:]))
    assert "outside limit" in skipped(system, fill(system, price=500_000))
    assert functions.market(1).call()[3] == 0
    assert skipped(system, fill(system, price=172_499, bid=172_499)) is None
    assert "price jump" in skipped(system, fill(system, price=57_500, ask=57_500, nonce=2))
    assert "halted" in skipped(system, fill(system, nonce=3))


def test_waste_is_credited_once_a_receipt_and_within_the_day(system):
    a, expiry = system.keys["A"].address, system.chain.now() + 1_000

    def collect(kg, nonce, expiry=expiry, bank="operator"):
        message = {"person": a, "kg": kg, "nonce": nonce, "expiry": expiry}
        signature = system.sign("Receipt", message, system.keys[bank])
        return system.waste.functions.collect(a, kg, nonce, expiry, signature)

    refused(system, collect(10, 1, 1), "A", "Waste: receipt expired")
    refused(system, collect(10, 1, bank="A"), "A", "Waste: receipt not by bank")
    refused(system, collect(0, 1), "A", "Waste: nothing to do")
    refused(system, collect(51, 1), "A", "Waste: daily cap")
    system.send(collect(30, 1), "A")
    refused(system, collect(30, 1), "A", "Waste: receipt used")
    refused(system, collect(21, 2), "A", "Waste: daily cap")
    refused(system, system.waste.functions.redeem(0, "x"), "A", "Waste: nothing to do")
    refused(system, system.waste.functions.redeem(31, "x"), "A", "insufficient balance")
    system.send(system.waste.functions.redeem(30, "voucher"), "A")
    assert system.waste.functions.totalSupply().call() == 0


def test_a_piece_is_sold_once_and_conservation_has_its_share(system):
    a, b = system.keys["A"].address, system.keys["B"].address
    system.send(system.money.functions.approve(system.tourism.address, 10**9), "B")
    had = system.money.functions.balanceOf(a).call()
    refused(system, system.tourism.functions.offer(a, 1_000, bytes(32)), "A", "Governed: needs")
    refused(system, system.tourism.functions.offer(a, 0, bytes(32)), "operator", "Tourism: nothing to do")
    refused(system, system.tourism.functions.buy(1), "B", "Tourism: not offered")
    system.send(system.tourism.functions.offer(a, 1_000, bytes(32)), "operator")
    system.send(system.tourism.functions.buy(1), "B")
    refused(system, system.tourism.functions.buy(1), "B", "Tourism: not offered")
    treasury = system.keys["treasury"].address
    assert system.money.functions.balanceOf(a).call() == had + 800
    assert system.money.functions.balanceOf(treasury).call() == 200
    assert system.tourism.functions.ownerOf(1).call() == b
    assert system.tourism.functions.royaltyInfo(1, 1_000).call() == [treasury, 50]


def test_an_invoice_is_paid_once_and_refunded_once(system):
    for who in ("A", "B"):
        system.send(system.money.functions.approve(system.payments.address, 10**9), who)
    had = system.money.functions.balanceOf(system.keys["B"].address).call()
    functions = system.payments.functions
    refused(system, functions.issue(0), "A", "Umkm: nothing to do")
    refused(system, functions.pay(1), "B", "Umkm: not open")
    system.send(functions.issue(500), "A")
    refused(system, functions.refund(1), "A", "Umkm: not paid")
    system.send(functions.pay(1), "B")
    assert system.money.functions.balanceOf(system.keys["B"].address).call() == had - 500
    refused(system, functions.pay(1), "B", "Umkm: not open")
    refused(system, functions.refund(1), "B", "Umkm: not yours")
    system.send(functions.refund(1), "A")
    refused(system, functions.refund(1), "A", "Umkm: not paid")
    assert system.money.functions.balanceOf(system.keys["B"].address).call() == had


def test_money_is_minted_by_the_operator_alone(system):
    refused(system, system.money.functions.mint(system.keys["A"].address, 5), "A", "Governed: needs")
