"""Tokens: ours (Ed25519, keys published as JWKS) and those of another OpenID Connect issuer, verified by PyJWT."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.app.roles import Role
from deploy.app.settings import Settings

ISSUER, AUDIENCE = "trenggalek-twin", "trenggalek-services"
FOREIGN_ALGORITHMS = ["RS256", "ES256", "EdDSA"]
REQUIRED = ["exp", "iat", "sub", "iss", "aud"]
LEEWAY_S = 5
MOST_BYTES = 8192


class TokenError(Exception):
    """A token that does not count; the message says why, without its content."""


@dataclass(frozen=True)
class Claims:
    """What a valid token says; `roles` only where it comes from another issuer, which is then who knows them."""

    subject: str
    epoch: int
    token_id: str
    expires: float
    roles: frozenset[Role] | None = None


class Tokens:
    """Gives out and verifies tokens."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._key = Ed25519PrivateKey.from_private_bytes(settings.key("tokens"))
        self._public = self._key.public_key()
        self.key_id = base64.urlsafe_b64encode(self._public.public_bytes_raw()[:9]).decode()
        self._foreign = jwt.PyJWKClient(settings.oidc_jwks_url, timeout=5) if settings.oidc_jwks_url else None

    def issue(self, name: str, epoch: int, hours: float | None = None) -> str:
        """A token for an account."""
        now = int(time.time())
        life_s = 3600 * (self.settings.token_hours if hours is None else hours)
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": name, "epoch": epoch, "iat": now, "exp": int(now + life_s),
            "jti": secrets.token_urlsafe(9),
        }  # fmt: skip
        return jwt.encode(claims, self._key, "EdDSA", {"kid": self.key_id})

    def jwks(self) -> dict[str, Any]:
        """Our public keys (RFC 7517)."""
        x = base64.urlsafe_b64encode(self._public.public_bytes_raw()).rstrip(b"=").decode()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.key_id, "x": x}]}

    def foreign(self, token: str) -> bool:
        """Whether a token claims to be the other issuer's (whose keys may have to be fetched)."""
        if self._foreign is None:
            return False
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return False
        return bool(claims.get("iss") == self.settings.oidc_issuer)

    def verify(self, token: str) -> Claims:
        """The claims of one of our tokens. Raises TokenError."""
        try:
            found = jwt.decode(
                token, self._public, ["EdDSA"], issuer=ISSUER, audience=AUDIENCE, leeway=LEEWAY_S,
                options={"require": REQUIRED},
            )  # fmt: skip
            return Claims(str(found["sub"]), int(found["epoch"]), str(found["jti"]), float(found["exp"]))
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise TokenError(type(error).__name__) from error

    def verify_foreign(self, token: str) -> Claims:
        """The claims of the other issuer's token; may fetch its keys. Raises TokenError."""
        assert self._foreign is not None  # noqa: S101 (`foreign` was asked before)
        try:
            key = self._foreign.get_signing_key_from_jwt(token)
            found = jwt.decode(
                token, key.key, FOREIGN_ALGORITHMS, issuer=self.settings.oidc_issuer,
                audience=self.settings.oidc_audience, leeway=LEEWAY_S, options={"require": REQUIRED},
            )  # fmt: skip
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise TokenError(type(error).__name__) from error
        named = found.get(self.settings.oidc_roles_claim, [])
        known = {role.value for role in Role}
        roles = frozenset(Role(one) for one in named if one in known) if isinstance(named, list) else frozenset()
        return Claims(str(found["sub"]), 0, str(found.get("jti", "")), float(found["exp"]), roles)
