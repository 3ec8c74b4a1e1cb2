"""`python -m twin personnel …`: what can be filed by when, and whether a signed decision and its trail are good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.errors import PersonnelError
from twin.terminal import JsonFlag, print_facts, print_rows, tell

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

app = typer.Typer(no_args_is_help=True, help="Anti Mbangkong's filing: kinds of requests, signed decisions verified.")


@app.command("kinds", epilog="Example: `python -m twin personnel kinds --json`")
def kinds_of_requests(as_json: JsonFlag = False) -> None:
    """Show what can be filed: its documents, what must be signed before, its deadline, and where the rule is from."""
    from twin.programmes.facts import read

    print_rows(
        list(read("request_kinds.csv")),
        "kinds of requests (where confidence is `prior`, documents and deadlines are estimates)",
        as_json,
    )


@app.command(epilog="Example: `python -m twin personnel verify decision.pdf --certificate office.der`")
def verify(
    document: Annotated[Path, typer.Argument(metavar="FILE.pdf", help="The signed decision.")],
    certificate: Annotated[list[Path], typer.Option("--certificate", help="A trusted one (DER). Repeatable.")],
    trail: Annotated[Path | None, typer.Option("--trail", help="Also the office's audit trail (JSON lines).")] = None,
    public_key: Annotated[str, typer.Option("--public-key", help="The trail's Ed25519 key: 64 hex digits.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Say whether a PDF is whole and signed by a trusted certificate; with `--trail`, whether that bears it out.

    The trail must be unchanged and hold the entry that the decision names. Exit code 1 where anything is not good.
    """
    from twin.programmes.filing import pdf
    from twin.programmes.filing.trail import read_trail, signature_faults, trail_faults

    if public_key and trail is None:
        raise typer.BadParameter("--public-key is the key of a trail: name the trail with --trail")
    try:
        verdict = pdf.verify(_bytes(document), [_bytes(one) for one in certificate])
    except ValueError as error:
        raise PersonnelError("certificate", [f"is none in DER: {error}"]) from error
    facts = {"intact": verdict.intact, "trusted": verdict.trusted, "signer": verdict.signer}
    valid = verdict.valid
    if trail is not None:
        entries = read_trail(trail)
        changed = trail_faults(entries, _key(public_key))
        missing = (
            ["the decision names no entry of a trail"]
            if verdict.stands_on is None
            else signature_faults(entries, verdict.stands_on[1], verdict.stands_on[2], verdict.stands_on[0])
        )
        for fault in [*changed, *missing]:
            tell(f"{trail}: {fault}")
        facts |= {"trail_intact": not changed, "in_trail": not missing}
        valid = valid and not changed and not missing
    print_facts({"valid": valid, **facts}, str(document), as_json)
    if not valid:
        raise typer.Exit(1)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PersonnelError(str(path), [f"cannot be read: {error.strerror}"]) from error


def _key(public_key: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    except ValueError as error:
        raise PersonnelError("--public-key", [f"{public_key!r} is not 64 hex digits of an Ed25519 key"]) from error
