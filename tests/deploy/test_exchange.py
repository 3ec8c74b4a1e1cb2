"""The exchange through its API: orders, mechanisms outside the book, credits; what comes out is worked out by hand."""

import pytest

from twin.carbon.mechanisms.rules import rules

X = "/v1/exchange"


def order(side="sell", price_idr=58_800, lots=10, kind="limit") -> dict:
    return {"side": side, "kind": kind, "price_idr": price_idr, "lots": lots}


def account(market, who) -> dict:
    return market.ok(who, "GET", f"{X}/account")


def must_add_up(market) -> None:
    assert market.ok("the-exchange", "GET", f"{X}/audit")["faults"] == []


def test_a_trade_moves_tonnes_money_and_fees(market):
    market.ok("andi", "POST", f"{X}/orders", order(lots=30))
    placed = market.ok("budi", "POST", f"{X}/orders", order("buy", 59_000, 10))
    assert [(one["price_idr"], one["lots"]) for one in placed["trades"]] == [(58_800, 10)]
    assert placed["order"]["state"] == "filled"
    fee = rules("regular").fee_idr(58_800, 10)
    assert fee == 647  # 0.11 % of 588,000 is 646.8
    assert account(market, "andi")["cash_idr"] == 588_000 - fee
    budi = account(market, "budi")
    assert (budi["cash_idr"], budi["tokens"]) == (100_000_000 - 588_000 - fee, 10)
    assert account(market, "andi")["free_tokens"] == 1000 - 30
    must_add_up(market)


def test_a_resting_bid_keeps_its_money_until_it_is_cancelled(market):
    placed = market.ok("budi", "POST", f"{X}/orders", order("buy", 58_800, 100))
    kept = 58_800 * 100 + rules("regular").fee_idr(58_800, 100) + 100
    assert account(market, "budi")["free_idr"] == 100_000_000 - kept
    market.ok("budi", "DELETE", f"{X}/orders/{placed['order']['order']}")
    assert account(market, "budi")["free_idr"] == 100_000_000
    assert market("budi", "DELETE", f"{X}/orders/{placed['order']['order']}").status_code == 409


@pytest.mark.parametrize(("who", "wanted", "reason"), [
    ("budi", order("sell"), "not_covered"),
    ("budi", order("buy", 58_800, 100_000), "not_enough_money"),
    ("andi", order("sell", 100_000), "outside_collar"),
    ("andi", order("sell", 58_801), "off_tick"),
    ("andi", order("sell", 0), "bad_price"),
    ("andi", order("sell", 58_800, 10, "fok"), "not_fillable"),
])  # fmt: skip
def test_what_the_book_refuses_changes_nothing(market, who, wanted, reason):
    before = account(market, who)
    answer = market(who, "POST", f"{X}/orders", wanted)
    assert (answer.status_code, answer.json()["reason"]) == (409, reason)
    assert account(market, who) == before


def test_nobody_trades_with_themselves(market):
    market.ok("andi", "POST", f"{X}/orders", order(lots=10))
    market.ok("the-exchange", "POST", f"{X}/deposits", {"member": "andi", "amount_idr": 1_000_000})
    placed = market.ok("andi", "POST", f"{X}/orders", order("buy", 58_800, 5))
    assert placed["trades"] == []
    states = [one["state"] for one in market.ok("andi", "GET", f"{X}/orders")]
    assert states == ["cancelled", "open"]
    assert account(market, "andi")["free_tokens"] == 1000
    must_add_up(market)


def test_the_same_key_does_the_same_thing_once(market):
    first = market.ok("andi", "POST", f"{X}/orders", order(lots=10), key="only-once")
    again = market.ok("andi", "POST", f"{X}/orders", order(lots=10), key="only-once")
    assert again == first
    assert account(market, "andi")["free_tokens"] == 990
    other = market("andi", "POST", f"{X}/orders", order(lots=11), key="only-once")
    assert (other.status_code, other.json()["reason"]) == (409, "key_reused")


def test_a_retirement_gives_a_certificate_that_anybody_can_check(market):
    made = market.ok("andi", "POST", f"{X}/retirements", {"tco2e": 7, "beneficiary": "PT Hijau", "purpose": "2026"})
    (one,) = made["certificates"]
    assert (one["tco2e"], one["batch"], one["beneficiary"]) == (7, "solar-1", "PT Hijau")
    assert market.ok(None, "GET", f"{X}/certificates/{one['certificate']}") == one
    assert market(None, "GET", f"{X}/certificates/{'0' * 64}").status_code == 404
    assert account(market, "andi")["tokens"] == 993
    assert market("andi", "POST", f"{X}/retirements", {"tco2e": 994}).status_code == 409
    must_add_up(market)


def test_promised_tokens_cannot_be_retired_or_sold_again(market):
    market.ok("andi", "POST", f"{X}/orders", order(lots=600))
    market.ok("andi", "POST", f"{X}/listings", {"price_idr": 60_000, "lots": 300})
    assert account(market, "andi")["free_tokens"] == 100
    assert market("andi", "POST", f"{X}/retirements", {"tco2e": 101}).json()["reason"] == "not_enough_tokens"
    assert market("andi", "POST", f"{X}/orders", order(lots=101)).json()["reason"] == "not_covered"
    must_add_up(market)


def test_an_auction_clears_at_one_price(market):
    auction = market.ok("the-exchange", "POST", f"{X}/auctions", {"title": "Lelang"})["auction"]
    bids = f"{X}/auctions/{auction}/bids"
    market.ok("andi", "POST", bids, {"side": "sell", "price_idr": 55_000, "lots": 50})
    market.ok("budi", "POST", bids, {"side": "buy", "price_idr": 60_000, "lots": 20})
    assert account(market, "andi")["free_tokens"] == 950
    closed = market.ok("the-exchange", "POST", f"{X}/auctions/{auction}/close")
    assert (closed["price_idr"], closed["volume"], closed["state"]) == (55_000, 20, "closed")
    fee = rules("auction").fee_idr(55_000, 20)
    assert account(market, "budi")["cash_idr"] == 100_000_000 - 1_100_000 - fee
    assert account(market, "andi")["free_tokens"] == 980
    assert (
        market("andi", "POST", bids, {"side": "sell", "price_idr": 1, "lots": 1}).json()["reason"] == "auction_closed"
    )
    must_add_up(market)


def test_a_price_beyond_the_breaker_halts_the_auction(market):
    auction = market.ok("the-exchange", "POST", f"{X}/auctions", {"title": "Lelang"})["auction"]
    bids = f"{X}/auctions/{auction}/bids"
    market.ok("andi", "POST", bids, {"side": "sell", "price_idr": 90_000, "lots": 5})
    market.ok("budi", "POST", bids, {"side": "buy", "price_idr": 90_000, "lots": 5})
    closed = market.ok("the-exchange", "POST", f"{X}/auctions/{auction}/close")
    assert (closed["state"], closed["volume"]) == ("halted", 0)  # 53 % above 58,800
    assert account(market, "budi")["free_idr"] == 100_000_000


def test_a_deal_needs_both_sides_with_the_same_terms(market):
    terms = {"price_idr": 57_501, "lots": 40}  # the negotiated market's tick is one rupiah
    waits = market.ok("andi", "POST", f"{X}/deals", {"side": "sell", "counterparty": "budi", **terms})
    assert waits == {"state": "waits for the other side", "trade": None}
    other = market("budi", "POST", f"{X}/deals", {"side": "buy", "counterparty": "andi", **terms, "lots": 41})
    assert other.json()["reason"] == "terms_differ"
    done = market.ok("budi", "POST", f"{X}/deals", {"side": "buy", "counterparty": "andi", **terms})
    assert done["state"] == "done"
    assert account(market, "budi")["tokens"] == 40
    must_add_up(market)


def test_a_listing_is_taken_in_parts_and_withdrawn(market):
    listing = market.ok("andi", "POST", f"{X}/listings", {"price_idr": 58_000, "lots": 100})["listing"]
    took = market.ok("budi", "POST", f"{X}/listings/{listing}/take", {"lots": 30})
    assert took["listing"]["lots"] == 70
    assert market("budi", "POST", f"{X}/listings/{listing}/take", {"lots": 71}).json()["reason"] == "sold_out"
    assert market("budi", "DELETE", f"{X}/listings/{listing}").status_code == 404  # not theirs
    market.ok("andi", "DELETE", f"{X}/listings/{listing}")
    assert account(market, "andi")["free_tokens"] == 970
    assert market.ok("budi", "GET", f"{X}/listings") == []
    must_add_up(market)


def test_a_halt_lets_orders_be_cancelled_only(market):
    placed = market.ok("andi", "POST", f"{X}/orders", order())
    market.ok("the-exchange", "POST", f"{X}/session", {"session": "halted"})
    assert market("andi", "POST", f"{X}/orders", order()).json()["reason"] == "market_halted"
    market.ok("andi", "DELETE", f"{X}/orders/{placed['order']['order']}")


def test_a_new_day_ends_orders_and_looks_for_manipulation(market):
    market.ok("the-exchange", "POST", f"{X}/deposits", {"member": "andi", "amount_idr": 1_000_000})
    for lots in (60, 60):  # the same tonnes back and forth: a wash trade of two
        market.ok("andi", "POST", f"{X}/orders", order(lots=lots))
        market.ok("budi", "POST", f"{X}/orders", order("buy", 58_800, lots))
        market.ok("budi", "POST", f"{X}/orders", order("sell", 58_800, lots))
        market.ok("andi", "POST", f"{X}/orders", order("buy", 58_800, lots))
    resting = market.ok("andi", "POST", f"{X}/orders", order(price_idr=60_000))["order"]["order"]
    day = market.ok("the-exchange", "POST", f"{X}/day")
    assert day == {"day": 2, "session": "open", "reference_idr": 58_800}
    assert account(market, "andi")["free_tokens"] == 1000
    assert market("andi", "DELETE", f"{X}/orders/{resting}").status_code == 404
    alerts = market.ok("the-exchange", "GET", f"{X}/alerts")
    assert [(one["type"], one["accounts"]) for one in alerts] == [("coordinated", ["andi", "budi"])]
    (candle,) = market.ok("andi", "GET", f"{X}/days")
    assert (candle["volume"], candle["trades"], candle["close_idr"]) == (240, 4, 58_800)
    must_add_up(market)


def test_candles_and_trades_tell_no_names(market):
    market.ok("andi", "POST", f"{X}/orders", order(lots=5))
    market.ok("budi", "POST", f"{X}/orders", order("buy", 0, 5, "market"))
    (trade,) = market.ok("budi", "GET", f"{X}/trades")
    assert "andi" not in str(trade)
    (candle,) = market.ok("budi", "GET", f"{X}/candles?minutes=1440")
    assert (candle["open_idr"], candle["volume"], candle["value_idr"]) == (58_800, 5, 294_000)


def test_the_feed_tells_trades_and_takes_orders(market):
    headers = {"Authorization": f"Bearer {market.tokens['budi']}"}
    with market.client.websocket_connect(f"{X}/feed", headers=headers) as socket:
        market.ok("andi", "POST", f"{X}/orders", order(lots=5))
        socket.send_json({"do": "place", "key": "over-the-socket", "args": order("buy", 58_800, 5)})
        told = [socket.receive_json(), socket.receive_json()]
        assert {one["event"] for one in told} == {"market", "answer"}
        answer = next(one for one in told if one["event"] == "answer")
        assert (answer["status"], answer["order"]["state"]) == (200, "filled")
        socket.send_json({"do": "cancel", "key": "over-the-socket-2", "args": {"order": answer["order"]["order"]}})
        assert socket.receive_json()["status"] == 409
