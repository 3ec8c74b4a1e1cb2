"""A chain and the accounts on it: the embedded one by default, any JSON-RPC node where an address is given."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from requests.exceptions import RequestException
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import Web3Exception, Web3RPCError
from web3.types import TxReceipt

from contracts.artefacts import load
from contracts.errors import ChainError, in_words, revert_data

GAS = 8_000_000  # always given: estimating costs a second execution, and hides a revert's reason
TIP_WEI = 10**9
TEST_MNEMONIC = "test test test test test test test test test test test junk"
KEYS_VARIABLE, KEYSTORE_VARIABLE, PASSWORD_VARIABLE = "TWIN_CHAIN_KEYS", "TWIN_CHAIN_KEYSTORE", "TWIN_CHAIN_PASSWORD"


@dataclass
class Chain:
    """A connection, the number of every sender's next transaction, and the gas that was used."""

    web3: Web3
    tester: Any = None  # eth-tester, where the chain is embedded
    nonces: dict[str, int] = field(default_factory=dict)
    gas_used: list[tuple[str, int]] = field(default_factory=list)
    _read: dict[str | None, tuple[bytes, list[Any]]] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The chain's number, which every signature carries."""
        return int(self.web3.eth.chain_id)

    @property
    def now_s(self) -> int:
        """Time of the newest block, Unix seconds."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    @property
    def is_test(self) -> bool:
        """Whether its time can be moved: the embedded chain, or one with a development node's number."""
        return self.tester is not None or self.id in (31_337, 1_337)

    def advance(self, seconds: int) -> None:
        """Let time pass, where the chain is a test one. Raises ChainError elsewhere."""
        if self.tester is not None:
            self.tester.time_travel(self.now_s + seconds)
            self.tester.mine_block()
            return
        for method, given in (("evm_increaseTime", [seconds]), ("evm_mine", [])):
            answer = self.web3.provider.make_request(method, given)  # type: ignore[arg-type]
            if "error" in answer:
                raise ChainError(f"this node's time cannot be moved ({method}: {answer['error']})")

    def send(self, sender: LocalAccount, call: Any, what: str) -> TxReceipt:
        """Sign a contract's call or constructor, send it, and give its receipt.

        Raises ChainError in plain words where it reverts, the node is down, or its receipt is not of this transaction.
        """
        nonce = self.nonces.get(sender.address)
        try:
            if nonce is None:
                nonce = self.web3.eth.get_transaction_count(sender.address, "pending")
            base = self.web3.eth.get_block("latest")["baseFeePerGas"]
            fees = {"maxFeePerGas": 2 * base + TIP_WEI, "maxPriorityFeePerGas": TIP_WEI}
            built = call.build_transaction(
                {"from": sender.address, "nonce": nonce, "gas": GAS, "chainId": self.id, **fees}
            )
            signed = sender.sign_transaction(built)
            tx = self.web3.eth.send_raw_transaction(signed.raw_transaction)
            receipt = self.web3.eth.wait_for_transaction_receipt(tx, timeout=60, poll_latency=0.01)
        except (Web3Exception, RequestException, OSError, ValueError) as error:
            self.nonces.pop(sender.address, None)  # asked of the node again
            raise self._failure(error, what) from error
        except Exception as error:  # eth-tester's own refusals have no common class with the others
            if type(error).__module__.split(".")[0] not in ("eth_tester", "eth", "eth_utils"):
                raise
            self.nonces.pop(sender.address, None)
            raise self._failure(error, what) from error
        if receipt["transactionHash"] != signed.hash or receipt["from"] != sender.address:
            raise ChainError(f"{what}: the node answered with another transaction's receipt; use another node")
        self.nonces[sender.address] = nonce + 1
        if receipt["status"] != 1:
            raise ChainError(f"{what}: {self._why(built)}")
        self.gas_used.append((what, receipt["gasUsed"]))
        return receipt

    def _why(self, built: Any) -> str:
        """Why a mined transaction reverted: the same call once more, unsent."""
        again = {key: built[key] for key in ("from", "to", "data", "gas") if built.get(key)}
        try:
            self.web3.eth.call(again)  # type: ignore[arg-type]
        except Exception as error:  # whatever the provider raises carries the revert's data
            return in_words(revert_data(error) or b"")
        return "reverted, and would not now"

    @staticmethod
    def _failure(error: Exception, what: str) -> ChainError:
        data = revert_data(error)
        if data is not None:
            return ChainError(f"{what}: {in_words(data)}")
        if isinstance(error, RequestException | OSError):
            return ChainError(
                f"{what}: the node is down ({type(error).__name__}); nothing is lost, run the command again"
            )
        message = error.message if isinstance(error, Web3RPCError) else str(error)
        return ChainError(f"{what}: the node refused: {message or type(error).__name__}")

    def fund(self, sender: LocalAccount, to: str, wei: int) -> None:
        """Give an account what it needs to send transactions."""
        nonce = self.web3.eth.get_transaction_count(sender.address, "pending")
        fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": TIP_WEI}
        given: Any = {"to": to, "value": wei, "nonce": nonce, "gas": 21_000, "chainId": self.id, "type": 2, **fees}
        self.web3.eth.wait_for_transaction_receipt(
            self.web3.eth.send_raw_transaction(sender.sign_transaction(given).raw_transaction)
        )
        self.nonces[sender.address] = nonce + 1

    def logs(self, contract: Contract, event: str) -> list[Any]:
        """All events of one kind that a contract has emitted, in the chain's order.

        The chain is asked once for all kinds and again when it has a new block; the embedded one, which searches all
        its blocks each time, once for all contracts.
        """
        address = None if self.tester is not None else contract.address
        newest = bytes(self.web3.eth.get_block("latest")["hash"])
        if self._read.get(address, (b"",))[0] != newest:
            wanted: Any = {"fromBlock": 0, "toBlock": "latest"} | ({"address": address} if address else {})
            self._read[address] = newest, list(self.web3.eth.get_logs(wanted))
        kind = contract.events[event]()
        topic = bytes(Web3.to_bytes(hexstr=kind.topic))
        return [
            kind.process_log(log)
            for log in self._read[address][1]
            if log["address"] == contract.address and log["topics"] and bytes(log["topics"][0]) == topic
        ]

    def deploy(self, sender: LocalAccount, name: str, *given: Any) -> Contract:
        """Deploy a contract from its committed artefact."""
        artefact = load(name)
        factory = self.web3.eth.contract(abi=artefact["abi"], bytecode=artefact["bytecode"])
        receipt = self.send(sender, factory.constructor(*given), f"deploy {name}")
        return self.at(name, str(receipt["contractAddress"]))

    def at(self, name: str, address: str) -> Contract:
        """A contract that is there. Raises ChainError where no code is."""
        checked = Web3.to_checksum_address(address)
        if not self.web3.eth.get_code(checked):
            raise ChainError(f"{address}: there is no contract on chain {self.id}; is it the right node?")
        return self.web3.eth.contract(address=checked, abi=load(name)["abi"])


def embedded(accounts: int = 13) -> tuple[Chain, list[LocalAccount]]:
    """A chain inside this process, and accounts that have money on it: everybody knows their keys (a test mnemonic)."""
    from eth_tester import EthereumTester, PyEVMBackend
    from web3 import EthereumTesterProvider

    backend = PyEVMBackend.from_mnemonic(TEST_MNEMONIC, num_accounts=accounts, hd_path="m/44'/60'/0'/0")
    tester = EthereumTester(backend)
    found = [Account.from_key(key.to_bytes()) for key in backend._key_lookup.values()]
    return Chain(Web3(EthereumTesterProvider(tester)), tester), found


def node(url: str, chain_id: int | None = None) -> Chain:
    """A chain behind a JSON-RPC URL. Raises ChainError where nobody answers or the chain is another one."""
    chain = Chain(Web3(Web3.HTTPProvider(url, request_kwargs={"timeout": 30})))
    try:
        found = chain.id
    except (RequestException, OSError, Web3Exception) as error:
        raise ChainError(f"{url}: no node answers ({type(error).__name__}); start one or give another URL") from error
    if chain_id is not None and found != chain_id:
        raise ChainError(f"{url}: is chain {found}, not {chain_id}; give the right node or the right number")
    return chain


def known_account(name: str) -> LocalAccount:
    """An account for the embedded chain whose key everybody can work out from a name."""
    found: LocalAccount = Account.from_key(Web3.keccak(text=f"embedded/{name}"))
    return found


def _unlocked(file: Path) -> LocalAccount:
    found: LocalAccount = Account.from_key(
        Account.decrypt(file.read_text(encoding="utf-8"), os.environ.get(PASSWORD_VARIABLE, ""))
    )
    return found


def account_of(name: str) -> LocalAccount:
    """The account of a keystore file `NAME.json`, or `NAME`. Raises ChainError where there is none."""
    folder = Path(os.environ.get(KEYSTORE_VARIABLE, ""))
    for file in (folder / f"{name}.json", folder / name):
        if file.is_file():
            try:
                return _unlocked(file)
            except Exception as error:
                raise ChainError(
                    f"{file}: cannot be opened with {PASSWORD_VARIABLE} ({type(error).__name__})"
                ) from None
    raise ChainError(f"no key of {name}: put its keystore file {name}.json into the folder {KEYSTORE_VARIABLE} names")


def accounts_given() -> list[LocalAccount]:
    """Accounts from the keystore folder or the keys that the environment names, and from nowhere else.

    Raises ChainError where there are none or one cannot be opened. No message ever holds a key.
    """
    folder, keys = os.environ.get(KEYSTORE_VARIABLE), os.environ.get(KEYS_VARIABLE)
    try:
        if folder:
            return [_unlocked(path) for path in sorted(Path(folder).iterdir()) if path.is_file()]
        if keys:
            return [Account.from_key(key.strip()) for key in keys.split(",")]
    except Exception as error:
        raise ChainError(
            f"a key of {KEYSTORE_VARIABLE if folder else KEYS_VARIABLE} cannot be opened ({type(error).__name__})"
        ) from None
    raise ChainError(
        f"no keys: name a folder of keystore files in {KEYSTORE_VARIABLE} (password in {PASSWORD_VARIABLE}), "
        f"or private keys with commas between in {KEYS_VARIABLE}"
    )
