"""All contracts, deployed with their roles held by different accounts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract

from contracts.chain import Chain
from contracts.errors import ChainError
from twin.carbon.mechanisms.rules import rules

ROLES = ("ISSUER", "VERIFIER", "OPERATOR", "PAUSER", "REGULATOR", "IDXCARBON", "COLLECTOR")
CONTRACTS = {
    "registry": "Registry", "rupiah": "RupiahToken", "credits": "CarbonCredit", "vault": "CarbonVault",
    "settlement": "Settlement", "tourism": "TourismNFT", "waste": "WasteToken", "umkm": "UmkmPayments",
}  # fmt: skip
DELAY_S = 2 * 86_400  # that a change of admin or limits waits: an estimate
DAILY_CAP_T, LARGE_TRADE_T, FEE_PPM = 10_000_000, 10_000, 1_000  # priors, but for the book's fee of 0.1 %
CONSERVATION_BP, ROYALTY_BP = 1_000, 500  # priors: 10 % of a first sale, 5 % of later ones
WASTE_CAP = 200  # tokens a household in thirty days: a prior


@dataclass(frozen=True)
class System:
    """The deployed contracts and who holds which role."""

    chain: Chain
    admin: LocalAccount
    roles: dict[str, LocalAccount]
    registry: Contract
    rupiah: Contract
    credits: Contract
    vault: Contract
    settlement: Contract
    tourism: Contract
    waste: Contract
    umkm: Contract

    @property
    def addresses(self) -> dict[str, str]:
        """Address of every contract by its name here."""
        return {name: getattr(self, name).address for name in CONTRACTS}


def role(name: str) -> bytes:
    """A role's number."""
    return bytes(Web3.keccak(text=name))


def deploy(
    chain: Chain, accounts: list[LocalAccount], daily_cap_t: int = DAILY_CAP_T, large_trade_t: int = LARGE_TRADE_T
) -> System:
    """Deploy everything: the first account is admin and treasury, the next seven hold a role each.

    Raises ChainError where there are fewer than eight accounts: nobody may hold two roles that watch each other.
    """
    if len(accounts) <= len(ROLES):
        raise ChainError(
            f"{len(accounts)} accounts, but {len(ROLES) + 1} are needed: an admin and a holder of each role"
        )
    admin, holders = accounts[0], dict(zip(ROLES, accounts[1:], strict=False))
    r = rules("negotiated")
    limits = (daily_cap_t, large_trade_t, FEE_PPM, r.breaker_percent, r.halt_minutes * 60)
    registry = chain.deploy(admin, "Registry", admin.address, DELAY_S, limits)
    rupiah = chain.deploy(admin, "RupiahToken", registry.address)
    credits_ = chain.deploy(admin, "CarbonCredit", registry.address)
    vault = chain.deploy(admin, "CarbonVault", registry.address, credits_.address)
    shares = [CONSERVATION_BP, ROYALTY_BP]
    system = System(
        chain, admin, holders, registry, rupiah, credits_, vault,
        chain.deploy(admin, "Settlement", registry.address, credits_.address, rupiah.address, admin.address),
        chain.deploy(admin, "TourismNFT", registry.address, rupiah.address, admin.address, shares),
        chain.deploy(admin, "WasteToken", registry.address, WASTE_CAP),
        chain.deploy(admin, "UmkmPayments", registry.address, rupiah.address),
    )  # fmt: skip
    held = {name: account.address for name, account in holders.items()} | {"VAULT": vault.address}
    for name, address in held.items():
        chain.send(admin, registry.functions.grantRole(role(name), address), f"grant {name}")
    return system


def deployed(chain: Chain, accounts: list[LocalAccount], file: Path) -> System:
    """The contracts whose addresses `deploy` printed as JSON. Raises ChainError where one is missing or not there."""
    try:
        addresses = json.loads(file.read_text(encoding="utf-8"))
        contracts = {name: chain.at(contract, addresses[name]) for name, contract in CONTRACTS.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChainError(f"{file}: is not what `python -m contracts deploy --json` printed ({error!r})") from error
    return System(chain, accounts[0], dict(zip(ROLES, accounts[1:], strict=False)), **contracts)
