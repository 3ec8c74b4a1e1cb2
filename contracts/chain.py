"""A chain to work on: eth-tester inside this process, or a node behind a JSON-RPC URL; keys; sending and its errors."""

from __future__ import annotations

import ast
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import ValidationError, keccak
from web3 import EthereumTesterProvider, HTTPProvider, Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError, ContractLogicError, TimeExhausted, Web3Exception, Web3RPCError

from contracts import artefacts
from contracts.words import words
from twin.errors import TwinError

GAS = 16_000_000  # below Osaka's cap of 2^24 for one transaction
FUNDS_WEI = 10**21
PASSWORD_VARIABLE, KEY_VARIABLE = "TRENGGALEK_KEYSTORE_PASSWORD", "TRENGGALEK_KEY_"


class ChainError(TwinError):
    """A chain that cannot be reached, or that refused or lost something."""


@dataclass
class Chain:
    """A connection; `embedded` where the chain lives and dies with this process."""

    w3: Web3
    embedded: bool
    gas_used: int = 0
    transactions: int = 0

    def send(self, call: Any, account: LocalAccount) -> Any:
        """Sign a contract call (or a deployment), send it and give its receipt.

        Raises ChainError where it is refused (in the contract's own words), the account has no funds, the node is down,
        or the receipt is not what the block holds.
        """
        try:
            fields = {
                "from": account.address, "nonce": self.w3.eth.get_transaction_count(account.address, "pending"),
                "gas": GAS, "gasPrice": self.w3.eth.gas_price * 2, "chainId": self.w3.eth.chain_id,
            }  # fmt: skip
            signed = account.sign_transaction(call.build_transaction(fields))
            receipt = self.w3.eth.wait_for_transaction_receipt(self.w3.eth.send_raw_transaction(signed.raw_transaction))
            self._must_be_true(receipt, signed.hash)
        except (requests.ConnectionError, TimeExhausted) as error:
            raise ChainError(
                f"the node does not answer ({type(error).__name__}); the same command goes on later"
            ) from error
        except (Web3RPCError, ValidationError, ValueError) as error:
            raise ChainError(f"the node refused a transaction of {account.address}: {error}") from error
        if receipt["status"] != 1:
            raise ChainError(f"refused: {self.reason(call, account)}")
        self.gas_used += receipt["gasUsed"]
        self.transactions += 1
        return receipt

    def reason(self, call: Any, account: LocalAccount) -> str:
        """Why a call is refused, found by trying it without sending."""
        try:
            call.call({"from": account.address, "gas": GAS})
        except ContractCustomError as error:
            return words(str(error.data))
        except ContractLogicError as error:
            return words(str(error.data)) if error.data else str(error.message)
        except Web3Exception as error:
            return str(error)
        except Exception as error:  # eth-tester is an optional part of web3, and gives the bytes as text
            if type(error).__name__ != "TransactionFailed":
                raise
            said = str(error).removeprefix("execution reverted: ")
            return words(ast.literal_eval(said)) if said.startswith(("b'", 'b"')) else said
        return "it would pass now; the chain has moved on"

    def deploy(self, name: str, account: LocalAccount, *arguments: Any) -> Contract:
        """Deploy a committed artefact."""
        made = artefacts.load(name)
        factory = self.w3.eth.contract(abi=made["abi"], bytecode=made["bytecode"])
        receipt = self.send(factory.constructor(*arguments), account)
        return self.at(name, receipt["contractAddress"])

    def at(self, name: str, address: str) -> Contract:
        """A contract that is there. Raises ChainError where no code is at the address."""
        address = Web3.to_checksum_address(address)
        if not self.w3.eth.get_code(address):
            raise ChainError(f"{address}: no contract on chain {self.w3.eth.chain_id}; wrong chain or wrong address?")
        return self.w3.eth.contract(address, abi=artefacts.load(name)["abi"])

    def fund(self, address: str) -> None:
        """Give an account of a test chain what it needs for gas."""
        if self.w3.eth.get_balance(Web3.to_checksum_address(address)) < FUNDS_WEI // 2 and self.w3.eth.accounts:
            sent = self.w3.eth.send_transaction(
                {
                    "from": self.w3.eth.accounts[0],
                    "to": Web3.to_checksum_address(address),
                    "value": FUNDS_WEI,  # type: ignore[typeddict-item]
                    "gas": 21_000,
                }
            )
            self.w3.eth.wait_for_transaction_receipt(sent)

    def wait(self, seconds: int) -> None:
        """Let time pass on a test chain. Raises ChainError on a real one, where nobody can."""
        if self.embedded:
            self.w3.provider.ethereum_tester.time_travel(self.now() + seconds)  # type: ignore[attr-defined]
            self.w3.provider.ethereum_tester.mine_block()  # type: ignore[attr-defined]
            return
        answers = [self.w3.provider.make_request(*ask) for ask in (("evm_increaseTime", [seconds]), ("evm_mine", []))]  # type: ignore[arg-type]
        if any("error" in answer for answer in answers):
            raise ChainError(f"{seconds} s must pass on this chain first; the same command goes on then")

    def now(self) -> int:
        """The last block's time [s]."""
        return int(self.w3.eth.get_block("latest")["timestamp"])

    def _must_be_true(self, receipt: Any, sent: bytes) -> None:
        block = self.w3.eth.get_block(receipt["blockNumber"])
        if (
            receipt["transactionHash"] != sent
            or sent not in block["transactions"]
            or block["hash"] != receipt["blockHash"]
        ):
            raise ChainError("the node gave a receipt that its own block does not bear out; use another node")


def connect(url: str | None = None, chain_id: int | None = None) -> Chain:
    """The embedded chain, or the node at a URL. Raises ChainError where it does not answer or is another chain."""
    chain = Chain(Web3(HTTPProvider(url) if url else EthereumTesterProvider()), url is None)
    try:
        found = chain.w3.eth.chain_id
    except (requests.RequestException, Web3Exception, ValueError) as error:
        raise ChainError(f"{url}: no node answers ({type(error).__name__})") from error
    if chain_id is not None and found != chain_id:
        raise ChainError(f"{url}: is chain {found}, not {chain_id}")
    return chain


def known_key(name: str) -> LocalAccount:
    """A key that anyone can compute: only for a chain that dies with its process."""
    return Account.from_key(keccak(text=f"trenggalek test key of {name}"))


def key(name: str, folder: Path | None = None) -> LocalAccount:
    """The key of a name: its keystore file `NAME.json`, or the environment. Raises ChainError where neither has it."""
    variable = KEY_VARIABLE + name.upper()
    path = folder / f"{name}.json" if folder else None
    if path and path.is_file():
        password = os.environ.get(PASSWORD_VARIABLE)
        if password is None:
            raise ChainError(f"{path}: set {PASSWORD_VARIABLE} to open it")
        try:
            return Account.from_key(Account.decrypt(json.loads(path.read_text(encoding="utf-8")), password))
        except (ValueError, KeyError, TypeError) as error:
            raise ChainError(f"{path}: is no keystore that {PASSWORD_VARIABLE} opens ({error})") from error
    if variable in os.environ:
        try:
            return Account.from_key(os.environ[variable])
        except Exception as error:
            raise ChainError(f"{variable}: is no private key") from error
    raise ChainError(f"no key of {name}: give --keystore a folder with {name}.json, or set {variable}")
