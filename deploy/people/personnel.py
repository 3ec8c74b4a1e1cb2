"""The personnel desk's API: the twin's workflow and rules, its signed audit trail, and its signed decisions.

The trail is the only record of what a request is (`twin.programmes.filing`); here its one writer holds a lock, and the
documents' bytes stand sealed in the database under the hashes that the trail has.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from datetime import UTC, date, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Body, Path, Request, Response
from pydantic import BaseModel, Field

from deploy.app.accounts import Identity
from deploy.app.auth import OptionalKey, having
from deploy.app.database import Database
from deploy.app.fields import Comment, Taken, one_of, raw_body
from deploy.app.keys import kept, without_torn_end
from deploy.app.problems import ALWAYS, ProblemError, documented, missing
from deploy.app.roles import Role
from deploy.app.settings import Settings
from deploy.people.models import Paper
from twin.programmes.filing import pdf
from twin.programmes.filing.rules import kinds
from twin.programmes.filing.trail import Trail
from twin.programmes.filing.workflow import DONE, STEPS, Desk
from twin.programmes.filing.workflow import Request as Filed

router = APIRouter(prefix="/v1/personnel", tags=["personnel"], responses={**ALWAYS, **documented(409)})
DESK_ROLES = {"applicant": Role.EMPLOYEE, "officer": Role.OFFICER, "head": Role.HEAD}
Anybody = Annotated[Identity, having(*DESK_ROLES.values())]
Employee = Annotated[Identity, having(Role.EMPLOYEE)]
RequestNumber = Annotated[str, Path(pattern=r"^[A-Z0-9-]{4,40}$", examples=["BKD-2026-00001"])]
Kind = Annotated[str, *one_of(kinds())]
Action = Annotated[str, *one_of(STEPS)]
DocumentName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,59}$", examples=["application"])]
OFFICE = "Badan Kepegawaian Daerah Kabupaten Trenggalek"
PDF, BYTES = "application/pdf", "application/octet-stream"
SIGNER_DAYS = 365


class NewRequest(Taken):
    """What is asked for, from when."""

    kind: Kind = Field(examples=["leave"])
    effective: date = Field(strict=False, examples=["2026-02-02"])


class Step(Taken):
    """What is done with a request; returning and rejecting need a reason."""

    action: Action
    reason: Comment = ""


class KindView(BaseModel):
    """A kind of request, and what it takes."""

    kind: str
    title: str
    documents: list[str]
    needs: str
    deadline: str
    confidence: str


class RequestView(BaseModel):
    """A request as it stands; `documents`: name and SHA-256."""

    number: str
    kind: str
    applicant: str
    effective: date
    state: str
    documents: dict[str, str]
    returned: int


class EntryView(BaseModel):
    """An entry of the trail."""

    number: int
    at: str
    actor: str
    action: str
    detail: dict[str, Any]
    sha256: str


class VerdictView(BaseModel):
    """Whether a document is whole, and signed by this office."""

    intact: bool
    trusted: bool
    valid: bool
    signer: str


class PersonnelDesk:
    """The desk with its one lock, and the office's key for decisions."""

    def __init__(self, settings: Settings, database: Database) -> None:
        folder = settings.data / "personnel"
        folder.mkdir(parents=True, exist_ok=True)
        key = Ed25519PrivateKey.from_private_bytes(kept(settings, "personnel"))
        self.desk = Desk(Trail(key, without_torn_end(folder / "trail.jsonl")))
        self.database, self.lock = database, threading.Lock()
        self.signer = _signer(settings)

    def paper(self, number: str, name: str) -> bytes | None:
        """The bytes of a document."""
        with self.database.session() as session:
            found = session.scalar(sa.select(Paper).where(Paper.request == number, Paper.name == name))
            return None if found is None else base64.b64decode(found.content)

    def keep(self, number: str, name: str, content: bytes) -> None:
        """Store the bytes of a document; another one of its name goes."""
        with self.database.session() as session:
            session.execute(sa.delete(Paper).where(Paper.request == number, Paper.name == name))
            session.add(Paper(request=number, name=name, content=base64.b64encode(content).decode()))

    def decision(self, request: Filed) -> bytes:
        """The signed decision on a request; made once, from the trail's entry of the signature."""
        with self.lock:
            if (made := self.paper(request.number, "#decision")) is None:
                entry = next(one for one in self.desk.history(request.number) if one.action == "sign")
                made = pdf.sign(pdf.decision(request, entry), self.signer)
                self.keep(request.number, "#decision", made)
        return made


def _signer(settings: Settings) -> pdf.Signer:
    """The office's key and certificate, made once; a certified provider's can be put in its place."""

    def make() -> bytes:
        made = pdf.self_signed(OFFICE, datetime.now(UTC), SIGNER_DAYS)
        return base64.b64encode(made.key) + b"." + base64.b64encode(made.certificate)

    key, _, certificate = kept(settings, "signer", make).partition(b".")
    return pdf.Signer(base64.b64decode(key), base64.b64decode(certificate))


def desk_of(request: Request) -> PersonnelDesk:
    """The app's desk."""
    found: PersonnelDesk = request.app.state.personnel
    return found


def open_request(desk: PersonnelDesk, who: str, kind: str, effective: date, key: str = "") -> Filed:
    """Begin a draft; under the same key of the same person, once. Raises ProblemError where the key was another's."""
    now = datetime.now(UTC)
    tail = hashlib.sha256(f"{who}/{key}".encode()).hexdigest()[:12] if key else secrets.token_hex(6)
    with desk.lock:
        found = next((one for number, one in desk.desk.requests.items() if key and number.endswith(tail.upper())), None)
        if found is None:
            return desk.desk.open(f"BKD-{now:%Y}-{tail.upper()}", kind, who, effective, now)
    if (found.kind, found.effective) != (kind, effective):
        raise ProblemError(409, "another request was made under this idempotency key", "key_reused")
    return found


def attach(desk: PersonnelDesk, who: Identity, number: str, name: str, content: bytes) -> Filed:
    """Attach a document to an own request: the trail refuses what does not belong, then the bytes are kept."""
    must_be_theirs(desk, number, who, Role.EMPLOYEE)
    if name == "#decision" or not content:
        raise ProblemError(422, f"document {name!r} is empty", "input_at_fault")
    with desk.lock:
        filed = desk.desk.attach(number, name, content, datetime.now(UTC))
        desk.keep(number, name, content)
    return filed


def act(desk: PersonnelDesk, who: Identity, number: str, action: str, reason: str) -> Filed:
    """Do a step in the role that it is for. Raises PersonnelError with every rule that forbids it."""
    role = STEPS[action].role
    if not who.may(DESK_ROLES[role]):
        raise ProblemError(403, f"{action} is for the {role}", "not_your_role")
    must_be_theirs(desk, number, who, DESK_ROLES[role])
    with desk.lock:
        return desk.desk.act(number, action, who.name, role, datetime.now(UTC), reason)


def must_be_theirs(desk: PersonnelDesk, number: str, who: Identity, role: Role | None = None) -> Filed:
    """A request that somebody may see: their own, or any for the desk. Raises ProblemError 404."""
    found = desk.desk.requests.get(number)
    own_only = role == Role.EMPLOYEE or not who.may(Role.OFFICER, Role.HEAD)
    if found is None or (own_only and found.applicant != who.name):
        raise missing(f"request {number}")
    return found


@router.get("/kinds", response_model=list[KindView])
async def get_kinds(who: Anybody) -> Any:
    """What can be asked for, with which documents, by when."""
    return [{"kind": one.name, "title": one.title_id, "documents": one.documents, "needs": one.needs,
             "deadline": one.deadline, "confidence": one.confidence} for one in kinds().values()]  # fmt: skip


@router.get("/requests", response_model=list[RequestView])
def requests(request: Request, who: Anybody) -> Any:
    """Own requests; for the desk, everybody's."""
    everybodys = who.may(Role.OFFICER, Role.HEAD)
    found = list(desk_of(request).desk.requests.values())
    return [vars(one) for one in found if everybodys or one.applicant == who.name][-1000:]


@router.post("/requests", response_model=RequestView, status_code=201)
def post_request(request: Request, who: Employee, wanted: NewRequest, key: OptionalKey = "") -> Any:
    """Begin a request; documents are attached, then it is submitted. Sent again under its key, it is one request."""
    return vars(open_request(desk_of(request), who.name, wanted.kind, wanted.effective, key))


@router.get("/requests/{number}", response_model=RequestView)
def get_request(request: Request, who: Anybody, number: RequestNumber) -> Any:
    """A request."""
    return vars(must_be_theirs(desk_of(request), number, who))


@router.get("/requests/{number}/trail", response_model=list[EntryView])
def get_trail(request: Request, who: Anybody, number: RequestNumber) -> Any:
    """What was done with a request."""
    must_be_theirs(desk_of(request), number, who)
    return [vars(entry) for entry in desk_of(request).desk.history(number)]


@router.put(
    "/requests/{number}/documents/{name}", response_model=RequestView, openapi_extra=raw_body(BYTES, "%PDF-1.7 …")
)
def put_document(
    request: Request, who: Employee, number: RequestNumber, name: DocumentName,
    content: Annotated[bytes, Body(media_type=BYTES)],
) -> Any:  # fmt: skip
    """Attach a document: the request's body is its bytes."""
    return vars(attach(desk_of(request), who, number, name, content))


@router.get("/requests/{number}/documents/{name}", response_class=Response, responses={
    200: {"content": {"application/octet-stream": {}}}})  # fmt: skip
def get_document(request: Request, who: Anybody, number: RequestNumber, name: DocumentName) -> Response:
    """A document's bytes; what is not what the trail says is not given out."""
    found = must_be_theirs(desk_of(request), number, who)
    content = desk_of(request).paper(number, name)
    if name not in found.documents or content is None:
        raise missing(f"document {name}")
    if hashlib.sha256(content).hexdigest() != found.documents[name]:
        raise ProblemError(409, f"document {name} is not what was attached", "changed")
    return Response(content, media_type=BYTES, headers={"content-disposition": "attachment"})


@router.post("/requests/{number}/steps", response_model=RequestView)
def step(request: Request, who: Anybody, number: RequestNumber, wanted: Step) -> Any:
    """Submit, withdraw, return, reject, approve, sign or archive: whoever's turn it is."""
    return vars(act(desk_of(request), who, number, wanted.action, wanted.reason))


@router.get("/requests/{number}/decision", response_class=Response, responses={
    200: {"content": {PDF: {}}}})  # fmt: skip
def decision(request: Request, who: Anybody, number: RequestNumber) -> Response:
    """The signed decision (PAdES)."""
    found = must_be_theirs(desk_of(request), number, who)
    if found.state not in DONE:
        raise ProblemError(409, f"request {number} is {found.state}: only a signed one has a decision", "not_signed")
    return Response(desk_of(request).decision(found), media_type=PDF, headers={"content-disposition": "attachment"})


@router.post("/verify", response_model=VerdictView, openapi_extra=raw_body(PDF, "%PDF-1.7 …"))
def verify(request: Request, content: Annotated[bytes, Body(media_type=PDF)]) -> Any:
    """Whether a PDF is whole and signed by this office; for anybody who was handed one."""
    verdict = pdf.verify(content, [desk_of(request).signer.certificate])
    return {"intact": verdict.intact, "trusted": verdict.trusted, "valid": verdict.valid, "signer": verdict.signer}
