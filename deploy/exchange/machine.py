"""Commands carried out: the same commands in the same order give the same exchange, to the bit.

A command says who, when, what, and under which idempotency key. What was done under a key is remembered until the end
of the next trading day: the same command again gets the same answer, another one under that key is refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deploy.exchange import credits, orders, outside
from deploy.exchange.state import Auction, Body, Exchange, Offer, RefusedError
from twin.carbon.credits.ledger import Ledger
from twin.errors import LedgerError

log = logging.getLogger("deploy.exchange")
COMMANDS: Mapping[str, Callable[[Exchange, str, str, Body], Body]] = {
    "join": credits.join, "deposit": credits.deposit, "withdraw": credits.withdraw, "issue": credits.issue,
    "tokenise": credits.tokenise, "remint": credits.remint, "retire": credits.retire,
    "place": orders.place, "cancel": orders.cancel, "session": orders.set_session,
    "new_day": orders.new_day, "adopt": orders.adopt,
    "open_auction": outside.open_auction, "bid": outside.bid, "close_auction": outside.close_auction,
    "report_deal": outside.report_deal, "list": outside.list_offer, "take": outside.take_offer,
    "unlist": outside.withdraw_offer,
}  # fmt: skip
KEPT = ("names", "cash", "promised_idr", "tokens", "promised_tco2e", "holdings", "deposited_idr", "withdrawn_idr",
        "certificates", "rules", "next_rules", "history", "alerts", "trades_made", "last_at")  # fmt: skip


@dataclass(frozen=True)
class Command:
    """What somebody wants."""

    do: str
    by: str
    at: str
    key: str
    args: Body

    @property
    def digest(self) -> str:
        """What is the same in a command that is sent again."""
        return hashlib.sha256(json.dumps([self.do, self.args], sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Result:
    """What became of it; `again` where it was done before, under the same key."""

    status: int
    body: Body
    again: bool = False


def answered(x: Exchange, command: Command) -> Result | None:
    """The answer that a command under this key got before; None for a new key."""
    kept = x.seen.get(f"{command.by}/{command.key}") if command.key else None
    if kept is None:
        return None
    if kept[0] != command.digest:
        return Result(409, {"reason": "key_reused", "detail": "another request was made under this idempotency key"})
    return Result(kept[1], kept[2], again=True)


def carry_out(x: Exchange, command: Command) -> Result:
    """Carry a command out; a refused one changes nothing but that its key is taken."""
    if (before := answered(x, command)) is not None:
        return before
    x.last_at = command.at
    try:
        result = Result(200, COMMANDS[command.do](x, command.by, command.at, command.args))
    except RefusedError as error:
        result = Result(error.status, {"reason": error.reason, "detail": error.detail})
    except LedgerError as error:
        result = Result(409, {"reason": "ledger", "detail": str(error)})
    except Exception:  # written down already: it must have one outcome, now and in every replay
        log.exception("a command failed", extra={"do": command.do, "by": command.by})
        result = Result(500, {"reason": "fault", "detail": "this should not have happened; the log says more"})
    if command.key:
        x.seen[f"{command.by}/{command.key}"] = (command.digest, result.status, result.body, x.day)
    return result


def snapshot(x: Exchange) -> dict[str, Any]:
    """Everything at the begin of a day, as JSON data; the day's book is empty then."""
    return {
        **{name: getattr(x, name) for name in KEPT},
        "day": x.day, "reference_idr": x.reference_idr, "seen": x.seen, "ledger": x.ledger.state(),
        "auctions": [asdict(one) for one in x.auctions.values()],
        "listings": [asdict(one) for one in x.listings.values()],
    }  # fmt: skip


def restored(state: dict[str, Any]) -> Exchange:
    """The exchange of a snapshot."""
    x = Exchange()
    for name in KEPT:
        setattr(x, name, state[name])
    x.numbers = {name: number for number, name in enumerate(x.names)}
    x.ledger = Ledger.restored(state["ledger"])
    x.seen = {key: tuple(kept) for key, kept in state["seen"].items()}
    x.auctions = {
        one["number"]: Auction(**{**one, **{side: [tuple(row) for row in one[side]] for side in ("bids", "offers")}})
        for one in state["auctions"]
    }
    x.listings = {one["number"]: Offer(**one) for one in state["listings"]}
    x.day = state["day"] - 1
    x.next_rules, later = [], x.next_rules
    x.begin_day(state["reference_idr"])
    x.next_rules = later
    return x
