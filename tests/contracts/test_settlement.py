"""Settlement: within both signatures, both sides or none, once; what protection stops is skipped and remembered."""

import pytest
from chain_desk import A, B, C, order, refused, rupiah, send, settle, skipped, tonnes
from web3 import Web3

from contracts.gas import ID

P = 100_000


def pair(b, quantity=10, price=P, nonce=0, **other):
    return [order(b, B, False, quantity, price, nonce, **other), order(b, A, True, quantity, price, nonce, **other)]


def test_partial_fills_add_up_and_an_order_is_never_overfilled(held):
    b = held
    orders = pair(b)
    settle(b, orders, [(0, 1, 4, P), (0, 1, 3, P)])
    assert b.system.settlement.functions.filled(b.traders[A].address, 0).call() == 7
    for fills in ([(0, 1, 4, P)], [(0, 1, 2, P), (0, 1, 2, P)]):
        with refused("SettlementOverfilled"):
            settle(b, orders, fills)
    settle(b, orders, [(0, 1, 3, P)])
    assert (tonnes(b, A), tonnes(b, B)) == (990, 10)
    assert b.system.settlement.functions.filled(b.traders[B].address, 0).call() == 10


@pytest.mark.parametrize("seller_short", [True, False])
def test_each_order_bounds_its_own_side(held, seller_short):
    b = held
    sizes = (20, 5) if seller_short else (5, 20)
    orders = [order(b, B, False, sizes[0], P), order(b, A, True, sizes[1], P)]
    with refused("SettlementOverfilled"):
        settle(b, orders, [(0, 1, 6, P)])
    assert tonnes(b, B) == 0


def test_nonces_of_one_word_do_not_touch_each_other(held):
    b, f = held, held.system.settlement.functions
    for nonce in (0, 1, 7, 8):
        settle(b, pair(b, 10, P, nonce), [(0, 1, nonce + 1, P)])
    assert [f.filled(b.traders[A].address, n).call() for n in (0, 1, 2, 7, 8)] == [1, 2, 0, 8, 9]
    send(b, b.traders[A], f.cancelOrder(1))
    assert [f.filled(b.traders[A].address, n).call() for n in (0, 1, 2, 7, 8)] == [1, 2**32 - 1, 0, 8, 9]
    with refused("SettlementOverfilled"):
        settle(b, pair(b, 10, P, 1), [(0, 1, 1, P)])


def test_a_price_outside_either_limit_reverts(held):
    b = held
    orders = [order(b, B, False, 10, 101_000), order(b, A, True, 10, 99_000)]
    for price in (101_001, 98_999):
        with refused("SettlementLimit"):
            settle(b, orders, [(0, 1, 1, price)])
    settle(b, orders, [(0, 1, 1, 101_000), (0, 1, 1, 99_000)])
    assert tonnes(b, B) == 2
    with refused("SettlementLimit"):
        settle(b, [order(b, B, False, 1, 5, 1), order(b, A, True, 1, 0, 1)], [(0, 1, 1, 0)])


def test_a_fill_joins_a_buy_and_a_sell_of_one_vintage(held):
    b = held
    buy, sell = pair(b)
    other = order(b, A, True, 10, P, 1, id=2)
    for orders, fill in (
        ([buy, sell], (1, 0, 1, P)), ([buy, sell], (0, 0, 1, P)), ([buy, sell], (1, 1, 1, P)),
        ([buy, sell], (0, 1, 0, P)), ([buy, other], (0, 1, 1, P)),
    ):  # fmt: skip
        with refused("SettlementMismatch"):
            settle(b, orders, [fill])
    assert tonnes(b, B) == 0


def test_only_the_traders_own_signature_for_this_contract_and_chain_counts(held):
    b, s = held, held.system
    orders = pair(b)
    with refused("SettlementSignature"):
        settle(b, orders, [(0, 1, 1, P)], signers=[b.traders[B], b.traders[C]])
    with refused("SettlementSignature"):
        settle(b, orders, [(0, 1, 1, P)], chain_id=1)
    with refused("SettlementSignature"):
        settle(b, orders, [(0, 1, 1, P)], contract=s.waste)
    with refused("SettlementExpired"):
        settle(b, pair(b, expiry=s.chain.now_s - 1), [(0, 1, 1, P)])
    settle(b, orders, [(0, 1, 1, P)])
    assert tonnes(b, B) == 1


def test_a_batch_settles_once_in_order_by_the_operator_while_nothing_is_paused(held):
    b, s = held, held.system
    orders = pair(b)
    with refused("SettlementBatch"):
        settle(b, orders, [(0, 1, 1, P)], batch=1)
    with refused("NotAllowed"):
        settle(b, orders, [(0, 1, 1, P)], sender=b.traders[A])
    settle(b, orders, [(0, 1, 1, P)])
    anchor = s.settlement.functions.anchor().call()
    assert anchor == Web3.keccak(b"\0" * 32 + b"\1" * 32)
    with refused("SettlementBatch"):
        settle(b, orders, [(0, 1, 1, P)], batch=0)
    send(b, s.roles["PAUSER"], s.registry.functions.pause())
    with refused("IsPaused"):
        settle(b, orders, [(0, 1, 1, P)])
    with refused("SettlementSelf"):
        send(b, b.traders[A], s.settlement.functions.exchange(b.traders[B].address, b.traders[A].address, ID, 0, 9, 0))
    assert tonnes(b, B) == 1


@pytest.mark.parametrize("price", [150_001, 49_999])
def test_the_breaker_skips_remembers_and_lets_the_rest_of_the_batch_wait(held, price):
    b, s = held, held.system
    orders = [order(b, B, False, 10, 200_000), order(b, A, True, 10, 1)]
    assert skipped(b, settle(b, orders, [(0, 1, 1, price), (0, 1, 1, P)])) == [2, 1]
    halt = s.settlement.events.Halted().get_logs(from_block=0)[-1]["args"]
    assert (halt["price"], halt["referencePrice"]) == (price, P)
    assert halt["until"] == s.chain.now_s + 3_600
    s.chain.advance(3_500)
    assert skipped(b, settle(b, orders, [(0, 1, 1, P)])) == [1]
    s.chain.advance(200)
    assert skipped(b, settle(b, orders, [(0, 1, 1, P)])) == []
    assert tonnes(b, B) == 1


@pytest.mark.parametrize("price", [150_000, 50_000])
def test_a_move_of_just_the_breaker_trades_as_in_the_python_gate(held, price):
    from twin.carbon.mechanisms.negotiated import Gate
    from twin.carbon.mechanisms.rules import rules

    b = held
    orders = [order(b, B, False, 10, 200_000), order(b, A, True, 10, 1)]
    assert skipped(b, settle(b, orders, [(0, 1, 1, price)])) == []
    assert Gate(rules("negotiated"), P).refusal(price, 1, 600) is None


def test_the_reference_is_the_day_befores_last_price(held):
    b, s = held, held.system
    orders = [order(b, B, False, 99, 900_000), order(b, A, True, 99, 1)]
    assert skipped(b, settle(b, orders, [(0, 1, 1, 140_000), (0, 1, 1, 150_001)])) == [2]
    s.chain.advance(86_400)
    assert skipped(b, settle(b, orders, [(0, 1, 1, 205_000)])) == []
    assert s.settlement.functions.market(ID).call()[:2] == [140_000, 205_000]


def test_a_vintage_needs_a_reference_that_the_regulator_gives_once(b):
    s = b.system
    b.mint(b.traders[A].address, 10, "one")
    with refused("SettlementReference"):
        send(b, s.roles["REGULATOR"], s.settlement.functions.setReference(ID, 5))
    with refused("SettlementReference"):
        send(b, s.roles["REGULATOR"], s.settlement.functions.setReference(2, 0))
    with refused("NotAllowed"):
        send(b, s.roles["OPERATOR"], s.settlement.functions.setReference(2, 5))
    orders = [order(b, B, False, 1, P, id=2), order(b, A, True, 1, P, id=2)]
    assert skipped(b, settle(b, orders, [(0, 1, 1, P)])) == [6]


def limited(b, cap, large):
    s = b.system
    send(b, s.roles["REGULATOR"], s.registry.functions.proposeLimits((cap, large, 1_000, 50, 3_600)))
    s.chain.advance(2 * 86_400 + 1)
    send(b, s.roles["REGULATOR"], s.registry.functions.applyLimits())


def test_the_days_cap_counts_every_fill_and_is_new_the_next_day(held):
    b = held
    limited(b, 10, 100)
    orders = pair(b, 40)
    assert skipped(b, settle(b, orders, [(0, 1, 6, P), (0, 1, 5, P), (0, 1, 4, P)])) == [3]
    assert skipped(b, settle(b, orders, [(0, 1, 1, P)])) == [3]
    b.system.chain.advance(86_400)
    assert skipped(b, settle(b, orders, [(0, 1, 10, P)])) == []
    assert tonnes(b, B) == 20


def test_only_two_verified_traders_trade_large(held):
    b, s = held, held.system
    limited(b, 1_000, 10)
    orders = pair(b, 40)
    assert skipped(b, settle(b, orders, [(0, 1, 10, P), (0, 1, 11, P)])) == [4]
    for trader, expected in ((A, [4]), (B, [])):
        call = s.registry.functions.setParticipant(b.traders[trader].address, bytes([trader + 1]) * 31, True)
        send(b, s.roles["VERIFIER"], call)
        assert skipped(b, settle(b, orders, [(0, 1, 11, P)])) == expected
    assert tonnes(b, B) == 21


def test_one_owner_does_not_trade_with_itself(held):
    b, s = held, held.system
    same = [order(b, A, False, 5, P), order(b, A, True, 5, P, 1)]
    assert skipped(b, settle(b, same, [(0, 1, 1, P)])) == [5]
    assert s.settlement.functions.filled(b.traders[A].address, 0).call() == 0


@pytest.mark.parametrize("what", ["no credits", "no money", "no approval", "frozen"])
def test_who_cannot_deliver_fails_alone_and_both_sides_stay(held, what):
    b, s = held, held.system
    seller = order(b, C if what == "no credits" else A, True, 10, P, 0)
    orders = [order(b, B, False, 10, P), seller, *pair(b, 10, P, 1)]
    if what == "no money":
        balance = rupiah(b, b.traders[B].address)
        send(b, b.traders[B], s.rupiah.functions.transfer(s.admin.address, balance - P))
    if what == "no approval":
        send(b, b.traders[A], s.credits.functions.setApprovalForAll(s.settlement.address, False))
    if what == "frozen":
        send(b, s.roles["REGULATOR"], s.credits.functions.setStatus(ID, 3))
    money = rupiah(b, b.traders[B].address)
    fails_all = what in ("no approval", "frozen")
    expected = [7, 7] if fails_all else [7]
    assert skipped(b, settle(b, orders, [(0, 1, 2, P), (2, 3, 1, P)])) == expected
    assert s.settlement.functions.filled(b.traders[B].address, 0).call() == 0
    assert s.settlement.functions.filled(seller.trader, 0).call() == 0
    assert tonnes(b, B) == (0 if fails_all else 1)
    assert rupiah(b, b.traders[B].address) == money - (0 if fails_all else P)
    assert s.settlement.functions.market(ID).call()[3] == (0 if fails_all else 1)


def test_fees_round_down_and_sum_to_what_the_treasury_has(held):
    b = held
    treasury = b.system.admin.address
    orders = [order(b, B, False, 100, 200_000), order(b, A, True, 100, 1)]
    before = [rupiah(b, b.traders[t].address) for t in (A, B)]
    settle(b, orders, [(0, 1, 1, 99_999), (0, 1, 3, 100_333)])
    fee = 99 + 300
    assert rupiah(b, treasury) == fee
    value = 99_999 + 3 * 100_333
    assert rupiah(b, b.traders[A].address) == before[0] + value - fee
    assert rupiah(b, b.traders[B].address) == before[1] - value


def delegate(b, trader, code: str) -> None:
    """Give a trader's own account a contract's code (EIP-7702): it then gets the hooks of what it is paid."""
    s, eth = b.system, b.system.chain.web3.eth
    nonce = eth.get_transaction_count(trader.address)
    allowed = trader.sign_authorization({"chainId": s.chain.id, "address": code, "nonce": nonce})
    tx = {
        "to": s.admin.address, "value": 0, "nonce": eth.get_transaction_count(s.admin.address), "gas": 100_000,
        "chainId": s.chain.id, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "data": b"",
        "authorizationList": [allowed],
    }  # fmt: skip
    eth.wait_for_transaction_receipt(eth.send_raw_transaction(s.admin.sign_transaction(tx).raw_transaction))
    s.chain.nonces.clear()
    assert eth.get_code(trader.address)


def test_an_operator_who_trades_cannot_settle_from_inside_a_fill(held):
    b, s = held, held.system
    hostile = s.chain.deploy(s.admin, "HostileReceiver")
    delegate(b, b.traders[B], hostile.address)
    send(b, s.admin, s.registry.functions.grantRole(s.registry.functions.OPERATOR().call(), b.traders[B].address))
    inner = s.settlement.encode_abi("settle", [1, [], b"", [], b"\2" * 32])
    buyer = s.chain.at("HostileReceiver", b.traders[B].address)
    send(b, s.admin, buyer.functions.aim(s.settlement.address, inner))
    settle(b, pair(b), [(0, 1, 10, P)])
    assert tonnes(b, B) == 10
    assert (buyer.functions.tried().call(), buyer.functions.succeeded().call()) == (1, 0)
    assert s.settlement.functions.batches().call() == 1
    send(b, b.traders[B], s.settlement.functions.settle(1, [], b"", [], b"\2" * 32))  # alone it may
