"""A Run's carbon ledger on a chain: every tokenised batch minted, every transfer settled, every retirement certified.

The plan follows from the Run's rows alone and every step leaves its mark on the chain (a lock, a batch number, a
certificate's reason), so a settlement that was cut off is gone on with by asking the chain, and settles nothing twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.logs import DISCARD

from contracts import receipts
from contracts.deploy import System
from contracts.errors import ChainError, in_words
from contracts.receipts import Receipt
from contracts.signing import Order, Permit, as_given, sign
from twin.carbon.module import HOLDERS
from twin.run import Run

BATCH_FILLS = 32
CANCELLED = 4  # CarbonCredit.Status
A_YEAR_S, A_DAY_S = 365 * 86_400, 86_400
SKIPS = (
    "none", "trading is halted", "the price moved beyond the breaker", "the day's cap is reached",
    "a large trade of somebody unverified", "a wash trade", "no reference price", "a transfer failed",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One row of `carbon_ledger` with the price [Rp/tCO2e] of its month."""

    month: str
    number: int
    action: str
    batch: str
    tco2e: int
    source: str
    target: str
    price_idr: int


@dataclass
class Outcome:
    """What a settlement did: steps by kind, fills skipped and why, steps that the chain held already."""

    done: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    held_already: int = 0


def steps_of(run: Run) -> list[Step]:
    """The Run's ledger in order. Raises RunError where the carbon sector was switched off."""
    months = run.table("carbon_month")
    mean = {
        m: round(float(p))
        for m, p in zip(months["month"], months["price_mean_idr"].fillna(months["price_close_idr"]), strict=True)
    }
    rows = run.table("carbon_ledger").to_dict("records")
    names = ("month", "number", "action", "batch", "tco2e", "source", "target")
    return [Step(**{name: row[name] for name in names}, price_idr=mean[row["month"]]) for row in rows]


def vintage(batch: str) -> int:
    """The id of a batch."""
    return int.from_bytes(Web3.keccak(text=batch))


class Desk:
    """Settles steps with the holders' own keys."""

    def __init__(
        self, system: System, holders: dict[str, LocalAccount], label: str, receipts_file: Path | None = None
    ) -> None:
        self.system, self.holders, self.label, self.receipts_file = system, holders, label, receipts_file
        self.nonces, self.serials, self.issued, self.cancelled = (Counter[str]() for _ in range(4))
        self.batch = self.arrived = self.reminted = 0
        self.receipts = list[Receipt]()
        self.outcome = Outcome()

    def open(self) -> None:
        """Know the participants, and have them approve the settlement, where that is not yet so.

        Raises ChainError while transactions of ours are still waiting to be mined.
        """
        s, eth = self.system, self.system.chain.web3.eth
        for account in {a.address: a for a in (*self.holders.values(), *s.roles.values(), s.admin)}.values():
            if eth.get_transaction_count(account.address, "pending") != eth.get_transaction_count(account.address):
                raise ChainError(f"{account.address}: transactions still wait to be mined; run the command again later")
        for name, account in self.holders.items():
            if s.credits.functions.isApprovedForAll(account.address, s.settlement.address).call():
                continue
            owner = Web3.keccak(text=name)[:31]
            self._send(
                s.roles["VERIFIER"], s.registry.functions.setParticipant(account.address, owner, True), "participant"
            )
            self._send(account, s.rupiah.functions.approve(s.settlement.address, 2**256 - 1), "approve rupiah")
            self._send(account, s.credits.functions.setApprovalForAll(s.settlement.address, True), "approve credits")

    def settle(self, steps: list[Step], told: Callable[[int, int], None] = lambda done, total: None) -> Outcome:
        """Bring all steps onto the chain; a new trading day begins with each month."""
        held = self._replay([step for step in steps if step.action == "transfer"])
        done = 0
        for number, (_, month) in enumerate(groupby(steps, lambda step: step.month)):
            if number and self.system.chain.is_test:
                self.system.chain.advance(A_DAY_S)
            for group in _grouped([step for step in month if step.number not in held]):
                self._group(group)
                done += len(group)
                told(done, len(steps))
        return self.outcome

    def _replay(self, transfers: list[Step]) -> set[int]:
        """Count again what the settled batches used up; gives the numbers of the steps in them.

        The chain tells how many fills each batch had: later steps begin batches of their own, whatever was cut off.
        """
        at = 0
        for size in self.batch_sizes:
            self.arrived += len(self._orders(_purchases(transfers[at : at + size]))[0])
            at += size
        self.batch = len(self.batch_sizes)
        self.outcome.held_already += at
        self.outcome.done["transfer"] += at
        return {step.number for step in transfers[:at]}

    def _group(self, group: list[Step]) -> None:
        action = group[0].action
        if action == "transfer":
            self._fills(group)
        elif action == "tokenise":
            self._mint(group[0])
        elif action == "remint":
            self._remint(group[0])
        elif action == "retire":
            self._retire(group[0])
        elif action == "cancel":
            self._cancel(group[0])
        else:  # what is issued lies in the register until it is tokenised
            self.issued[group[0].batch] = group[0].tco2e
        self.outcome.done[action] += len(group)

    def _mint(self, step: Step) -> None:
        s, id_, holder = self.system, vintage(step.batch), self.holders[step.target]
        if s.credits.functions.status(id_).call() == 0:
            project = (step.batch, step.batch.split("-")[0], "Trenggalek", "SPE-GRK", Web3.keccak(text=step.batch))
            self._send(s.roles["ISSUER"], s.credits.functions.register(id_, project), "register")
        if s.credits.functions.status(id_).call() == 1:
            self._send(s.roles["VERIFIER"], s.credits.functions.setStatus(id_, 2), "verify")
        if s.settlement.functions.market(id_).call()[0] == 0:
            self._send(s.roles["REGULATOR"], s.settlement.functions.setReference(id_, step.price_idr), "reference")
        lock = bytes(Web3.keccak(text=f"{self.label}/{step.number}"))
        first = self.serials[step.batch] + 1
        if first + step.tco2e - 1 > self.issued[step.batch]:  # units that were re-minted come back with their numbers
            first = 1
        else:
            self.serials[step.batch] += step.tco2e
        if s.credits.functions.lockUsed(lock).call():
            self.outcome.held_already += 1
            return
        permit = Permit(id_, holder.address, step.tco2e, lock, first, s.chain.now_s + A_YEAR_S)
        signature = sign(s.roles["IDXCARBON"], s.credits, permit, s.chain.id)
        self._send(s.roles["ISSUER"], s.credits.functions.mint(as_given(permit), signature), "mint")

    def _remint(self, step: Step) -> None:
        """Requests are numbered by the contract: as many steps as it has requests were settled before."""
        s, self.reminted = self.system, self.reminted + 1
        if self.reminted <= self.remints_held:
            self.outcome.held_already += 1
            return
        call = s.credits.functions.remint(vintage(step.batch), step.tco2e)
        self._send(self.holders[step.source], call, "remint")

    def _cancel(self, step: Step) -> None:
        """The regulator voids the vintage for good, then the holder's tokens of it."""
        s, id_, holder = self.system, vintage(step.batch), self.holders[step.source].address
        if s.credits.functions.status(id_).call() != CANCELLED:
            self._send(s.roles["REGULATOR"], s.credits.functions.setStatus(id_, CANCELLED), "void")
        self.cancelled[step.batch] += step.tco2e
        if s.credits.functions.totals(id_).call()[3] >= self.cancelled[step.batch]:
            self.outcome.held_already += 1
            return
        self._send(s.roles["REGULATOR"], s.credits.functions.cancel(holder, id_, step.tco2e), "cancel")

    def _retire(self, step: Step) -> None:
        s, id_, holder = self.system, vintage(step.batch), self.holders[step.source]
        reason = f"{self.label}/{step.number}"
        if reason in self.retired_reasons:
            self.outcome.held_already += 1
            return
        data = encode(["string", "string"], [step.source, reason])
        call = s.credits.functions.safeTransferFrom(holder.address, s.vault.address, id_, step.tco2e, data)
        self._send(holder, call, "retire")

    @cached_property
    def retired_reasons(self) -> set[str]:
        """Reasons of the certificates that were there when this desk first asked."""
        logs = self.system.chain.logs(self.system.vault, "CertificateIssued")
        return {log["args"]["reason"] for log in logs}

    @cached_property
    def batch_sizes(self) -> list[int]:
        """Fills of every batch that was settled when this desk first asked."""
        s, fills = self.system, Counter[Any]()
        for event in ("Traded", "Skipped"):
            fills.update(bytes(log["transactionHash"]) for log in s.chain.logs(s.settlement, event))
        return [fills[bytes(log["transactionHash"])] for log in s.chain.logs(s.settlement, "BatchSettled")]

    @cached_property
    def remints_held(self) -> int:
        """Requests to re-mint that were there when this desk first asked."""
        return int(self.system.credits.functions.remints().call())

    def _fills(self, steps: list[Step]) -> None:
        s, number = self.system, self.batch
        self.batch += 1
        purchases = _purchases(steps)
        orders, fills = self._orders(purchases)
        first, self.arrived = self.arrived, self.arrived + len(orders)
        money: Counter[str] = Counter()
        for step in steps:
            money[step.target] += step.tco2e * step.price_idr
        for name, idr in money.items():
            self._send(s.roles["ISSUER"], s.rupiah.functions.mint(self.holders[name].address, idr), "test rupiah")
        accounts = {str(account.address): account for account in self.holders.values()}
        signed = [sign(accounts[o.trader], s.settlement, o, s.chain.id) for o in orders]
        proof = receipts.issue(s.roles["OPERATOR"], s.settlement, s.chain.id, number, first, signed)
        self.receipts += proof
        if self.receipts_file is not None:
            receipts.write(proof, self.receipts_file)
        anchored = receipts.digest(proof)
        call = s.settlement.functions.settle(number, [as_given(o) for o in orders], b"".join(signed), fills, anchored)
        receipt = self._send(s.roles["OPERATOR"], call, f"settle {len(fills)}")
        for log in s.settlement.events.Skipped().process_receipt(receipt, errors=DISCARD):
            why, data = SKIPS[log["args"]["why"]], log["args"]["reason"]
            step = list(chain.from_iterable(purchases))[log["args"]["fill"]]
            self.outcome.skipped.append(f"step {step.number}: {why}" + (f": {in_words(data)}" if data else ""))

    def _orders(self, purchases: list[list[Step]]) -> tuple[list[Order], list[tuple[int, int, int, int]]]:
        """Resting sales, one a seller and vintage at the worst of its prices, then purchases that take from them."""
        place, orders, fills = dict[tuple[str, str], int](), list[Order](), list[tuple[int, int, int, int]]()
        for (seller, batch), own in _sales(chain.from_iterable(purchases)).items():
            place[seller, batch] = len(orders)
            orders.append(self._order(seller, batch, True, own, min(step.price_idr for step in own)))
        for own in purchases:
            fills += [(len(orders), place[step.source, step.batch], step.tco2e, step.price_idr) for step in own]
            orders.append(self._order(own[0].target, own[0].batch, False, own, own[0].price_idr))
        return orders, fills

    def _order(self, name: str, batch: str, sells: bool, own: list[Step], limit_idr: int) -> Order:
        tco2e, expiry = sum(step.tco2e for step in own), self.system.chain.now_s + A_YEAR_S
        self.nonces[name] += 1
        nonce = self.nonces[name] - 1
        return Order(self.holders[name].address, vintage(batch), sells, tco2e, limit_idr, nonce, expiry)

    def _send(self, sender: LocalAccount, call: Any, what: str) -> Any:
        return self.system.chain.send(sender, call, what)


def holders_from(accounts: list[LocalAccount], first: int = 8) -> dict[str, LocalAccount]:
    """The ledger's holders on the accounts after the roles'. Raises ChainError where there are too few."""
    if len(accounts) < first + len(HOLDERS):
        raise ChainError(f"{len(accounts)} accounts, but {first + len(HOLDERS)} are needed: roles and holders")
    return dict(zip(HOLDERS, accounts[first:], strict=False))


def _grouped(steps: list[Step]) -> Iterator[list[Step]]:
    """Transfers that follow each other, up to a batch's size; every other step alone."""
    for transfers, run in groupby(steps, lambda step: step.action == "transfer"):
        rows = list(run)
        size = BATCH_FILLS if transfers else 1
        yield from (rows[at : at + size] for at in range(0, len(rows), size))


def _sales(steps: Iterable[Step]) -> dict[tuple[str, str], list[Step]]:
    """Every seller's transfers of a vintage."""
    found: defaultdict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        found[step.source, step.batch].append(step)
    return found


def _purchases(steps: list[Step]) -> list[list[Step]]:
    """A buyer's transfers in a row as one purchase, each taking from the sales in the order in which they arrived.

    So the fills follow price and time, as `receipts.out_of_order` has it.
    """
    runs = [list(run) for _, run in groupby(steps, lambda step: (step.target, step.batch, step.price_idr))]
    arrival = list(_sales(steps))
    return [sorted(run, key=lambda step: arrival.index((step.source, step.batch))) for run in runs]
