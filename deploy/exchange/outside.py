"""Commands outside the book: auctions, deals that two members report, listings of the marketplace."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from deploy.exchange.state import Auction, Body, Exchange, Offer, RefusedError
from twin.carbon.mechanisms.auction import clear
from twin.carbon.mechanisms.negotiated import Deal, Listing, Refusal, Terms, report

JAKARTA = timezone(timedelta(hours=7))


def open_auction(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Begin a call."""
    auction = Auction(len(x.auctions) + 1, args["title"])
    x.auctions[auction.number] = auction
    return auction_body(auction)


def bid(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Bid in an auction (`buy`), or offer tokens (`sell`); what is promised is kept until it closes."""
    member, auction = x.member(by), _auction(x, args["auction"])
    price_idr, lots = args["price_idr"], args["lots"]
    own, other = (auction.bids, auction.offers) if args["side"] == "buy" else (auction.offers, auction.bids)
    if any(one[0] == member for one in other):
        raise RefusedError("both_sides", "whoever bids in an auction does not offer in it, and the other way round")
    if price_idr < x.rules_of["auction"].floor_idr or price_idr % x.rules_of["auction"].tick_idr:
        raise RefusedError("bad_price", "below the floor or off tick")
    if args["side"] == "buy":
        x.must_afford(member, x.cost_idr(price_idr, lots, "auction"))
        x.promised_idr[member] += x.cost_idr(price_idr, lots, "auction")
    else:
        x.must_hold(member, lots)
        _promise(x, member, lots)
    own.append((member, price_idr, lots, at))
    return auction_body(auction)


def close_auction(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Clear a call at one price; what was promised and not traded is free again."""
    auction = _auction(x, args["auction"])
    columns = [np.array([one[i] for one in side], np.int64) for side in (auction.bids, auction.offers) for i in (1, 2)]
    cleared = clear(*columns)
    for member, price_idr, lots, _ in auction.bids:
        x.promised_idr[member] -= x.cost_idr(price_idr, lots, "auction")
    for member, _, lots, _ in auction.offers:
        _promise(x, member, -lots)
    auction.state = "closed"
    if cleared.price_idr is None:
        return auction_body(auction)
    volume = int(cleared.bought.sum())
    if refusal := x.gates["auction"].refusal(cleared.price_idr, volume, _minute(at)):
        auction.state = str(refusal)
        return auction_body(auction)
    auction.price_idr, auction.volume = cleared.price_idr, volume
    buys = [[one[0], int(lots)] for one, lots in zip(auction.bids, cleared.bought, strict=True) if lots]
    sells = [[one[0], int(lots)] for one, lots in zip(auction.offers, cleared.sold, strict=True) if lots]
    while buys:
        lots = min(buys[0][1], sells[0][1])
        x.deliver(x.rules_of["auction"], buys[0][0], sells[0][0], cleared.price_idr, lots, at)
        for side in (buys, sells):
            side[0][1] -= lots
            if side[0][1] == 0:
                side.pop(0)
    return auction_body(auction)


def report_deal(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Report one's side of a deal; it is done when both have reported the same terms."""
    member, other = x.member(by), x.member(args["counterparty"])
    buyer, seller = (member, other) if args["side"] == "buy" else (other, member)
    reports = x.reports.setdefault((buyer, seller), {})
    terms = {"price_idr": args["price_idr"], "lots": args["lots"]}
    theirs = reports.get("sell" if args["side"] == "buy" else "buy", terms)
    found = report(x.gates["negotiated"], Terms(buyer, seller, **terms), Terms(buyer, seller, **theirs), _minute(at))
    _must_be(found)
    if len({*reports, args["side"]}) < 2:
        reports[args["side"]] = terms
        return {"state": "waits for the other side", "trade": None}
    _afford(x, buyer, seller, terms["price_idr"], terms["lots"], "negotiated")
    del x.reports[buyer, seller]
    return {"state": "done", "trade": x.deliver(x.rules_of["negotiated"], buyer, seller, **terms, at=at).number}


def list_offer(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Offer tokens at a fixed price; they are kept until somebody takes them or they are withdrawn."""
    member = x.member(by)
    if args["price_idr"] < x.rules_of["marketplace"].floor_idr:
        raise RefusedError("bad_price", "below the floor")
    x.must_hold(member, args["lots"])
    _promise(x, member, args["lots"])
    offer = Offer(max(x.listings, default=0) + 1, member, args["price_idr"], args["lots"], at)
    x.listings[offer.number] = offer
    return listing_body(x, offer)


def take_offer(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Buy from a listing."""
    member, offer, lots = x.member(by), _listing(x, args["listing"]), args["lots"]
    gate = x.gates["marketplace"]
    listing = Listing(offer.member, offer.price_idr, offer.lots)
    x.must_afford(member, x.cost_idr(offer.price_idr, lots, "marketplace"))
    _must_be(listing.take(gate, member, lots, _minute(at)))
    offer.lots = listing.lots
    _promise(x, offer.member, -lots)
    trade = x.deliver(x.rules_of["marketplace"], member, offer.member, offer.price_idr, lots, at)
    return {"trade": trade.number, "listing": listing_body(x, offer)}


def withdraw_offer(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Take an own listing back."""
    offer = _listing(x, args["listing"])
    if offer.member != x.member(by):
        raise RefusedError("unknown_listing", f"listing {args['listing']}: there is none of yours", 404)
    _promise(x, offer.member, -offer.lots)
    offer.lots = 0
    return listing_body(x, offer)


def auction_body(auction: Auction) -> Body:
    """An auction as everybody sees it: sealed while it is open."""
    return {
        "auction": auction.number, "title": auction.title, "state": auction.state, "bids": len(auction.bids),
        "offers": len(auction.offers), "price_idr": auction.price_idr, "volume": auction.volume,
    }  # fmt: skip


def listing_body(x: Exchange, offer: Offer) -> Body:
    """A listing as everybody sees it."""
    return {
        "listing": offer.number, "seller": x.names[offer.member], "price_idr": offer.price_idr, "lots": offer.lots,
        "at": offer.at,
    }  # fmt: skip


def _auction(x: Exchange, number: int) -> Auction:
    found = x.auctions.get(number)
    if found is None:
        raise RefusedError("unknown_auction", f"auction {number}: there is none", 404)
    if found.state != "open":
        raise RefusedError("auction_closed", f"auction {number}: is {found.state}")
    return found


def _listing(x: Exchange, number: int) -> Offer:
    found = x.listings.get(number)
    if found is None or found.lots == 0:
        raise RefusedError("unknown_listing", f"listing {number}: there is none", 404)
    return found


def _promise(x: Exchange, member: int, lots: int) -> None:
    x.promised_tco2e[member] += lots
    x.show_book(member)


def _afford(x: Exchange, buyer: int, seller: int, price_idr: int, lots: int, mechanism: str) -> None:
    x.must_afford(buyer, x.cost_idr(price_idr, lots, mechanism))
    x.must_hold(seller, lots)


def _must_be(found: Deal | Refusal) -> None:
    if isinstance(found, Refusal):
        raise RefusedError(found.name.lower(), str(found))


def _minute(at: str) -> int:
    """Minute of the day in Trenggalek."""
    local = datetime.fromisoformat(at).astimezone(JAKARTA)
    return 60 * local.hour + local.minute
