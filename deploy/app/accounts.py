"""Accounts: made, logged in to, changed, exported, erased; what a request needs of them is kept in memory."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from deploy.app.database import Database
from deploy.app.models import Account
from deploy.app.problems import ProblemError, missing
from deploy.app.roles import Role
from deploy.app.settings import Settings
from deploy.app.tokens import MOST_BYTES, Claims, TokenError, Tokens
from twin.carbon.credits.ledger import PLACES

SHORTEST_PASSWORD = 12
NAME = r"^[a-z0-9][a-z0-9_-]{2,39}$"
MOST_REMEMBERED = 20_000


@dataclass(frozen=True)
class Identity:
    """Who asks."""

    name: str
    roles: frozenset[Role]
    token_id: str = ""

    def may(self, *roles: Role) -> bool:
        """Whether one of these roles is theirs; an admin may not trade or sign for others."""
        return bool(self.roles & set(roles))


@dataclass(frozen=True)
class _Known:
    roles: frozenset[Role]
    epoch: int
    active: bool


class Accounts:
    """Accounts of the database, and who is behind a token."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.database, self.tokens = database, Tokens(settings)
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
        self._known: dict[str, _Known] = {}
        self._verified: dict[str, Claims] = {}

    def load(self) -> None:
        """Read who there is."""
        with self.database.session() as session:
            self._known = {one.name: _of(one) for one in session.scalars(sa.select(Account))}

    def make(self, name: str, password: str, roles: set[Role], full_name: str = "", contact: str = "") -> None:
        """Add an account. Raises ProblemError."""
        if not re.fullmatch(NAME, name):
            raise ProblemError(422, f"name: 3 to 40 of a-z, 0-9, - and _, not {name!r}", "bad_name")
        if name in PLACES:
            raise ProblemError(422, f"name: {name!r} is a place of the credit ledger; choose another", "bad_name")
        self._must_be_good(password)
        made = Account(
            name=name, password_hash=self._hasher.hash(password), roles=sorted(roles), full_name=full_name,
            contact=contact, active=True, epoch=0, made_at=datetime.now(UTC),
        )  # fmt: skip
        try:
            with self.database.session() as session:
                session.add(made)
        except sa.exc.IntegrityError as error:
            raise ProblemError(409, f"account {name!r} is taken", "taken") from error
        self._known[name] = _of(made)

    def log_in(self, name: str, password: str) -> str:
        """A token for whoever knows the password. Raises ProblemError 401, for all causes the same."""
        with self.database.session() as session:
            found = session.scalar(sa.select(Account).where(Account.name == name))
            try:
                self._hasher.verify(found.password_hash if found else self._nobody, password)
            except (Argon2Error, InvalidHashError):
                found = None
            if found is None or not found.active:
                raise ProblemError(401, "name or password is wrong", "bad_credentials")
            if self._hasher.check_needs_rehash(found.password_hash):
                found.password_hash = self._hasher.hash(password)
            return self.tokens.issue(found.name, found.epoch)

    def change_password(self, name: str, old: str, new: str) -> None:
        """Set another password; every token given out before ends. Raises ProblemError."""
        self.log_in(name, old)
        self._must_be_good(new)
        self._change(name, password_hash=self._hasher.hash(new))

    def set_roles(self, name: str, roles: set[Role], active: bool) -> None:
        """Change what somebody may do; their tokens end. Raises ProblemError."""
        self._change(name, roles=sorted(roles), active=active)

    def end_tokens(self, name: str) -> None:
        """Log somebody out everywhere."""
        self._change(name)

    def erase(self, name: str) -> None:
        """Take a person's data and password away; the name stays, so that what it did can still be told."""
        self._change(name, full_name="", contact="", active=False, roles=[], password_hash="!")  # noqa: S106

    def exported(self, name: str) -> dict[str, object]:
        """What the account holds about a person."""
        with self.database.session() as session:
            one = self._get(session, name)
            return {"name": one.name, "roles": one.roles, "full_name": one.full_name, "contact": one.contact,
                    "active": one.active, "made_at": one.made_at.isoformat()}  # fmt: skip

    def listed(self) -> list[dict[str, object]]:
        """Every account, without personal data."""
        return [{"name": name, "roles": sorted(one.roles), "active": one.active}
                for name, one in sorted(self._known.items())]  # fmt: skip

    def with_role(self, role: Role) -> list[str]:
        """Active accounts that have a role."""
        return [name for name, one in self._known.items() if one.active and role in one.roles]

    def remembered(self, token: str) -> Identity | None:
        """Who a token is of, where that needs neither computing much nor the network; None otherwise."""
        claims = self._verified.get(token)
        if claims is None and len(token) <= MOST_BYTES and not self.tokens.foreign(token):
            try:
                claims = self._remember(token, self.tokens.verify(token))
            except TokenError:
                return None
        return None if claims is None else self._identity(claims)

    def fetched(self, token: str) -> Identity | None:
        """Who the other issuer's token is of; may ask that issuer for its keys."""
        if len(token) > MOST_BYTES or not self.tokens.foreign(token):
            return None
        try:
            return self._identity(self._remember(token, self.tokens.verify_foreign(token)))
        except TokenError:
            return None

    def _remember(self, token: str, claims: Claims) -> Claims:
        if len(self._verified) >= MOST_REMEMBERED:
            self._verified.clear()
        self._verified[token] = claims
        return claims

    def _identity(self, claims: Claims) -> Identity | None:
        if claims.expires < time.time():
            return None
        if claims.roles is not None:
            return Identity(f"oidc:{claims.subject}"[:80], claims.roles, claims.token_id)
        known = self._known.get(claims.subject)
        if known is None or not known.active or known.epoch != claims.epoch:
            return None
        return Identity(claims.subject, known.roles, claims.token_id)

    def _change(self, name: str, **values: object) -> None:
        with self.database.session() as session:
            one = self._get(session, name)
            for key, value in values.items():
                setattr(one, key, value)
            one.epoch += 1
        self._known[name] = _of(one)

    @staticmethod
    def _get(session: sa.orm.Session, name: str) -> Account:
        found = session.scalar(sa.select(Account).where(Account.name == name))
        if found is None:
            raise missing(f"account {name!r}")
        return found

    @staticmethod
    def _must_be_good(password: str) -> None:
        if len(password) < SHORTEST_PASSWORD:
            raise ProblemError(422, f"password: {SHORTEST_PASSWORD} characters or more", "weak_password")


def _of(account: Account) -> _Known:
    return _Known(frozenset(Role(one) for one in account.roles), account.epoch, account.active)
