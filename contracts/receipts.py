"""The order in which orders were matched, provable: numbered receipts, signed by the operator, anchored batch by batch.

A receipt says that the signed order `order` (a digest of its signature) was the `sequence`-th that arrived. The digest
over a batch's receipts goes onto the chain with the batch, chained to those before: no receipt can be left out, put in
or moved afterwards without anybody's noticing, and anybody can hold the batch's fills against them.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract

from contracts.chain import Chain
from contracts.errors import ChainError
from contracts.signing import Arrival, sign, signable

NOTHING = b"\0" * 32


@dataclass(frozen=True)
class Receipt:
    """One order's place: the batch in which it was settled, its number among all, digest and signature as hex."""

    batch: int
    sequence: int
    order: str
    signature: str


def issue(
    operator: LocalAccount, settlement: Contract, chain_id: int, batch: int, first: int, signatures: Iterable[bytes]
) -> list[Receipt]:
    """Receipts of a batch's orders in order of arrival, the first of them numbered `first`."""
    found = []
    for sequence, signed in enumerate(signatures, first):
        arrival = Arrival(sequence, bytes(Web3.keccak(signed)))
        found.append(Receipt(batch, sequence, arrival.order.hex(), sign(operator, settlement, arrival, chain_id).hex()))
    return found


def digest(receipts: Iterable[Receipt]) -> bytes:
    """Keccak-256 over a batch's receipts in their order: what is anchored."""
    parts = [
        encode(
            ["uint256", "bytes32", "bytes32"],
            [one.sequence, bytes.fromhex(one.order), Web3.keccak(hexstr=one.signature)],
        )
        for one in receipts
    ]
    return bytes(Web3.keccak(b"".join(parts)))


def write(receipts: Iterable[Receipt], path: Path) -> None:
    """Add receipts to a file, a JSON document a line."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(one)) + "\n" for one in receipts)


def read(path: Path) -> list[Receipt]:
    """The receipts of a file. Raises ChainError that names the first line that is none."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found.append(Receipt(**json.loads(line)))
        except (ValueError, TypeError):
            raise ChainError(f"{path}:{number}: is no receipt; give the file that `settle --receipts` wrote") from None
    return found


def verify(receipts: Iterable[Receipt], chain: Chain, settlement: Contract) -> list[str]:
    """What is wrong with the receipts of all batches that a settlement contract has anchored; [] where they hold.

    The receipts must be those that were anchored, numbered without a gap, signed by who was operator then, and of the
    very orders that their batch settled, whose fills must follow the order of arrival. Of a batch that was tried more
    than once only the receipts that were anchored count.
    """
    by_batch: defaultdict[int, list[Receipt]] = defaultdict(list)
    for one in receipts:
        by_batch[one.batch].append(one)
    changes, place = _changes_of_operators(chain, settlement), dict[str, int]()
    alerts, anchor = list[str](), NOTHING
    for log in chain.logs(settlement, "BatchSettled"):
        batch, told = log["args"]["batch"], bytes(log["args"]["receipts"])
        own = _anchored(by_batch[batch], told)
        if own is None:
            found = [f"its {len(by_batch[batch])} receipts are not those that were anchored"]
        else:
            operators = _holders_at(changes, (log["blockNumber"], log["logIndex"]))
            found = [*_signed(own, settlement, chain.id, operators, len(place))]
            place |= {one.order: one.sequence for one in own}
            found += _settled(own, chain, settlement, log["transactionHash"], place)
        anchor = bytes(Web3.keccak(anchor + told))
        if bytes(log["args"]["anchor"]) != anchor:
            found.append("its anchor does not follow from the one before")
        alerts += [f"batch {batch}: {words}" for words in found]
    return alerts


def out_of_order(orders: list[tuple[int, int, int]], fills: list[tuple[int, int, int]]) -> list[str]:
    """Where fills break price-time priority. Orders are (vintage, is a sale, arrival), fills (buy, sell, price).

    An order is matched when it arrives, with those that came before it: the later order of a fill is its taker, and
    takers never go back in arrival. One taker's makers come at ever worse prices, at one price the earliest first.
    """
    alerts, before = list[str](), None
    for number, (buy, sell, price) in enumerate(fills):
        taker, maker = max(orders[buy], orders[sell], key=_arrival), min(orders[buy], orders[sell], key=_arrival)
        worse = -price if taker[1] else price  # for a taker who buys, a higher price is worse
        now = (taker[0], taker[2], worse, maker[2])
        if before is not None and now[1] < before[1]:
            alerts.append(f"fill {number} was matched for order {now[1]} after order {before[1]} had arrived")
        elif before is not None and now[:2] == before[:2] and now[2:] < before[2:]:
            alerts.append(f"fill {number} of order {now[1]} passed over order {now[3]} for order {before[3]}")
        before = now
    return alerts


def _arrival(order: tuple[int, int, int]) -> int:
    return order[2]


def _signed(
    receipts: list[Receipt], settlement: Contract, chain_id: int, operators: set[str], due: int
) -> Iterator[str]:
    for expected, one in enumerate(receipts, due):
        if one.sequence != expected:
            yield f"receipt {one.sequence} stands where {expected} was due"
        said = signable(settlement, Arrival(one.sequence, bytes.fromhex(one.order)), chain_id)
        signer = Account.recover_message(said, signature=bytes.fromhex(one.signature))
        if signer not in operators:
            yield f"receipt {one.sequence} is signed by {signer}, who was no operator"


def _settled(
    receipts: list[Receipt], chain: Chain, settlement: Contract, transaction: bytes, place: dict[str, int]
) -> list[str]:
    """Whether the batch's transaction settled the orders of these receipts, or of earlier ones, in their order."""
    sent = chain.web3.eth.get_transaction(transaction)  # type: ignore[arg-type]
    if sent.get("to") != settlement.address:
        return ["was settled through another contract; what it settled cannot be read"]
    given = settlement.decode_function_input(sent["input"])[1]
    signatures = bytes(given["signatures"])
    orders = [bytes(Web3.keccak(signatures[at : at + 65])).hex() for at in range(0, len(signatures), 65)]
    alerts = [f"its order {number} has no receipt" for number, order in enumerate(orders) if order not in place]
    alerts += [
        f"receipt {one.sequence} is of an order that it did not settle" for one in receipts if one.order not in orders
    ]
    if alerts:
        return alerts
    arrived = [(o["id"], int(o["sells"]), place[order]) for o, order in zip(given["orders"], orders, strict=True)]
    return out_of_order(arrived, [(f["buy"], f["sell"], f["price"]) for f in given["fills"]])


def _changes_of_operators(chain: Chain, settlement: Contract) -> list[tuple[tuple[int, int], bool, str]]:
    """When (block and place in it) who was given (True) or lost the operator's role in the settlement's registry."""
    registry = chain.at("Registry", settlement.functions.REGISTRY().call())
    role = bytes(registry.functions.OPERATOR().call())
    return sorted(
        ((log["blockNumber"], log["logIndex"]), given, str(log["args"]["account"]))
        for event, given in (("RoleGranted", True), ("RoleRevoked", False))
        for log in chain.logs(registry, event)
        if bytes(log["args"]["role"]) == role
    )


def _holders_at(changes: list[tuple[tuple[int, int], bool, str]], when: tuple[int, int]) -> set[str]:
    held = set[str]()
    for at, given, account in changes:
        if at < when:
            (held.add if given else held.discard)(account)
    return held


def _anchored(receipts: list[Receipt], told: bytes) -> list[Receipt] | None:
    """Of a batch's receipts, perhaps from several attempts, the run of them that has this digest."""
    starts = [i for i, one in enumerate(receipts) if i == 0 or one.sequence <= receipts[i - 1].sequence]
    for first, last in itertools.pairwise([*starts, len(receipts)]):
        if digest(receipts[first:last]) == told:
            return receipts[first:last]
    return None
