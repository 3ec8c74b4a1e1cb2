"""What the contract tests do over and over."""

from contextlib import contextmanager

import pytest

from contracts.errors import ChainError
from contracts.gas import FAR_S, ID, Bench
from contracts.signing import Order, as_given, sign

A, B, C = 0, 1, 2


@contextmanager
def refused(words: str):
    """The chain refuses with these words, and the error names the contract's reason."""
    with pytest.raises(ChainError, match=words):
        yield


def send(b: Bench, sender, call, what: str = "test"):
    return b.system.chain.send(sender, call, what)


def order(b: Bench, trader: int, sells: bool, quantity: int, limit: int, nonce: int = 0, **other) -> Order:
    expiry = other.pop("expiry", b.system.chain.now_s + FAR_S)
    return Order(b.traders[trader].address, other.pop("id", ID), sells, quantity, limit, nonce, expiry)


def settle(b: Bench, orders, fills, signers=None, chain_id=None, contract=None, batch=None, sender=None):
    s = b.system
    by_address = {t.address: t for t in b.traders}
    signers = signers or [by_address[o.trader] for o in orders]
    signatures = b"".join(
        sign(a, contract or s.settlement, o, chain_id or s.chain.id) for a, o in zip(signers, orders, strict=True)
    )
    batch = s.settlement.functions.batches().call() if batch is None else batch
    call = s.settlement.functions.settle(batch, [as_given(o) for o in orders], signatures, fills, b"\1" * 32)
    return send(b, sender or s.roles["OPERATOR"], call, "settle")


def skipped(b: Bench, receipt) -> list[int]:
    logs = b.system.settlement.events.Skipped().get_logs(from_block=receipt["blockNumber"])
    return [log["args"]["why"] for log in logs]


def tonnes(b: Bench, trader: int) -> int:
    return b.system.credits.functions.balanceOf(b.traders[trader].address, ID).call()


def rupiah(b: Bench, address: str) -> int:
    return b.system.rupiah.functions.balanceOf(address).call()
