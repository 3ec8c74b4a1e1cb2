"""A decision as a PDF (fpdf2), signed as PAdES and verified with pyHanko; Ed25519 signs records, P-256 signs PDFs.

A certificate made here is self-signed: it shows that the document is whole and the office's, and is no qualified
electronic signature (TTE tersertifikasi), which only a certified Indonesian provider issues. Use theirs in `Signer`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from twin.errors import MissingExtraError, PersonnelError
from twin.programmes.filing.rules import kinds
from twin.programmes.filing.trail import Entry
from twin.programmes.filing.workflow import DONE, Request

try:
    from asn1crypto import keys as asn1_keys
    from asn1crypto import x509 as asn1_x509
    from fpdf import FPDF
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign import signers
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext
    from pyhanko_certvalidator.registry import SimpleCertificateStore
except ImportError as error:
    raise MissingExtraError("signed PDFs need pyHanko and fpdf2: pip install 'trenggalek-twin[twin]'") from error

FIELD = "Signature1"


@dataclass(frozen=True)
class Signer:
    """A private key (PKCS#8, DER) and its certificate (DER)."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True)
class Verdict:
    """What is known of a signed PDF: not a byte changed or added since signing; by a trusted certificate; by whom.

    `stands_on`: request, and number and SHA-256 of the trail's entry of its signature; None where it names none.
    """

    intact: bool
    trusted: bool
    signer: str
    stands_on: tuple[str, int, str] | None = None

    @property
    def valid(self) -> bool:
        """Whether it can be relied on."""
        return self.intact and self.trusted


def self_signed(office: str, from_day: datetime, days: int = 365) -> Signer:
    """A new P-256 key with a self-signed certificate in the name of an office."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, office), x509.NameAttribute(NameOID.COUNTRY_NAME, "ID")])
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(from_day)
        .not_valid_after(from_day + timedelta(days=days)).add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    der = serialization.Encoding.DER
    private = key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Signer(private, made.public_bytes(der))


def decision(request: Request, entry: Entry) -> bytes:
    """The decision on a signed request as a PDF that names the trail's entry of its signature; equal bytes each time.

    Raises:
        PersonnelError: the request has not been signed, or the entry is not its signature.
    """
    if request.state not in DONE:
        raise PersonnelError(f"request {request.number}", [f"is {request.state}: only a signed one has a decision"])
    if (entry.request, entry.action) != (request.number, "sign"):
        said = f"entry {entry.number} is `{entry.action}` of request {entry.request} and not its signature"
        raise PersonnelError(f"request {request.number}", [said])
    page = FPDF()
    page.set_creation_date(datetime.fromisoformat(entry.at).astimezone(UTC))
    page.set_title(request.number)
    page.set_keywords(f"{entry.number} {entry.sha256}")
    page.add_page()
    page.set_font("helvetica", "B", 14)
    page.cell(0, 10, kinds()[request.kind].title_id, new_x="LMARGIN", new_y="NEXT")
    page.set_font("helvetica", size=11)
    for label, value in (
        ("Nomor", request.number), ("Pemohon", request.applicant), ("Berlaku", request.effective.isoformat()),
        ("Ditandatangani", entry.at), ("Jejak audit", f"{entry.number}: {entry.sha256}"),
    ):  # fmt: skip
        page.multi_cell(0, 8, f"{label}: {value}".encode("latin-1", "replace").decode("latin-1"),
                        new_x="LMARGIN", new_y="NEXT")  # fmt: skip
    return bytes(page.output())


def sign(pdf: bytes, signer: Signer) -> bytes:
    """The PDF with a PAdES signature (B-B: no time stamp, which would need a server).

    Raises:
        PersonnelError: it is no PDF that can be signed.
    """
    certificate = asn1_x509.Certificate.load(signer.certificate)
    simple = signers.SimpleSigner(
        signing_cert=certificate, signing_key=asn1_keys.PrivateKeyInfo.load(signer.key),
        cert_registry=SimpleCertificateStore.from_certs([certificate]),
    )  # fmt: skip
    meta = signers.PdfSignatureMetadata(field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    try:
        return signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), meta, signer=simple).getvalue()
    except (PdfError, ValueError) as error:
        raise PersonnelError("PDF", [f"cannot be signed: {error}"]) from error


def verify(pdf: bytes, trusted: list[bytes], at: datetime | None = None) -> Verdict:
    """Whether a PDF is whole and signed by one of the `trusted` certificates (DER), valid at `at` (now).

    Raises:
        PersonnelError: it is no PDF, or bears no signature.
    """
    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        found = reader.embedded_signatures
    except (PdfError, ValueError) as error:
        raise PersonnelError("PDF", [f"cannot be read: {error}"]) from error
    if not found:
        raise PersonnelError("PDF", ["bears no signature"])
    options: dict[str, Any] = {"moment": at, "best_signature_time": at} if at is not None else {}
    roots = [asn1_x509.Certificate.load(one) for one in trusted]
    status = validate_pdf_signature(found[-1], ValidationContext(trust_roots=roots, allow_fetching=False, **options))
    start, length, after, rest = (int(one) for one in found[-1].byte_range)
    whole = bool(status.intact and status.valid) and start == 0 and after > length and after + rest == len(pdf)
    signer = str(status.signing_cert.subject.human_friendly)
    return Verdict(whole, bool(status.trusted), signer, _stands_on(reader))


def _stands_on(reader: PdfFileReader) -> tuple[str, int, str] | None:
    """What `decision` wrote into the document's title and keywords."""
    if "/Info" not in reader.trailer or not isinstance(told := reader.trailer["/Info"], dict):
        return None
    number, _, digest = str(told.get("/Keywords", "")).partition(" ")
    return (str(told.get("/Title", "")), int(number), digest) if number.isdecimal() and digest else None
