"""The order in which orders were matched, provable: numbered receipts, signed by the operator, anchored batch by batch.

A receipt says that the signed order `order` (a digest of its signature) was the `sequence`-th that arrived. The digest
over a batch's receipts goes onto the chain with the batch, chained to those before: no receipt can be left out, put in
or moved afterwards without anybody's noticing.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
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


def verify(receipts: Iterable[Receipt], chain: Chain, settlement: Contract, operators: set[str]) -> list[str]:
    """What is wrong with the receipts of all batches that a settlement contract has anchored; [] where they hold.

    Of a batch that was tried more than once only the receipts that were anchored count.
    """
    by_batch: defaultdict[int, list[Receipt]] = defaultdict(list)
    for one in receipts:
        by_batch[one.batch].append(one)
    alerts, anchor, due = list[str](), NOTHING, 0
    for log in chain.logs(settlement, "BatchSettled"):
        batch, told = log["args"]["batch"], bytes(log["args"]["receipts"])
        own = _anchored(by_batch[batch], told)
        if own is None:
            alerts.append(f"batch {batch}: its {len(by_batch[batch])} receipts are not those that were anchored")
        for one in own or ():
            if one.sequence != due:
                alerts.append(f"batch {batch}: receipt {one.sequence} stands where {due} was due")
            due = one.sequence + 1
            arrival = Arrival(one.sequence, bytes.fromhex(one.order))
            signer = Account.recover_message(
                signable(settlement, arrival, chain.id), signature=bytes.fromhex(one.signature)
            )
            if signer not in operators:
                alerts.append(f"batch {batch}: receipt {one.sequence} is signed by {signer}, who is no operator")
        anchor = bytes(Web3.keccak(anchor + told))
        if bytes(log["args"]["anchor"]) != anchor:
            alerts.append(f"batch {batch}: its anchor does not follow from the one before")
    return alerts


def operators(chain: Chain, settlement: Contract) -> set[str]:
    """Who has ever been given the operator's role in the settlement's registry."""
    registry = chain.at("Registry", settlement.functions.REGISTRY().call())
    role = bytes(registry.functions.OPERATOR().call())
    logs = chain.logs(registry, "RoleGranted")
    return {log["args"]["account"] for log in logs if bytes(log["args"]["role"]) == role}


def _anchored(receipts: list[Receipt], told: bytes) -> list[Receipt] | None:
    """Of a batch's receipts, perhaps from several attempts, the run of them that has this digest."""
    starts = [i for i, one in enumerate(receipts) if i == 0 or one.sequence <= receipts[i - 1].sequence]
    for first, last in itertools.pairwise([*starts, len(receipts)]):
        if digest(receipts[first:last]) == told:
            return receipts[first:last]
    return None
