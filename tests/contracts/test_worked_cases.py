"""The source book's worked cases, end to end on the embedded chain."""

from chain_desk import A, B, C, order, refused, rupiah, send, settle, skipped, tonnes
from eth_abi.abi import encode
from web3 import Web3

from contracts.audit import audit_chain
from contracts.gas import ID


def test_a_tonne_is_traded_re_minted_retired_and_protected_as_the_book_tells(held):
    b, s = held, held.system
    a, buyer = b.traders[A], b.traders[B]

    # A offers 100 t at 120,000 and B bids 110,000; they give way to each other and report 115,000.
    before_a, before_b = rupiah(b, a.address), rupiah(b, buyer.address)
    receipt = settle(b, [order(b, B, False, 100, 115_000), order(b, A, True, 100, 115_000)], [(0, 1, 100, 115_000)])
    assert not skipped(b, receipt)
    assert (tonnes(b, A), tonnes(b, B)) == (900, 100)
    fee = 100 * 115_000 * 1_000 // 1_000_000  # the book's 0.1 %
    assert rupiah(b, buyer.address) == before_b - 11_500_000
    assert rupiah(b, a.address) == before_a + 11_500_000 - fee
    assert rupiah(b, s.admin.address) == fee

    # A burns 50 t; IDXCarbon gives the units back.
    send(b, a, s.credits.functions.remint(ID, 50))
    assert [log["args"]["amount"] for log in s.credits.events.Remint().get_logs(from_block=0)] == [50]

    # B retires its 100 t and gets a certificate that says for whom and why, and that nobody can take from it.
    data = encode(["string", "string"], ["SMK Panggul", "a year of lamps"])
    send(b, buyer, s.credits.functions.safeTransferFrom(buyer.address, s.vault.address, ID, 100, data))
    holder, _, vintage, amount, beneficiary, reason = s.vault.functions.retirement(1).call()
    assert (holder, vintage, amount) == (buyer.address, ID, 100)
    assert (beneficiary, reason) == ("SMK Panggul", "a year of lamps")
    assert s.vault.functions.ownerOf(1).call() == buyer.address
    with refused("cannot be handed on"):
        send(b, buyer, s.vault.functions.transferFrom(buyer.address, a.address, 1))
    assert tonnes(b, B) == 0

    # A jump of more than 50 % against the reference of 100,000 halts the vintage for an hour, and is remembered.
    orders = [order(b, B, False, 10, 200_000, 1), order(b, A, True, 10, 100_000, 1)]
    assert skipped(b, settle(b, orders, [(0, 1, 10, 151_000), (0, 1, 10, 115_000)])) == [2, 1]
    assert skipped(b, settle(b, orders, [(0, 1, 10, 115_000)])) == [1]
    s.chain.advance(3_601)
    assert not skipped(b, settle(b, orders, [(0, 1, 10, 115_000)]))

    # A and C belong to one owner: their trade is cancelled.
    for trader in (A, C):
        owner = Web3.keccak(text="one owner")[:31]
        participant = s.registry.functions.setParticipant(b.traders[trader].address, owner, True)
        send(b, s.roles["VERIFIER"], participant)
    orders = [order(b, C, False, 10, 115_000, 2), order(b, A, True, 10, 115_000, 2)]
    assert skipped(b, settle(b, orders, [(0, 1, 10, 115_000)])) == [5]
    assert tonnes(b, C) == 0

    # Anybody can prove from events alone that no tonne was lost or counted twice.
    found = audit_chain(s.chain, s.credits.address)
    assert found.as_json() == {
        "conserved": True, "issued": 1_000, "tokens": 850, "spe_grk": 50, "retired": 100, "cancelled": 0, "alerts": [],
    }  # fmt: skip
