"""What each thing costs in gas, measured on the embedded chain with real token transfers and fees."""

from __future__ import annotations

from typing import Any

from contracts.chain import connect, known_key
from contracts.market import System, deploy
from contracts.settle import retire

TRADERS = 100
PRICE_IDR = 115_000
TARGETS = {"settle 32 fills, a fill": 90_000, "settle 32 fills, one taker, a fill": 65_000}


def report() -> list[dict[str, Any]]:
    """Rows of what, gas and target. Traders are new in the first rounds; the rows with targets are of active ones."""
    buyers, sellers = ([f"{side}{i}" for i in range(TRADERS)] for side in ("buyer", "seller"))
    system = deploy(connect(), known_key, (*buyers, *sellers, "taker"))
    for number, who in enumerate((*buyers, *sellers, "taker"), 1):
        system.join(who, number, True, 10**9)
    system.issue(1, "forest", 10**6)
    system.send(system.settlement.functions.setReference(1, PRICE_IDR), "regulator")
    gas = {}
    for number, who in enumerate(sellers):
        to = system.keys[who].address
        minted = system.send(system.permit(to, 1, 1_000, number.to_bytes(32, "big"), 1 + 1_000 * number), "issuer")
    gas["mint"] = minted["gasUsed"]
    gas["settle 1 fill, new traders"] = _fills(system, 0, buyers[:1], sellers[:1])
    gas["settle 32 fills, new traders, a fill"] = _fills(system, 0, buyers[1:33], sellers[1:33])
    gas["settle 32 fills, one new taker, a fill"] = _fills(system, 0, ["taker"], sellers[33:65])
    _fills(system, 0, buyers[33:66], sellers[65:98])
    _fills(system, 1, buyers[66:100], sellers[:34])
    _fills(system, 2, buyers[:34], sellers[66:100])
    gas["settle 1 fill"] = _fills(system, 3, buyers[:1], sellers[:1])
    gas["settle 10 fills, a fill"] = _fills(system, 4, buyers[:10], sellers[:10])
    gas["settle 32 fills, a fill"] = _fills(system, 5, buyers[:32], sellers[:32])
    gas["settle 32 fills, one taker, a fill"] = _fills(system, 6, ["taker"], sellers[:32])
    holder, other = buyers[0], system.keys["buyer1"].address
    arguments = (system.keys[holder].address, other, 1, 1, b"")
    gas["transfer"] = system.send(system.credit.functions.safeTransferFrom(*arguments), holder)["gasUsed"]
    gas["retire, with certificate"] = retire(system, holder, 1, 1, "buyer 0", "2026")["gasUsed"]
    gas["burn for re-mint"] = system.send(system.credit.functions.burnForRemint(1, 1), holder)["gasUsed"]
    return [{"what": what, "gas": used, "target": TARGETS.get(what)} for what, used in gas.items()]


def _fills(system: System, nonce: int, buyers: list[str], sellers: list[str]) -> int:
    """Gas a fill of a batch of ten-tonne fills; a single buyer's one order is taken by all sellers."""
    tco2e = 10
    if len(buyers) < len(sellers):
        one = system.order(buyers[0], True, 1, PRICE_IDR, tco2e * len(sellers), nonce)
        bids = [one] * len(sellers)
    else:
        bids = [system.order(who, True, 1, PRICE_IDR, tco2e, nonce) for who in buyers]
    asks = [system.order(who, False, 1, PRICE_IDR, tco2e, nonce) for who in sellers]
    fills = [(1, PRICE_IDR, tco2e, bid, ask) for bid, ask in zip(bids, asks, strict=True)]
    receipt = system.settle(fills)
    if system.settlement.events.Skipped().get_logs(from_block=receipt["blockNumber"]):
        raise AssertionError("a fill was skipped: its gas says nothing")
    return int(receipt["gasUsed"]) // len(fills)
