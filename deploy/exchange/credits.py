"""Commands about members, money and credits: joining, deposits, issuing, tokens, retirement with its certificate."""

from __future__ import annotations

from deploy.exchange.state import MOST_MEMBERS, Body, Exchange, RefusedError


def join(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Open an account; who has one keeps it."""
    if by not in x.numbers:
        if len(x.names) == MOST_MEMBERS:
            raise RefusedError("full", f"the exchange has {MOST_MEMBERS} members, and room for no more")
        x.numbers[by] = len(x.names)
        x.names.append(by)
        for column in (x.cash, x.promised_idr, x.tokens, x.promised_tco2e, x.reserved_idr, x.buying, x.selling):
            column.append(0)
        x.holdings.append({})
        x.show_book(x.numbers[by])
    return account_body(x, x.numbers[by])


def deposit(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Money of a member arrived at the exchange's bank account."""
    member = x.member(args["member"])
    x.cash[member] += args["amount_idr"]
    x.deposited_idr += args["amount_idr"]
    return account_body(x, member)


def withdraw(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Money of a member was paid out."""
    member = x.member(args["member"])
    x.must_afford(member, args["amount_idr"])
    x.cash[member] -= args["amount_idr"]
    x.withdrawn_idr += args["amount_idr"]
    return account_body(x, member)


def issue(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Credit verified reductions to a member as registry units; a batch is issued once."""
    member = x.member(args["member"])
    x.ledger.issue(args["member"], args["batch"], args["tco2e"])
    return account_body(x, member)


def tokenise(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Lock own registry units and get as many tokens, which trade here."""
    member = x.member(by)
    x.ledger.tokenise(by, args["batch"], args["tco2e"])
    x.hold(member, args["batch"], args["tco2e"])
    x.show_book(member)
    return account_body(x, member)


def remint(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Burn own free tokens of a batch and get the registry units back."""
    member = x.member(by)
    x.must_hold(member, args["tco2e"])
    x.ledger.remint(by, args["batch"], args["tco2e"])
    x.hold(member, args["batch"], -args["tco2e"])
    x.show_book(member)
    return account_body(x, member)


def retire(x: Exchange, by: str, at: str, args: Body) -> Body:
    """Use own free tokens up for good, those held longest or of one batch; a certificate a batch."""
    member, wanted = x.member(by), args["tco2e"]
    x.must_hold(member, wanted)
    parts = x.oldest(member, wanted, args["batch"])
    if sum(part for _, part in parts) < wanted:
        raise RefusedError("not_enough_tokens", f"{by} does not hold {wanted} t of {args['batch']}")
    made = []
    for batch, part in parts:
        found = x.ledger.retire("token", by, batch, part)
        body = {
            "certificate": found.digest, "number": found.number, "holder": by, "batch": batch, "tco2e": part,
            "beneficiary": args["beneficiary"] or by, "purpose": args["purpose"], "at": at,
        }  # fmt: skip
        x.certificates[found.digest] = body
        made.append(body)
        x.hold(member, batch, -part)
    x.show_book(member)
    return {"certificates": made}


def account_body(x: Exchange, member: int) -> Body:
    """A member's account as its owner sees it."""
    name = x.names[member]
    return {
        "member": name, "cash_idr": x.cash[member], "free_idr": x.free_idr(member), "tokens": x.tokens[member],
        "free_tokens": x.free_tco2e(member), "registry_units": x.ledger.held("spe_grk", name),
        "batches": [{"batch": batch, "tokens": t} for batch, t in x.holdings[member].items()],
    }  # fmt: skip
