"""Once a month: an auction of new credits, and the marketplace where the village projects list theirs."""

from __future__ import annotations

import numpy as np

from twin.carbon.mechanisms.auction import clear
from twin.carbon.mechanisms.negotiated import Deal, Gate, Listing
from twin.carbon.mechanisms.rules import rules
from twin.carbon.traders.market import OPEN_MIN, CarbonMarket

OFFERED = 0.1  # of each developer's stock; prior
PREMIUM = 1.1  # of the reference that a local listing asks; prior


def auction(market: CarbonMarket) -> list[Deal]:
    """Developers offer a part of their stock, companies bid for a part of their need; one price for all."""
    rng, r = market.chance, rules("auction")
    developers, companies = market.groups["developers"], market.groups["companies"]
    need = companies.memory["need"]
    bidders = np.flatnonzero((rng.random(companies.n) < 0.2) & (need >= 10))
    bid_lots = np.floor(need[bidders] * 0.5).astype(np.int64)
    bid_idr = np.minimum(
        companies.memory["wtp_idr"][bidders], market.reference_idr * rng.uniform(0.9, 1.05, len(bidders))
    ).astype(np.int64)
    ask_lots = np.floor(market.position[developers.accounts] * OFFERED).astype(np.int64)
    ask_idr = np.maximum(developers.memory["cost_idr"], market.reference_idr * 0.9).astype(np.int64)
    cleared = clear(bid_idr, bid_lots, ask_idr, ask_lots)
    if cleared.price_idr is None or Gate(r, int(market.reference_idr)).refusal(cleared.price_idr, 1, OPEN_MIN):
        return []
    deals = list[Deal]()
    sellers = [(int(a), int(t)) for a, t in zip(developers.accounts, cleared.sold, strict=True) if t > 0]
    for buyer, lots in zip(companies.accounts[bidders], cleared.bought, strict=True):
        while lots > 0:
            seller, left = sellers[0]
            part = min(int(lots), left)
            deals.append(Deal(int(buyer), seller, cleared.price_idr, part, r.fee_idr(cleared.price_idr, part)))
            lots -= part
            sellers[0] = (seller, left - part)
            if part == left:
                sellers.pop(0)
    return deals


def marketplace(market: CarbonMarket) -> list[Deal]:
    """The regency's projects list their stock at a fixed price; corporates that want to offset take some."""
    seller, voluntary = market.groups["trenggalek"].first, market.groups["voluntary"]
    stock, rng = int(market.position[seller]), market.chance
    if stock < 1:
        return []
    listing, gate = (
        Listing(seller, int(market.reference_idr * PREMIUM), stock),
        Gate(rules("marketplace"), int(market.reference_idr)),
    )
    deals = []
    for i in rng.permutation(voluntary.n)[: max(1, voluntary.n // 10)]:
        lots = int(min(voluntary.memory["need"][i], listing.lots, 20))
        if lots >= 1 and voluntary.memory["wtp_idr"][i] >= listing.price_idr:
            deal = listing.take(gate, int(voluntary.accounts[i]), lots, OPEN_MIN + int(rng.integers(0, 300)))
            deals += [deal] if isinstance(deal, Deal) else []
    return deals
