"""The deployed system: every contract, who holds which role, and the signed papers that the contracts accept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from web3.contract import Contract

from contracts.chain import Chain

ROLES = ("verifier", "issuer", "operator", "pauser", "regulator", "registrar")
DELAY_S = 86_400
PERMIT_S = 3_600
FOREVER = 2**40 - 1
INFINITE = 2**256 - 1
DOMAIN_NAMES = {"CarbonCredit": "credit", "Settlement": "settlement", "WasteToken": "waste"}
TYPES = {
    "Permit": "address to,uint256 id,uint64 tco2e,bytes32 lock,uint64 firstSerial,uint40 expiry",
    "Order": "address trader,bool buy,uint256 id,uint64 limitIdr,uint32 tco2e,uint64 nonce,uint40 expiry",
    "Receipt": "address person,uint32 kg,uint64 nonce,uint40 expiry",
}


@dataclass
class System:
    """All contracts on one chain, and the keys of the roles."""

    chain: Chain
    keys: dict[str, LocalAccount]
    registry: Contract
    credit: Contract
    vault: Contract
    money: Contract
    settlement: Contract
    tourism: Contract
    waste: Contract
    payments: Contract

    def send(self, call: Any, who: str) -> Any:
        """Send a call with a role's or a holder's key."""
        return self.chain.send(call, self.keys[who])

    def sign(self, kind: str, message: dict[str, Any], account: LocalAccount, chain_id: int | None = None) -> bytes:
        """EIP-712 signature of a permit, an order or a collection receipt."""
        contract = {"Permit": "CarbonCredit", "Order": "Settlement", "Receipt": "WasteToken"}[kind]
        domain = {
            "name": contract, "version": "1", "chainId": chain_id or self.chain.w3.eth.chain_id,
            "verifyingContract": getattr(self, DOMAIN_NAMES[contract]).address,
        }  # fmt: skip
        fields = [dict(zip(("type", "name"), field.split(), strict=True)) for field in TYPES[kind].split(",")]
        return bytes(account.sign_message(encode_typed_data(domain, {kind: fields}, message)).signature)

    def permit(self, to: str, vintage: int, tco2e: int, lock: bytes, first_serial: int, expiry: int | None = None,
               signer: str = "registrar") -> Any:  # fmt: skip
        """A call that mints with a permit signed by the registrar."""
        expiry = self.chain.now() + PERMIT_S if expiry is None else expiry
        values = (to, vintage, tco2e, lock, first_serial, expiry)
        message = dict(zip(("to", "id", "tco2e", "lock", "firstSerial", "expiry"), values, strict=True))
        return self.credit.functions.mint(values, self.sign("Permit", message, self.keys[signer]))

    def order(self, who: str, buy: bool, vintage: int, limit_idr: int, tco2e: int, nonce: int, expiry: int = FOREVER,
              chain_id: int | None = None) -> tuple[Any, ...]:  # fmt: skip
        """A signed order as the settlement takes it."""
        account = self.keys[who]
        names = ("trader", "buy", "id", "limitIdr", "tco2e", "nonce", "expiry")
        values = (account.address, buy, vintage, limit_idr, tco2e, nonce, expiry)
        signature = self.sign("Order", dict(zip(names, values, strict=True)), account, chain_id)
        r, s, odd = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64] - 27
        return (account.address, limit_idr, tco2e, nonce, expiry, r, (s | odd << 255).to_bytes(32, "big"))  # EIP-2098

    def settle(self, fills: Sequence[tuple[Any, ...]], receipts: bytes = bytes(32)) -> Any:
        """Settle fills (vintage, price, tonnes, buy order, sell order) as the next batch."""
        number = self.settlement.functions.batches().call() + 1
        return self.send(self.settlement.functions.settle(number, list(fills), receipts), "operator")

    def join(self, who: str, owner: int, verified: bool = True, idr: int = 0) -> str:
        """Let a holder trade: fund, note who is behind it, give test money, allow the settlement to move both.

        Being noted comes last: who is noted has joined, however often it was tried.
        """
        account = self.keys[who]
        self.chain.fund(account.address)
        money, credit, to = self.money.functions, self.credit.functions, self.settlement.address
        if idr and not money.balanceOf(account.address).call():
            self.send(money.mint(account.address, idr), "operator")
        if not money.allowance(account.address, to).call():
            self.send(money.approve(to, INFINITE), who)
        if not credit.isApprovedForAll(account.address, to).call():
            self.send(credit.setApprovalForAll(to, True), who)
        self.send(self.registry.functions.note(account.address, owner, verified), "verifier")
        return str(account.address)

    def issue(self, vintage: int, project: str, tco2e: int, document: bytes = bytes(32)) -> None:
        """Enter a vintage and have it verified."""
        fixed = (project, "SPE-GRK", "Trenggalek", "SRN-PPI", document, "", tco2e)
        self.send(self.credit.functions.issue(vintage, fixed), "issuer")
        self.send(self.credit.functions.move(vintage, 2), "verifier")


def deploy(chain: Chain, key: Callable[[str], LocalAccount], holders: Sequence[str] = ()) -> System:
    """Deploy every contract and hand out the roles, each to a key of its own."""
    keys = {name: key(name) for name in ("admin", "treasury", *ROLES, *holders)}
    for name in ("admin", *ROLES):
        chain.fund(keys[name].address)
    admin, treasury = keys["admin"], keys["treasury"].address
    registry = chain.deploy("Registry", admin, DELAY_S, admin.address)
    for role in ROLES:
        chain.send(registry.functions.grantRole(role.encode().ljust(32, b"\0"), keys[role].address), admin)
    at = registry.address
    credit = chain.deploy("CarbonCredit", admin, at)
    vault = chain.deploy("CarbonVault", admin, at, credit.address)
    chain.send(credit.functions.setVault(vault.address), admin)
    money = chain.deploy("StableRupiah", admin, at)
    return System(
        chain, keys, registry, credit, vault, money,
        chain.deploy("Settlement", admin, at, credit.address, money.address, treasury),
        chain.deploy("TourismNFT", admin, at, money.address, treasury, 2_000, 500),
        chain.deploy("WasteToken", admin, at, 50),
        chain.deploy("UmkmPayments", admin, at, money.address),
    )  # fmt: skip
