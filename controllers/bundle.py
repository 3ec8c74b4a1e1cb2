"""A bundle: the folder in which a policy leaves home, checked to the last byte before it may run.

`manifest.json` names every file with its size and SHA-256, and holds a digest of itself; `contract.json` says what the
policy takes, gives, and is held to; `golden.json` holds inputs with the answers that this very policy gave;
`policy.onnx` its network, where it has one; `signature.json` an Ed25519 signature of the manifest, where it was signed.
Nothing in it can be executed. The same policy gives the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controllers.errors import BundleError, ControllerError
from controllers.onnx_file import check_onnx
from controllers.site import canonical

FORMAT = 1
MANIFEST, CONTRACT, GOLDEN, POLICY, SIGNATURE = (
    "manifest.json", "contract.json", "golden.json", "policy.onnx", "signature.json",
)  # fmt: skip
MOST_BYTES = {MANIFEST: 1 << 16, CONTRACT: 4 << 20, GOLDEN: 16 << 20, POLICY: 16 << 20, SIGNATURE: 1 << 12}
MANIFEST_KEYS = {"format", "name", "kind", "files", "made_from", "versions", "digest"}


@dataclass(frozen=True)
class Bundle:
    """A bundle's checked files; `runner` is what decides (a SignalPolicy or a ReservePolicy), already proved."""

    folder: Path
    manifest: Mapping[str, Any]
    contract: Mapping[str, Any]
    signed_by: str | None
    runner: Any

    @property
    def kind(self) -> str:
        """`signals` or `battery`."""
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        """What it was called when it was made."""
        return str(self.manifest["name"])

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and so of everything."""
        return str(self.manifest["digest"])

    def _repr_html_(self) -> str:
        facts = {
            "kind": self.kind, "folder": self.folder, "digest": self.digest, "signed by": self.signed_by or "nobody",
            "made from": ", ".join(f"{key} {value}" for key, value in self.manifest["made_from"].items()) or "–",
            "files": ", ".join(f"{name} ({one['bytes']:,} bytes)" for name, one in self.manifest["files"].items()),
        }  # fmt: skip
        rows = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(str(v))}</td></tr>" for k, v in facts.items())
        return f"<h3>{html.escape(self.name)}</h3><table>{rows}</table>"


def load(folder: Path, public_key: bytes | None = None) -> Bundle:
    """A bundle that may run: hashes, schema, operators, weights, golden answers, and the signature, are right.

    With `public_key` (32 bytes, Ed25519) it must be signed by that key. Raises BundleError: one line that says which
    file, and what about it.
    """
    files = _read(folder)
    try:
        manifest = _manifest(files)
        _hashes(files, manifest)
    except (AttributeError, KeyError, TypeError) as error:
        raise BundleError(f"{MANIFEST}: is not as a manifest should be ({error})") from error
    signed_by = _signed(files, public_key)
    contract, golden = (_json(name, files[name]) for name in (CONTRACT, GOLDEN))
    if POLICY in files:
        check_onnx(POLICY, files[POLICY])
    try:
        runner = _runner(manifest["kind"], contract, files.get(POLICY))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise BundleError(f"{CONTRACT}: is not as a contract should be ({error})") from error
    runner.prove(golden)
    return Bundle(folder, manifest, contract, signed_by, runner)


def write(
    folder: Path,
    name: str,
    contract: Mapping[str, Any],
    policy: bytes | None = None,
    *,
    made_from: Mapping[str, str] | None = None,
    versions: Mapping[str, str] | None = None,
    private_key: bytes | None = None,
) -> Bundle:
    """Make a bundle: its golden answers are worked out here; it is written beside, loaded, and only then renamed.

    `private_key` (32 bytes, Ed25519) signs it. Raises BundleError if a folder of that name holds anything else.
    """
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder}: is there and is no bundle; name another folder")
    kind = str(contract["kind"])
    golden = _runner(kind, contract, policy).golden()
    files = {CONTRACT: canonical(contract), GOLDEN: canonical(golden)} | ({POLICY: policy} if policy else {})
    named = {one: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for one, data in files.items()}
    manifest: dict[str, Any] = {
        "format": FORMAT, "name": name, "kind": kind, "files": named, "made_from": dict(made_from or {}),
        "versions": dict(versions or {}),
    }  # fmt: skip
    manifest["digest"] = hashlib.sha256(canonical(manifest)).hexdigest()
    files[MANIFEST] = canonical(manifest)
    if private_key is not None:
        files[SIGNATURE] = _signature(files[MANIFEST], private_key)
    with written_beside(folder) as beside:
        for one, data in files.items():
            (beside / one).write_bytes(data)
        load(beside)
    return load(folder)


@contextlib.contextmanager
def written_beside(folder: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of `folder` at the end; after an error nothing is left of it."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
        if folder.exists():
            shutil.rmtree(folder)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def key_bytes(path: Path) -> bytes:
    """A key from a file of 64 hexadecimal digits. Raises ControllerError."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise ControllerError(f"{path}: is no key of 64 hexadecimal digits ({error})") from error
    if len(key) != 32:
        raise ControllerError(f"{path}: is no key of 64 hexadecimal digits")
    return key


def new_keys(private: Path) -> str:
    """Make a pair of keys: the private one into a new file that only its owner reads; returns the public one (hex)."""
    key = _ed25519().Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ControllerError(f"{private}: cannot be made ({error.strerror})") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.private_bytes_raw().hex() + "\n")
    return str(key.public_key().public_bytes_raw().hex())


def _read(folder: Path) -> dict[str, bytes]:
    """The files of the folder, none of them too large, none unknown, none a link."""
    if not folder.is_dir():
        raise BundleError(f"{folder}: no such folder")
    files = {}
    for path in sorted(folder.iterdir()):
        if path.name not in MOST_BYTES:
            raise BundleError(f"{path.name}: has no place in a bundle")
        state = path.lstat()
        if not stat.S_ISREG(state.st_mode):
            raise BundleError(f"{path.name}: is no regular file")
        if state.st_size > MOST_BYTES[path.name]:
            raise BundleError(f"{path.name}: has {state.st_size} bytes; at most {MOST_BYTES[path.name]} are allowed")
        files[path.name] = path.read_bytes()
    for name in (MANIFEST, CONTRACT, GOLDEN):
        if name not in files:
            raise BundleError(f"{name}: is missing")
    return files


def _manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    manifest = _json(MANIFEST, files[MANIFEST])
    if not isinstance(manifest, dict) or set(manifest) != MANIFEST_KEYS:
        raise BundleError(f"{MANIFEST}: must hold {', '.join(sorted(MANIFEST_KEYS))}")
    if manifest["format"] != FORMAT:
        raise BundleError(f"{MANIFEST}: format {manifest['format']!r}; this controller reads format {FORMAT}")
    rest = {key: value for key, value in manifest.items() if key != "digest"}
    if canonical(manifest) != files[MANIFEST] or hashlib.sha256(canonical(rest)).hexdigest() != manifest["digest"]:
        raise BundleError(f"{MANIFEST}: was changed after it was made (its digest differs)")
    return manifest


def _hashes(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    named = manifest["files"]
    if missing := sorted(set(named) - set(files)):
        raise BundleError(f"{missing[0]}: is missing")
    if extra := sorted(set(files) - set(named) - {MANIFEST, SIGNATURE}):
        raise BundleError(f"{extra[0]}: is not in the manifest")
    for name, told in named.items():
        found = hashlib.sha256(files[name]).hexdigest()
        if found != told["sha256"] or len(files[name]) != told["bytes"]:
            raise BundleError(f"{name}: was changed after the bundle was made (SHA-256 {found[:12]}…)")


def _json(name: str, data: bytes) -> Any:
    def refuse(value: str) -> float:
        raise ValueError(f"{value} is no number")

    try:
        return json.loads(data, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name}: is no JSON ({error})") from error


def _runner(kind: str, contract: Any, policy: bytes | None) -> Any:
    """What decides by a contract; heavy parts are imported only for the kind that needs them."""
    if not isinstance(contract, Mapping) or contract.get("kind") != kind:
        raise BundleError(f"{CONTRACT}: is no contract of kind {kind!r}")
    if kind == "signals":
        from controllers.policy import SignalPolicy

        make: Callable[[Any, bytes | None], Any] = SignalPolicy
    elif kind == "battery":
        from controllers.village.policy import ReservePolicy

        make = ReservePolicy
    else:
        raise BundleError(f"{MANIFEST}: kind {kind!r} is none of signals, battery")
    return make(contract, policy)


def _signature(manifest: bytes, private_key: bytes) -> bytes:
    key = _ed25519().Ed25519PrivateKey.from_private_bytes(private_key)
    public = key.public_key().public_bytes_raw()
    return canonical({"public_key": public.hex(), "signature": key.sign(manifest).hex()})


def _signed(files: Mapping[str, bytes], required: bytes | None) -> str | None:
    """The key that signed the manifest, in hexadecimal; None for an unsigned bundle."""
    if SIGNATURE not in files:
        if required is not None:
            raise BundleError(f"{SIGNATURE}: is missing, and a signature is required")
        return None
    told = _json(SIGNATURE, files[SIGNATURE])
    try:
        public, signature = bytes.fromhex(told["public_key"]), bytes.fromhex(told["signature"])
        if canonical(told) != files[SIGNATURE] or set(told) != {"public_key", "signature"}:
            raise ValueError("not as it was written")
    except (TypeError, KeyError, ValueError) as error:
        raise BundleError(f"{SIGNATURE}: is no signature ({error})") from error
    if required is not None and public != required:
        raise BundleError(f"{SIGNATURE}: was made with key {public.hex()[:12]}…, not with the one that is required")
    try:
        _ed25519().Ed25519PublicKey.from_public_bytes(public).verify(signature, files[MANIFEST])
    except ControllerError:
        raise
    except Exception as error:  # the library's InvalidSignature, or a key that is none
        raise BundleError(f"{SIGNATURE}: does not fit the manifest") from error
    return public.hex()


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise ControllerError("signatures need cryptography: pip install 'trenggalek-twin[cabinet]'") from error
    return ed25519
