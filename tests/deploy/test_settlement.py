"""The exchange's log settled on the embedded chain: both sides agree, and settling again does nothing twice."""

from deploy.exchange.chain import Chain
from deploy.exchange.settlement import Settler

X = "/v1/exchange"


def test_the_log_is_settled_and_agrees(market):
    order = {"side": "sell", "kind": "limit", "price_idr": 58_800, "lots": 30}
    market.ok("andi", "POST", f"{X}/orders", order)
    market.ok("andi", "POST", f"{X}/orders", {**order, "price_idr": 58_850})
    market.ok("budi", "POST", f"{X}/orders", {**order, "side": "buy", "price_idr": 58_850, "lots": 40})
    market.ok("budi", "POST", f"{X}/retirements", {"tco2e": 7, "purpose": "2026"})
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
