"""The way of a request: draft → submitted → approved → signed → archived; it may be returned, rejected or withdrawn.

The audit trail is the only record: what a request is now is what its entries say, so the two can never disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from types import MappingProxyType

from twin.errors import PersonnelError
from twin.programmes.filing.rules import faults, kinds
from twin.programmes.filing.trail import Entry, Trail


@dataclass(frozen=True)
class Step:
    """An action: in which states it is possible, what state follows, whose it is."""

    before: frozenset[str]
    after: str
    role: str


STEPS: Mapping[str, Step] = MappingProxyType({
    "submit": Step(frozenset({"draft", "returned"}), "submitted", "applicant"),
    "withdraw": Step(frozenset({"draft", "submitted", "returned"}), "withdrawn", "applicant"),
    "return": Step(frozenset({"submitted"}), "returned", "officer"),
    "reject": Step(frozenset({"submitted"}), "rejected", "officer"),
    "approve": Step(frozenset({"submitted"}), "approved", "officer"),
    "sign": Step(frozenset({"approved"}), "signed", "head"),
    "archive": Step(frozenset({"signed"}), "archived", "officer"),
})  # fmt: skip
NEEDS_REASON = ("return", "reject")
DONE = ("signed", "archived")


@dataclass(frozen=True)
class Request:
    """A request as it stands. `documents`: name → SHA-256 of its bytes; `effective`: day on which it takes effect."""

    number: str
    kind: str
    applicant: str
    effective: date
    state: str = "draft"
    documents: Mapping[str, str] = field(default_factory=dict)
    returned: int = 0


class Desk:
    """Requests of an office, kept in an audit trail."""

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self.requests: dict[str, Request] = {}
        for entry in trail.entries:
            self._apply(entry)

    def open(self, number: str, kind: str, applicant: str, effective: date, at: datetime) -> Request:
        """Begin a draft.

        Raises:
            PersonnelError: the kind is unknown, or the number is taken.
        """
        found = [] if kind in kinds() else [f"kind {kind!r} is none of {', '.join(kinds())}"]
        found += [f"number {number!r} is taken"] if number in self.requests else []
        self._refuse(number, found)
        detail = {"kind": kind, "effective": effective.isoformat()}
        return self._add(at, applicant, "open", number, detail)

    def attach(self, number: str, name: str, content: bytes, at: datetime) -> Request:
        """Attach a document to a draft or a returned request; the trail keeps its hash, a store keeps its bytes."""
        request = self._get(number)
        found = [] if request.state in STEPS["submit"].before else [f"cannot attach while it is {request.state}"]
        if name not in kinds()[request.kind].documents:
            found.append(f"document {name!r} is none of {', '.join(kinds()[request.kind].documents)}")
        self._refuse(number, found if content else [*found, f"document {name!r} is empty"])
        return self._add(at, request.applicant, "attach", number, {name: sha256(content).hexdigest()})

    def act(self, number: str, action: str, actor: str, role: str, at: datetime, reason: str = "") -> Request:
        """Do one of `STEPS`.

        Raises:
            PersonnelError: every rule that forbids it; nothing is then written.
        """
        request = self._get(number)
        if action not in STEPS:
            self._refuse(number, [f"action {action!r} is none of {', '.join(STEPS)}"])
        step, found = STEPS[action], []
        if request.state not in step.before:
            found.append(f"cannot {action} while it is {request.state}, only while {' or '.join(sorted(step.before))}")
        if role != step.role:
            found.append(f"{action} is for the {step.role}, not the {role}")
        if (actor == request.applicant) != (step.role == "applicant"):
            found.append(f"{action}: {actor} {'is' if actor == request.applicant else 'is not'} the applicant")
        if action in NEEDS_REASON and not reason.strip():
            found.append(f"{action} needs a reason")
        if action == "submit":
            found += faults(
                request.kind, request.effective, self._filed(request, at), request.documents, self._has(request)
            )
        self._refuse(number, found)
        return self._add(at, actor, action, number, {"role": role, **({"reason": reason} if reason else {})})

    def history(self, number: str) -> list[Entry]:
        """The entries of one request."""
        return [entry for entry in self.trail.entries if entry.request == number]

    def _filed(self, request: Request, at: datetime) -> date:
        """The day of the first submission: what was filed in time and returned is not late when mended."""
        first = [entry.at for entry in self.history(request.number) if entry.action == "submit"]
        return datetime.fromisoformat(first[0] if first else at.isoformat()).date()

    def _has(self, request: Request) -> set[str]:
        return {r.kind for r in self.requests.values() if r.applicant == request.applicant and r.state in DONE}

    def _get(self, number: str) -> Request:
        if number not in self.requests:
            raise PersonnelError(f"request {number}", ["there is none of this number"])
        return self.requests[number]

    def _refuse(self, number: str, found: list[str]) -> None:
        if found:
            raise PersonnelError(f"request {number}", found)

    def _add(self, at: datetime, actor: str, action: str, number: str, detail: dict[str, str]) -> Request:
        if self.trail.entries and at < datetime.fromisoformat(self.trail.entries[-1].at):
            raise PersonnelError(f"request {number}", [f"{at.isoformat()} is before the trail's last entry"])
        self._apply(self.trail.add(at.isoformat(), actor, action, number, detail))
        return self.requests[number]

    def _apply(self, entry: Entry) -> None:
        if entry.action == "open":
            effective = date.fromisoformat(entry.detail["effective"])
            self.requests[entry.request] = Request(entry.request, entry.detail["kind"], entry.actor, effective)
            return
        old = self.requests[entry.request]
        if entry.action == "attach":
            new = replace(old, documents={**old.documents, **entry.detail})
        else:
            new = replace(old, state=STEPS[entry.action].after, returned=old.returned + (entry.action == "return"))
        self.requests[entry.request] = new
