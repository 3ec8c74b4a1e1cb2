"""Commands of the regular market: place and cancel orders, halt, open and close, begin a new day."""

from __future__ import annotations

from dataclasses import asdict

from deploy.exchange.candles import candle
from deploy.exchange.state import Body, Exchange, Order, RefusedError, rules_of
from twin.carbon.engine.codes import Kind, Reason, Session, Side
from twin.carbon.mechanisms.regular import collar_ticks
from twin.carbon.protection.detect import of_day

KINDS = {"limit": Kind.LIMIT, "market": Kind.MARKET, "ioc": Kind.IOC, "fok": Kind.FOK, "post_only": Kind.POST_ONLY}
SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def place(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Put an order into the book; what crosses trades at once, price and then time first."""
    member, side, lots = x.member(by), args["side"], args["lots"]
    price_idr = args["price_idr"] if args["kind"] != "market" else 0
    if side == "buy":
        highest = price_idr or collar_ticks(x.reference_idr, x.market.rules)[1] * x.market.tick_idr
        x.must_afford(member, x.cost_idr(highest, lots))
    report = x.market.submit(KINDS[args["kind"]], SIDES[side], price_idr, lots, -1, member)
    if report.seq >= 0:
        x.noted.reasons.append(report.reason)
    if report.reason:
        reason = Reason(report.reason).name.lower()
        raise RefusedError(reason, f"the book refused the order: {reason.replace('_', ' ')}")
    order = x.orders[report.seq] = Order(report.seq, member, side, args["kind"], price_idr, lots, at)
    x.orders_of.setdefault(member, []).append(order)
    trades = [_filled(x, order, x.orders[maker], level, part, at) for _, maker, level, part in report.fills]
    x.noted.fills += report.fills
    x.settle_order(order)
    other = "sell" if side == "buy" else "buy"
    if x.stopped_own(member, other):
        for own in [one for one in x.open_orders[member].values() if one.side == other]:
            x.settle_order(own)
    return {"order": order_body(x, order), "trades": trades}


def _filled(x: Exchange, taker: Order, maker: Order, level: int, lots: int, at: str) -> Body:
    buy, sell = (taker, maker) if taker.side == "buy" else (maker, taker)
    taker.filled += lots
    maker.filled += lots
    trade = x.deliver(
        x.market.rules, buy.member, sell.member, level * x.market.tick_idr, lots, at, taker.side,
        (buy.number, sell.number),
    )  # fmt: skip
    x.settle_order(maker)
    return {"number": trade.number, "price_idr": trade.price_idr, "lots": lots}


def cancel(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Take an own order out of the book."""
    member = x.member(by)
    day, _, number = args["order"].partition("-")
    order = x.orders.get(int(number)) if int(day) == x.day else None
    if order is None or order.member != member:
        raise RefusedError("unknown_order", f"order {args['order']}: there is none of yours today", 404)
    report = x.market.submit(Kind.CANCEL, 0, 0, 0, order.number, member)
    x.noted.reasons.append(report.reason)
    if report.reason:
        raise RefusedError("not_resting", f"order {args['order']}: is {order.state}")
    x.settle_order(order)
    return {"order": order_body(x, order)}


def set_session(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Halt, resume or close the regular market; resting orders stay, and may be cancelled in a halt."""
    x.market.book.control("session", Session[args["session"].upper()])
    x.events.append({"event": "session", "at": at, "session": x.session, "day": x.day})
    return {"day": x.day, "session": x.session, "reference_idr": x.reference_idr}


def new_day(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Close the day (what rests is cancelled), look for manipulation, and open the next day's book."""
    regular = [trade for trade in x.trades if trade.mechanism == "regular"]
    close_idr = regular[-1].price_idr if regular else x.reference_idr
    if x.noted.commands:
        x.alerts += [{**asdict(alert), "accounts": [x.names[one] for one in alert.accounts]}
                     for alert in of_day(x.day_log())]  # fmt: skip
    if x.trades:
        x.history.append({"day": x.day, **candle(x.trades)})
    x.seen = {key: kept for key, kept in x.seen.items() if kept[3] >= x.day - 1}
    x.begin_day(close_idr)
    x.events.append({"event": "session", "at": at, "session": x.session, "day": x.day})
    return {"day": x.day, "session": x.session, "reference_idr": x.reference_idr}


def adopt(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Take a release's rules: from the next day on, or at once while nobody has been a member yet."""
    try:
        rules_of(args["rules"])
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError("bad_rules", f"the release's market rules cannot be used: {error}") from error
    x.next_rules = args["rules"]
    if len(x.names) == 1:
        x.day -= 1
        x.begin_day(args["reference_idr"] or x.reference_idr)
    return {"day": x.day, "in_force": x.rules == args["rules"]}


def order_body(x: Exchange, order: Order) -> Body:
    """An order as its owner sees it."""
    return {
        "order": f"{x.day}-{order.number}", "side": order.side, "kind": order.kind, "price_idr": order.price_idr,
        "lots": order.lots, "filled": order.filled, "state": order.state, "at": order.at,
    }  # fmt: skip
