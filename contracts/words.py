"""Reverts in plain words: which contract refused, why, and with what values."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from eth_abi import decode
from eth_utils import keccak

from contracts import artefacts


@cache
def known() -> dict[str, dict[str, Any]]:
    """Every custom error of every contract by its four-byte selector in hex."""
    found = {}
    for name in artefacts.names():
        for entry in artefacts.load(name)["abi"]:
            if entry["type"] == "error":
                types = ",".join(_type(x) for x in entry["inputs"])
                found[keccak(text=f"{entry['name']}({types})")[:4].hex()] = entry
    return found


def words(data: bytes | str) -> str:
    """A revert's data as a sentence: `Credit: permit expired (expiry 12)`."""
    raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data)
    entry = known().get(raw[:4].hex())
    if entry is None:
        if raw[:4].hex() == "08c379a0":
            return str(decode(["string"], raw[4:])[0])
        return f"refused without a known reason (0x{raw.hex()})"
    values = decode([_type(x) for x in entry["inputs"]], raw[4:])
    facts = ", ".join(f"{x['name'].rstrip('_')} {_shown(v)}" for x, v in zip(entry["inputs"], values, strict=True))
    contract, _, reason = entry["name"].rpartition("_")
    sentence = re.sub(r"(?<=[A-Za-z0-9])(?=[A-Z][a-z]|[A-Z]$|A[A-Z][a-z])", " ", reason).lower()
    return f"{contract or 'token'}: {sentence}" + (f" ({facts})" if facts else "")


def _type(entry: dict[str, Any]) -> str:
    return str(entry["type"])


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        text = value.rstrip(b"\0")
        return text.decode() if text and text.isascii() and text.decode().isprintable() else "0x" + value.hex()
    return str(value)
