"""What everything costs in gas, measured on the embedded chain with real token transfers and fees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3

from contracts.chain import embedded
from contracts.deploy import System, deploy
from contracts.signing import Order, Permit, as_given, sign

ID, PRICE_IDR, LOTS, FIRST = 1, 100_000, 10, 8
FILLS_TARGET, ONE_TAKER_TARGET = 90_000, 65_000
FAR_S = 30 * 86_400


@dataclass
class Bench:
    """A system with a verified vintage, and traders with credits, rupiah and approvals."""

    system: System
    traders: list[LocalAccount]
    nonce: int = 0

    def last_gas(self, sender: LocalAccount, call: Any, what: str) -> int:
        """Send and tell the gas."""
        return int(self.system.chain.send(sender, call, what)["gasUsed"])

    def permit(self, to: str, tco2e: int, lock: str, id_: int = ID) -> tuple[Permit, bytes]:
        """A permit that IDXCarbon signed."""
        s = self.system
        p = Permit(id_, to, tco2e, bytes(Web3.keccak(text=lock)), 1, s.chain.now_s + FAR_S)
        return p, sign(s.roles["IDXCARBON"], s.credits, p, s.chain.id)

    def mint(self, to: str, tco2e: int, lock: str) -> int:
        """Mint under a permit; the gas."""
        p, signature = self.permit(to, tco2e, lock)
        return self.last_gas(
            self.system.roles["ISSUER"], self.system.credits.functions.mint(as_given(p), signature), "mint"
        )

    def settle(self, pairs: list[tuple[LocalAccount, LocalAccount]]) -> int:
        """Settle one fill a pair of (buyer, seller), every trader with one order a side; the gas."""
        s, orders, signers, place = self.system, list[Order](), list[LocalAccount](), dict[tuple[str, bool], int]()
        for sells in (False, True):
            for account in dict.fromkeys(pair[sells] for pair in pairs):
                quantity = LOTS * sum(pair[sells] is account for pair in pairs)
                place[account.address, sells] = len(orders)
                expiry = s.chain.now_s + FAR_S
                orders.append(Order(account.address, ID, sells, quantity, PRICE_IDR, self.nonce + sells, expiry))
                signers.append(account)
        self.nonce += 2
        signatures = b"".join(sign(a, s.settlement, o, s.chain.id) for a, o in zip(signers, orders, strict=True))
        fills = [(place[b.address, False], place[a.address, True], LOTS, PRICE_IDR) for b, a in pairs]
        number = s.settlement.functions.batches().call()
        call = s.settlement.functions.settle(number, [as_given(o) for o in orders], signatures, fills, b"\1" * 32)
        receipt = s.chain.send(s.roles["OPERATOR"], call, f"settle {len(fills)}")
        done = len(s.settlement.events.Traded().get_logs(from_block=receipt["blockNumber"]))
        if done != len(pairs):
            raise AssertionError(f"{done} of {len(pairs)} fills settled")
        return int(receipt["gasUsed"])


def bench(traders: int, credits_each: int = 10_000) -> Bench:
    """Make one."""
    chain, accounts = embedded(FIRST + traders)
    system = deploy(chain, accounts)
    b, s, roles = Bench(system, accounts[FIRST:]), system, system.roles
    b.last_gas(
        roles["ISSUER"], s.credits.functions.register(ID, ("forest-1", "forest", "Dongko", "SPE-GRK", b"\1" * 32)), ""
    )
    b.last_gas(roles["VERIFIER"], s.credits.functions.setStatus(ID, 2), "verify")
    b.last_gas(roles["REGULATOR"], s.settlement.functions.setReference(ID, PRICE_IDR), "reference")
    for number, trader in enumerate(b.traders):
        if credits_each:
            b.mint(trader.address, credits_each, f"first/{number}")
        b.last_gas(roles["ISSUER"], s.rupiah.functions.mint(trader.address, 10**12), "rupiah")
        b.last_gas(trader, s.rupiah.functions.approve(s.settlement.address, 2**256 - 1), "approve")
        b.last_gas(trader, s.credits.functions.setApprovalForAll(s.settlement.address, True), "approve")
    return b


def table() -> list[dict[str, Any]]:
    """One row an action: gas, gas a fill, and the target where there is one."""
    b = bench(64)
    s, half = b.system, b.traders[:32]
    pairs = list(zip(half, b.traders[32:], strict=True))
    to_vault = s.credits.functions.safeTransferFrom(half[0].address, s.vault.address, ID, 5, b"")
    hand_over = s.credits.functions.safeTransferFrom(half[0].address, half[1].address, ID, 5, b"")
    rows = [
        _row("mint", b.mint(half[0].address, 100, "gas")),
        _row("transfer", b.last_gas(half[0], hand_over, "transfer")),
        _row("retire with certificate", b.last_gas(half[0], to_vault, "retire")),
        _row("re-mint", b.last_gas(half[0], s.credits.functions.remint(ID, 5), "remint")),
    ]
    first = b.settle(pairs)
    rows.append(_row("settle 32, all traders' first order", first, 32, FILLS_TARGET))
    rows.append(_row("settle 32, traders who traded before", b.settle(pairs), 32, FILLS_TARGET))
    taker = [(b.traders[0], maker) for maker in b.traders[32:]]
    rows.append(_row("settle 32 with one taker, traders who traded before", b.settle(taker), 32, ONE_TAKER_TARGET))
    rows.append(_row("settle 1, traders who traded before", b.settle(pairs[:1]), 1))
    rows.append(_row("settle 10, traders who traded before", b.settle(pairs[:10]), 10))
    b.nonce = 16  # the nonces of a new word of storage
    for name, found, target in (("", pairs, FILLS_TARGET), (" with one taker", taker, ONE_TAKER_TARGET)):
        fresh, used = b.settle(found), b.settle(found)
        rows.append(_row(f"settle 32{name}, every eighth order (a new word of nonces)", fresh, 32))
        rows.append(_row(f"settle 32{name}, mean over eight orders", (fresh + 7 * used) // 8, 32, target))
        b.nonce += 4
    hundred = [(half[i % 32], b.traders[32 + (i * 7 + i // 32) % 32]) for i in range(100)]
    rows.append(_row("settle 100 among 64 traders", b.settle(hundred), 100))
    rows.append(_row("place and take in a book on the chain, without fees", _on_chain_book(b), 1))
    return rows


def _on_chain_book(b: Bench) -> int:
    """Gas of one fill where the matching itself is on the chain: both orders, in a book that others rest in."""
    s, (buyer, *sellers) = b.system, b.traders[:4]
    book = s.chain.deploy(s.admin, "OnChainBook", s.credits.address, s.rupiah.address, ID)
    b.last_gas(buyer, s.rupiah.functions.approve(book.address, 2**256 - 1), "approve")
    for seller in sellers:
        b.last_gas(seller, s.credits.functions.setApprovalForAll(book.address, True), "approve")
    for seller in sellers[1:]:
        b.last_gas(seller, book.functions.place(PRICE_IDR + 1, LOTS), "place")
    placed = b.last_gas(sellers[0], book.functions.place(PRICE_IDR, LOTS), "place")
    return placed + b.last_gas(buyer, book.functions.take(PRICE_IDR, LOTS), "take")


def _row(action: str, gas: int, fills: int | None = None, target: int | None = None) -> dict[str, Any]:
    each = round(gas / fills) if fills else None
    met = None if target is None or each is None else each <= target
    return {"action": action, "gas": gas, "gas_per_fill": each, "target": target, "met": met}
