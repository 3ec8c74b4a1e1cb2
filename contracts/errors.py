"""What a contract or a node refused, in plain words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_abi_to_4byte_selector

from contracts.artefacts import NAMES, load
from twin.errors import TwinError

WORDS = {
    "NotAllowed": "{1} lacks the role that this needs",
    "IsPaused": "everything but retirement is paused",
    "RegistryRolesConflict": "{0} holds a role that must stay with somebody else",
    "RegistryLimitsOutOfRange": "a fee goes up to 5 %, a breaker from 1 to 99 %",
    "RegistryLimitsNotReady": "the limits may be put in force at {0} (0: none are proposed)",
    "CreditStatus": "vintage {0} stands at status {1}, which does not allow this",
    "CreditPermitUsed": "the units locked under {0} were minted before",
    "CreditPermitExpired": "IDXCarbon's permit expired at {0}",
    "CreditPermitSigner": "the permit was signed by {0}, not by IDXCarbon for this contract and chain",
    "CreditZero": "an amount must be at least one tonne",
    "VaultWrongToken": "only carbon credits are retired here, not {0}",
    "VaultZero": "an amount must be at least one tonne",
    "VaultNotMinted": "credits are minted to a holder first",
    "VaultSoulBound": "certificate {0} cannot be handed on",
    "VaultRendering": "certificate {0} does not exist or has its rendering already",
    "SettlementBatch": "the next batch is number {0}: this one was settled before, or one is missing",
    "SettlementSignature": "order {0} of the batch was not signed by its trader for this contract and chain",
    "SettlementExpired": "order {0} of the batch has expired",
    "SettlementLimit": "fill {0} is outside a limit price that was signed",
    "SettlementOverfilled": "fill {0} is for more than is left of an order",
    "SettlementMismatch": "fill {0} does not join a buy and a sell order of one vintage",
    "SettlementSelf": "only the settlement itself exchanges",
    "SettlementReference": "vintage {0} has a reference price, or the price is 0",
    "TourismOffer": "NFT {0} is not on offer under these terms",
    "TourismShares": "shares go up to 10,000 of 10,000",
    "WasteReceiptUsed": "receipt {0} was cashed before",
    "WasteReceiptExpired": "the receipt expired at {0}",
    "WasteReceiptSigner": "the receipt was signed by {0}, who is no collector for this contract and chain",
    "WasteCap": "the household's cap leaves {0} tokens this period",
    "WasteZero": "an amount must be at least one token",
    "InvoiceUnknown": "there is no invoice {0}",
    "InvoicePaid": "invoice {0} was paid before",
    "InvoiceExpired": "invoice {0} has expired",
    "InvoiceRefund": "invoice {0} was not paid to the sender, or less than that is left to refund",
    "InvoiceZero": "an invoice must be for at least one rupiah",
    "ERC20InsufficientBalance": "{0} has {1} of the {2} rupiah (or tokens) needed",
    "ERC20InsufficientAllowance": "{0} may spend {1} of the {2} rupiah needed; the payer must approve it",
    "ERC1155InsufficientBalance": "{0} has {1} t of vintage {3}, not {2}",
    "ERC1155MissingApprovalForAll": "{1} has not approved {0} to move its credits",
    "ERC1155InvalidReceiver": "{0} does not take credits",
    "ReentrancyGuardReentrantCall": "a contract called back into a settlement",
}  # fmt: skip


class ChainError(TwinError):
    """A node or a contract did not do what was asked; the message says which and why."""


@cache
def _known() -> dict[bytes, tuple[str, list[str]]]:
    found = {}
    for contract in NAMES:
        for entry in load(contract)["abi"]:
            if entry["type"] == "error":
                found[bytes(function_abi_to_4byte_selector(entry))] = (
                    entry["name"],
                    [i["type"] for i in entry["inputs"]],
                )
    return found


def in_words(data: bytes) -> str:
    """What a revert's data says: `Name: plain words`. Unknown data is given in hexadecimal."""
    name, types = _known().get(data[:4], ("", []))
    if not name:
        return (
            f"an unknown reason (0x{data[:36].hex()})" if data else "no reason given (out of gas, or no contract there)"
        )
    try:
        values = [f"0x{v.hex()}" if isinstance(v, bytes) else v for v in decode(types, data[4:])]
    except DecodingError:
        return f"{name}, with data that cannot be read"
    template = WORDS.get(name)
    return f"{name}: {template.format(*values)}" if template else f"{name}{tuple(values)}"


def revert_data(error: BaseException) -> bytes | None:
    """The revert's data inside a provider's error, wherever that provider puts it; None where there is none."""
    for found in _inside(error):
        if isinstance(found, bytes) and len(found) >= 4:
            return found
        if isinstance(found, str) and (match := re.search(r"b(['\"]).*\1$", found, re.DOTALL)):
            return bytes(ast.literal_eval(match[0]))  # eth-tester prints the bytes into its message
        if isinstance(found, str) and re.fullmatch(r"0x([0-9a-f]{2}){4,}", found):
            return bytes.fromhex(found[2:])
    return None


def _inside(error: BaseException | None) -> Iterator[Any]:
    while error is not None:
        yield from (getattr(error, "data", None), *error.args)
        error = error.__cause__ or error.__context__
