"""A certificate of offset as people read it: a JSON document and an SVG page whose SHA-256 the vault keeps."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from xml.sax.saxutils import escape

from contracts.deploy import System

LINES = ("beneficiary", "reason", "tco2e", "project", "kind", "location", "standard", "holder", "retired_at_s")


def document(system: System, number: int) -> dict[str, Any]:
    """What certificate `number` certifies, read from the chain."""
    holder, at_s, id_, tco2e, beneficiary, reason = system.vault.functions.retirement(number).call()
    project, kind, location, standard, sha256 = system.credits.functions.projectOf(id_).call()
    return {
        "certificate": number, "chain": system.chain.id, "vault": system.vault.address, "holder": holder,
        "beneficiary": beneficiary, "reason": reason, "tco2e": tco2e, "vintage": str(id_), "project": project,
        "kind": kind, "location": location, "standard": standard, "document_sha256": sha256.hex(),
        "document_cid": cid_v1(sha256), "retired_at_s": at_s,
    }  # fmt: skip


def as_svg(certificate: dict[str, Any]) -> str:
    """The page. The same certificate always gives the same bytes."""
    lines = "".join(
        f'<text x="40" y="{120 + 32 * n}" font-size="16">{name}: {escape(str(certificate[name]))}</text>'
        for n, name in enumerate(LINES)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="840" height="440" font-family="sans-serif">'
        '<rect width="840" height="440" fill="white" stroke="darkgreen" stroke-width="6"/>'
        f'<text x="40" y="70" font-size="28">Certificate of carbon offset no. {certificate["certificate"]}</text>'
        f"{lines}</svg>\n"
    )


def digest(certificate: dict[str, Any]) -> bytes:
    """SHA-256 over the JSON document (keys in order, no spaces) and the page."""
    text = json.dumps(certificate, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((text + as_svg(certificate)).encode()).digest()


def attach(system: System, number: int) -> bytes:
    """Render a certificate and keep the digest of it on the chain."""
    sha256 = digest(document(system, number))
    call = system.vault.functions.attach(number, sha256)
    system.chain.send(system.roles["OPERATOR"], call, f"attach certificate {number}")
    return sha256


def cid_v1(sha256: bytes) -> str:
    """The IPFS CIDv1 (raw, sha2-256, base32) of a document with this digest: multiformats' CID specification."""
    return "b" + base64.b32encode(b"\x01\x55\x12\x20" + sha256).decode().rstrip("=").lower()
