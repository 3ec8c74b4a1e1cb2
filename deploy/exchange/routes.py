"""The exchange's API. Reading is free to whoever is logged in; what changes money or credits needs a role and a key."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, WebSocket
from pydantic import ValidationError

from deploy.app.accounts import Identity
from deploy.app.auth import IdempotencyKey, Who, having
from deploy.app.fields import Taken
from deploy.app.nesting import loads
from deploy.app.problems import ALWAYS, ProblemError, documented, missing
from deploy.app.roles import Role
from deploy.exchange import schemas as s
from deploy.exchange.candles import candles
from deploy.exchange.credits import account_body
from deploy.exchange.feed import POLICY_VIOLATION, Feed
from deploy.exchange.orders import order_body
from deploy.exchange.outside import auction_body, listing_body
from deploy.exchange.settlement import STATUS
from deploy.exchange.state import Body, Exchange, RefusedError
from deploy.exchange.writer import Writer
from twin.carbon.mechanisms.regular import collar_ticks

router = APIRouter(prefix="/v1/exchange", tags=["exchange"], responses={**ALWAYS, **documented(409)})
Trader = Annotated[Identity, having(Role.TRADER)]
Operator = Annotated[Identity, having(Role.EXCHANGE)]
Verifier = Annotated[Identity, having(Role.VERIFIER)]
Number = Annotated[int, Path(ge=1, le=2**31)]
ORDER = r"^[0-9]{1,6}-[0-9]{1,9}$"
OrderId = Annotated[str, Path(pattern=ORDER, examples=["1-17"])]
TOKEN_WITHIN_S = 5.0


def writer_of(request: Request | WebSocket) -> Writer:
    """The app's writer."""
    found: Writer = request.app.state.writer
    return found


def _exchange(request: Request) -> Exchange:
    return writer_of(request).exchange


def _own(x: Exchange, who: Identity) -> int:
    try:
        return x.member(who.name)
    except RefusedError as error:
        raise ProblemError(error.status, error.detail, error.reason) from error


@router.post("/orders", response_model=s.Placed)
async def place(request: Request, who: Trader, key: IdempotencyKey, order: s.NewOrder) -> Any:
    """Place an order; the answer comes when it is durable."""
    return await writer_of(request).do("place", who.name, key, order.model_dump())


@router.get("/book", response_model=s.BookView)
async def book(request: Request, who: Who, levels: Annotated[int, Query(ge=1, le=50)] = 10) -> Any:
    """The best prices of both sides, the day's limits, and whether the market is open."""
    x = _exchange(request)
    low, high = collar_ticks(x.reference_idr, x.market.rules)
    tick = x.market.tick_idr
    return {
        "day": x.day, "session": x.session, "reference_idr": x.reference_idr, "tick_idr": tick, "low_idr": low * tick,
        "high_idr": high * tick, **x.depth(levels),
    }  # fmt: skip


@router.get("/trades", response_model=list[s.Traded])
async def trades(request: Request, who: Who, last: Annotated[int, Query(ge=1, le=1000)] = 100) -> Any:
    """The day's last trades, newest last, without names."""
    return [
        {name: getattr(trade, name) for name in s.Traded.model_fields} for trade in _exchange(request).trades[-last:]
    ]


@router.get("/candles", response_model=list[s.Candle])
async def get_candles(request: Request, who: Who, minutes: Annotated[int, Query(ge=1, le=1440)] = 5) -> Any:
    """The day's regular trades as candles."""
    return candles([one for one in _exchange(request).trades if one.mechanism == "regular"], minutes)


@router.get("/days", response_model=list[s.Candle])
async def days(request: Request, who: Who) -> Any:
    """A candle of every day that is over and had trades."""
    return _exchange(request).history


@router.post("/account", response_model=s.ExchangeAccount)
async def join(request: Request, who: Trader, key: IdempotencyKey) -> Any:
    """Open an own account; who has one keeps it."""
    return await writer_of(request).do("join", who.name, key, {})


@router.get("/account", response_model=s.ExchangeAccount)
async def account(request: Request, who: Trader) -> Any:
    """Own money, tokens and registry units."""
    x = _exchange(request)
    return account_body(x, _own(x, who))


@router.get("/orders", response_model=list[s.Order])
async def orders(
    request: Request, who: Trader, only_open: bool = False, last: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Any:
    """Own orders of the day, newest last."""
    x = _exchange(request)
    member = _own(x, who)
    if only_open:
        return [order_body(x, one) for one in list(x.open_orders.get(member, {}).values())[-last:]]
    return [order_body(x, one) for one in x.orders_of.get(member, [])[-last:]]


@router.delete("/orders/{order}", response_model=s.Cancelled)
async def cancel(request: Request, who: Trader, key: IdempotencyKey, order: OrderId) -> Any:
    """Cancel an own order that rests."""
    return await writer_of(request).do("cancel", who.name, key, {"order": order})


@router.post("/tokens", response_model=s.ExchangeAccount)
async def tokenise(request: Request, who: Trader, key: IdempotencyKey, of: s.OfBatch) -> Any:
    """Lock own registry units and get tokens, which trade here."""
    return await writer_of(request).do("tokenise", who.name, key, of.model_dump())


@router.post("/tokens/remint", response_model=s.ExchangeAccount)
async def remint(request: Request, who: Trader, key: IdempotencyKey, of: s.OfBatch) -> Any:
    """Burn own free tokens and get registry units back."""
    return await writer_of(request).do("remint", who.name, key, of.model_dump())


@router.post("/retirements", response_model=s.Certificates)
async def retire(request: Request, who: Trader, key: IdempotencyKey, of: s.Retire) -> Any:
    """Use own tokens up for good; gives the certificates of the offset."""
    return await writer_of(request).do("retire", who.name, key, of.model_dump())


@router.get("/certificates", response_model=list[s.Certificate])
async def own_certificates(request: Request, who: Trader) -> Any:
    """Own certificates."""
    return [one for one in _exchange(request).certificates.values() if one["holder"] == who.name]


@router.get("/certificates/{certificate}", response_model=s.Certificate)
async def certificate(request: Request, certificate: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> Any:
    """A certificate by its name, for anybody who was shown one."""
    found = _exchange(request).certificates.get(certificate)
    if found is None:
        raise missing("certificate")
    return found


@router.get("/auctions", response_model=list[s.AuctionView])
async def auctions(request: Request, who: Who) -> Any:
    """All auctions."""
    return [auction_body(one) for one in _exchange(request).auctions.values()]


@router.post("/auctions", response_model=s.AuctionView)
async def open_auction(request: Request, who: Operator, key: IdempotencyKey, auction: s.NewAuction) -> Any:
    """Begin an auction."""
    return await writer_of(request).do("open_auction", who.name, key, auction.model_dump())


@router.post("/auctions/{auction}/bids", response_model=s.AuctionView)
async def bid(request: Request, who: Trader, key: IdempotencyKey, auction: Number, bid: s.Bid) -> Any:
    """Bid, or offer tokens; what is promised is kept until the auction closes."""
    return await writer_of(request).do("bid", who.name, key, {"auction": auction, **bid.model_dump()})


@router.post("/auctions/{auction}/close", response_model=s.AuctionView)
async def close_auction(request: Request, who: Operator, key: IdempotencyKey, auction: Number) -> Any:
    """Clear an auction at one price."""
    return await writer_of(request).do("close_auction", who.name, key, {"auction": auction})


@router.post("/deals", response_model=s.DealState)
async def report_deal(request: Request, who: Trader, key: IdempotencyKey, deal: s.DealReport) -> Any:
    """Report one's side of a negotiated deal; both sides must report the same terms."""
    return await writer_of(request).do("report_deal", who.name, key, deal.model_dump())


@router.get("/listings", response_model=list[s.ListingView])
async def listings(request: Request, who: Who) -> Any:
    """What the marketplace offers at fixed prices."""
    x = _exchange(request)
    return [listing_body(x, one) for one in x.listings.values() if one.lots]


@router.post("/listings", response_model=s.ListingView)
async def list_offer(request: Request, who: Trader, key: IdempotencyKey, listing: s.NewListing) -> Any:
    """Offer own tokens at a fixed price."""
    return await writer_of(request).do("list", who.name, key, listing.model_dump())


@router.post("/listings/{listing}/take", response_model=s.Took)
async def take(request: Request, who: Trader, key: IdempotencyKey, listing: Number, take: s.Take) -> Any:
    """Buy from a listing."""
    return await writer_of(request).do("take", who.name, key, {"listing": listing, **take.model_dump()})


@router.delete("/listings/{listing}", response_model=s.ListingView)
async def unlist(request: Request, who: Trader, key: IdempotencyKey, listing: Number) -> Any:
    """Take an own listing back."""
    return await writer_of(request).do("unlist", who.name, key, {"listing": listing})


@router.post("/deposits", response_model=s.ExchangeAccount)
async def deposit(request: Request, who: Operator, key: IdempotencyKey, money: s.Money) -> Any:
    """A member's money arrived at the bank."""
    return await writer_of(request).do("deposit", who.name, key, money.model_dump())


@router.post("/withdrawals", response_model=s.ExchangeAccount)
async def withdraw(request: Request, who: Operator, key: IdempotencyKey, money: s.Money) -> Any:
    """A member's free money was paid out."""
    return await writer_of(request).do("withdraw", who.name, key, money.model_dump())


@router.post("/issues", response_model=s.ExchangeAccount)
async def issue(request: Request, who: Verifier, key: IdempotencyKey, of: s.Issue) -> Any:
    """Credit verified reductions to a member, a batch once."""
    return await writer_of(request).do("issue", who.name, key, of.model_dump())


@router.post("/session", response_model=s.SessionView)
async def set_session(request: Request, who: Operator, key: IdempotencyKey, session: s.NewSession) -> Any:
    """Open, halt or close the regular market."""
    return await writer_of(request).do("session", who.name, key, session.model_dump())


@router.post("/day", response_model=s.SessionView)
async def new_day(request: Request, who: Operator, key: IdempotencyKey) -> Any:
    """End the trading day: surveillance looks at it, what rests is cancelled, a new book begins."""
    return await writer_of(request).do("new_day", who.name, key, {})


@router.get("/alerts", response_model=list[s.AlertView])
async def alerts(request: Request, who: Operator) -> Any:
    """What surveillance found on the days that are over."""
    return _exchange(request).alerts[-1000:]


@router.get("/audit", response_model=s.AuditView)
async def audit(request: Request, who: Operator) -> Any:
    """Whether money and tonnes add up."""
    writer = writer_of(request)
    return {"faults": writer.exchange.faults(), "commands_today": writer.lines - 1, "log_sha256": writer.log_sha256,
            "totals": writer.exchange.ledger.totals()}  # fmt: skip


@router.get("/settlement", response_model=s.SettlementView)
def settlement(request: Request, who: Operator) -> Any:
    """How far the settlement worker is, and where chain and log differ."""
    path = request.app.state.settings.data / STATUS
    if not path.is_file():
        raise missing("settlement: `python -m deploy settle` has not run")
    return json.loads(path.read_text(encoding="utf-8"))


MESSAGES: dict[str, type[Taken] | None] = {"place": s.NewOrder, "cancel": None, "retire": s.Retire}


async def _message(writer: Writer, who: Identity, wanted: Any) -> Body:
    """Answer `{"do": "place", "key": …, "args": …}` of a feed; `cancel` takes `{"order": …}`."""
    key = wanted.get("key") if isinstance(wanted, dict) else None
    do = wanted.get("do") if isinstance(wanted, dict) else None
    if not isinstance(do, str) or do not in MESSAGES or not isinstance(key, str) or not 8 <= len(key) <= 64:
        return {"event": "answer", "key": None, "status": 422, "detail": "do: place, cancel or retire; key; args"}
    if not who.may(Role.TRADER):
        return {"event": "answer", "key": key, "status": 403, "detail": "this is for traders"}
    try:
        model = MESSAGES[do]
        args = model.model_validate(wanted.get("args")).model_dump() if model else _order_of(wanted.get("args"))
        return {"event": "answer", "key": key, "status": 200, **await writer.do(do, who.name, key, args)}
    except ValidationError as error:
        return {"event": "answer", "key": key, "status": 422, "detail": error.errors()[0]["msg"]}
    except ProblemError as error:
        return {"event": "answer", "key": key, "status": error.status, "reason": error.reason, "detail": error.detail}


def _order_of(args: Any) -> Body:
    order = args.get("order") if isinstance(args, dict) else None
    if not isinstance(order, str) or not re.fullmatch(ORDER, order):
        raise ProblemError(422, "order: as it was given, day-number", "input_at_fault")
    return {"order": order}


@router.websocket("/feed")
async def feed(socket: WebSocket) -> None:
    """Events of the market, and orders. A browser, which cannot set headers, sends `{"token": …}` first."""
    await socket.accept()
    token = socket.headers.get("authorization", "").partition(" ")[2] or await _introduced(socket)
    accounts, writer = socket.app.state.accounts, writer_of(socket)
    who = accounts.remembered(token) or await asyncio.to_thread(accounts.fetched, token)
    if who is None:
        await socket.close(POLICY_VIOLATION, "a valid token is needed")
        return
    served: Feed = socket.app.state.feed

    async def answer(_: Identity, wanted: Any) -> Body:
        now = accounts.remembered(token)  # it may have ended meanwhile
        if now is None:
            return {"event": "answer", "key": None, "status": 401, "detail": "the token has ended"}
        return await _message(writer, now, wanted)

    await served.serve(socket, who, answer)


async def _introduced(socket: WebSocket) -> str:
    """The token of the first message; empty for anything else."""
    try:
        token = loads(await asyncio.wait_for(socket.receive_text(), TOKEN_WITHIN_S))["token"]
    except Exception:  # silence, junk, or gone: all the same to us
        return ""
    return token if isinstance(token, str) else ""
