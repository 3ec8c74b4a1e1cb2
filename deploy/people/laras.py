"""LARAS's API: questions to documents, whether the answers helped, and the documents themselves."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from deploy.app.accounts import Identity
from deploy.app.auth import Who, having
from deploy.app.database import Database
from deploy.app.fields import Comment, Number, Taken, raw_body
from deploy.app.problems import ALWAYS, ProblemError, documented, missing
from deploy.app.roles import Role
from deploy.app.settings import Settings
from deploy.people import questions
from deploy.release.folder import Release
from twin.errors import KnowledgeError
from twin.knowledge.documents.read import READERS
from twin.knowledge.facts import CORPUS
from twin.knowledge.index.ingest import ingest
from twin.knowledge.index.search import Searcher
from twin.knowledge.laras.answer import Answer, Citation, ask

router = APIRouter(prefix="/v1/laras", tags=["laras"], responses={**ALWAYS, **documented(409)})
Librarian = Annotated[Identity, having(Role.LIBRARIAN)]
Question = Annotated[
    str, StringConstraints(min_length=2, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(examples=["cuti lairan pirang sasi?"]),
]  # fmt: skip
ENDINGS = "|".join(sorted(ending.lstrip(".") for ending in READERS))
DocumentName = Annotated[
    str, Path(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_-]{{0,99}}\.({ENDINGS})$", examples=["cuti.md"])
]  # fmt: skip
BYTES = "application/octet-stream"


class Asked(Taken):
    """A question, as one would ask it; `on`: only what is in force then."""

    question: Question
    on: date | None = Field(None, strict=False)
    quotes: int = Field(3, ge=1, le=10)


class AnswerView(BaseModel):
    """What the documents say, or that they do not; `number` is for feedback."""

    number: int
    answer: str
    abstained: bool
    citations: list[Citation]
    seconds: float
    remarks: list[str]


class Rating(Taken):
    """Whether an answer helped."""

    satisfied: bool = Field(examples=[True])
    comment: Comment = ""


class DocumentView(BaseModel):
    """A document of the index."""

    document: str
    title: str
    passages: int
    valid_from: str
    valid_to: str
    remarks: list[str]


class Library:
    """The index in use: of the librarian's documents where there are any, else the release's, else the demo corpus."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.database = database
        self.folder = settings.data / "laras"
        self.documents, self.own_index = self.folder / "documents", self.folder / "index"
        self.lock = threading.Lock()
        self._searcher: Searcher | None = None
        self.release: Release | None = None

    def searcher(self) -> Searcher:
        """The index, opened at its first use."""
        with self.lock:
            if self._searcher is None:
                self._searcher = Searcher.open(self._index())
            return self._searcher

    def ask(self, account: str, question: str, quotes: int, on: date | None) -> tuple[int, Answer]:
        """Ask, and note question and answer."""
        answer = ask(self.searcher(), question, quotes, on)
        with self.database.session() as session:
            return questions.note(session, account, question, answer), answer

    def put(self, name: str, content: bytes) -> None:
        """Add or replace a document. Raises KnowledgeError where it cannot be read; nothing is changed then."""
        self._changed(name, content)

    def remove(self, name: str) -> None:
        """Take a document away. Raises ProblemError."""
        if not (self.documents / name).is_file():
            raise missing(f"document {name}")
        self._changed(name, None)

    def _changed(self, name: str, content: bytes | None) -> None:
        with self.lock:
            self.documents.mkdir(parents=True, exist_ok=True)
            path = self.documents / name
            before = path.read_bytes() if path.exists() else None
            _place(path, content)
            try:
                if not any(self.documents.iterdir()):
                    raise ProblemError(409, "the last document cannot be taken away; add another first", "last")
                refused = ingest(self.documents, self.own_index).refused
                if name in refused:
                    raise KnowledgeError(name, [refused[name]])
            except (KnowledgeError, ProblemError):
                _place(path, before)
                if any(self.documents.iterdir()):
                    ingest(self.documents, self.own_index)
                raise
            self._searcher = Searcher.open(self.own_index)

    def _index(self) -> FilePath:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.own_index.exists():
            return self.own_index
        if self.release is not None and (self.release.folder / "knowledge" / "index").is_dir():
            return self.release.folder / "knowledge" / "index"
        demo = self.folder / "demo"
        if not demo.exists():
            ingest(CORPUS, demo)
        return demo


def _place(path: FilePath, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def library_of(request: Request) -> Library:
    """The app's library."""
    found: Library = request.app.state.library
    return found


@router.post("/questions", response_model=AnswerView)
def post_question(request: Request, who: Who, asked: Asked) -> Any:
    """Ask: the documents' own sentences with quotes, or that they do not say."""
    number, answer = library_of(request).ask(who.name, asked.question, asked.quotes, asked.on)
    return {"number": number, **answer.as_json()}


@router.post("/questions/{number}/rating", status_code=204)
def post_rating(request: Request, who: Who, number: Number, rating: Rating) -> Response:
    """Say whether an answer to oneself helped; a later word replaces an earlier one."""
    with request.app.state.database.session() as session:
        if not questions.rate(session, who.name, number, rating.satisfied, rating.comment):
            raise missing(f"answer {number}")
    return Response(status_code=204)


@router.get("/satisfaction", response_model=dict[str, Any])
def get_satisfaction(request: Request, who: Librarian) -> Any:
    """Questions, abstentions, and how many of the rated satisfied, beside the source book's 80 %."""
    with request.app.state.database.session() as session:
        return questions.satisfaction(session)


@router.get("/documents", response_model=list[DocumentView])
def documents(request: Request, who: Who) -> Any:
    """What is in the index."""
    return [
        {"document": one.document, "title": one.title, "passages": one.chunks, "valid_from": one.valid_from,
         "valid_to": one.valid_to, "remarks": list(one.remarks)}
        for one in library_of(request).searcher().index.entries.values()
    ]  # fmt: skip


@router.put(
    "/documents/{name}",
    status_code=204,
    openapi_extra=raw_body(BYTES, "# Parkir\n\nDi halaman.\n"),
)
def put_document(
    request: Request, who: Librarian, name: DocumentName, content: Annotated[bytes, Body(media_type=BYTES)]
) -> Response:
    """Add or replace a document; with the first one the demo corpus is no longer asked."""
    library_of(request).put(name, content)
    request.app.state.audit.note(who.name, "document put", name, bytes=len(content))
    return Response(status_code=204)


@router.delete("/documents/{name}", status_code=204)
def delete_document(request: Request, who: Librarian, name: DocumentName) -> Response:
    """Take a document away."""
    library_of(request).remove(name)
    request.app.state.audit.note(who.name, "document removed", name)
    return Response(status_code=204)
