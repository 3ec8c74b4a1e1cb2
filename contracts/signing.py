"""What is signed off-chain, as EIP-712 typed data: orders and their arrival, mint permits, waste receipts."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from typing import Any, ClassVar

from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from web3.contract import Contract


@dataclass(frozen=True)
class Order:
    """A limit order, as `Settlement.Order`; prices in rupiah a tonne, `expiry` in Unix seconds."""

    trader: str
    id: int
    sells: bool
    quantity: int
    limitPrice: int
    nonce: int
    expiry: int
    TYPES: ClassVar = ("address", "uint256", "bool", "uint32", "uint64", "uint64", "uint64")
    CONTRACT: ClassVar = "Settlement"


@dataclass(frozen=True)
class Permit:
    """IDXCarbon's permission to mint, as `CarbonCredit.Permit`."""

    id: int
    to: str
    amount: int
    lock: bytes
    serialFirst: int
    expiry: int
    TYPES: ClassVar = ("uint256", "address", "uint256", "bytes32", "uint256", "uint256")
    CONTRACT: ClassVar = "CarbonCredit"


@dataclass(frozen=True)
class Receipt:
    """A collector's receipt, as `WasteToken.earn` takes it."""

    household: str
    amount: int
    number: bytes
    expiry: int
    TYPES: ClassVar = ("address", "uint256", "bytes32", "uint256")
    CONTRACT: ClassVar = "WasteToken"


@dataclass(frozen=True)
class Arrival:
    """That a signed order was the `sequence`-th to arrive; `order` is the digest of its signature."""

    sequence: int
    order: bytes
    TYPES: ClassVar = ("uint256", "bytes32")
    CONTRACT: ClassVar = "Settlement"


Message = Order | Permit | Receipt | Arrival


def signable(contract: Contract, message: Message, chain_id: int) -> SignableMessage:
    """A message for one contract on one chain, as it is signed and as its signer is recovered."""
    fields: dict[str, Any] = asdict(message)
    return encode_typed_data(
        {"name": message.CONTRACT, "version": "1", "chainId": chain_id, "verifyingContract": contract.address},
        {type(message).__name__: [{"name": n, "type": t} for n, t in zip(fields, message.TYPES, strict=True)]},
        fields,
    )


def sign(account: LocalAccount, contract: Contract, message: Message, chain_id: int) -> bytes:
    """The 65-byte signature over a message."""
    return bytes(account.sign_message(signable(contract, message, chain_id)).signature)


def as_given(message: Message) -> tuple[Any, ...]:
    """The message as a contract's call takes it."""
    return astuple(message)
