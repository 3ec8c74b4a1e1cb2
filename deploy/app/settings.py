"""Settings: environment variables `TWIN_DEPLOY_…` alone; secrets have no other source, and no default."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from twin.errors import FaultsError

PREFIX = "TWIN_DEPLOY_"
SHORTEST_SECRET = 32
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class SettingsError(FaultsError):
    """Environment variables that the services cannot start with."""


class Settings(BaseSettings):
    """Every setting with its default; `TWIN_DEPLOY_DATA=/srv/twin` sets `data`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data: Path = Field(Path("deploy-data"), description="folder of everything that is kept")
    secret: SecretStr = Field(SecretStr(""), description="32 characters or more; every key is derived from it")
    old_secret: SecretStr = Field(SecretStr(""), description="the one before, so that what it sealed still opens")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data folder")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8350, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    https: bool = Field(False, description="behind TLS: cookies are Secure and HSTS is sent")
    runs: Path = Field(Path("runs"), description="folder of the twin's runs")
    mqtt: str = Field("", description="HOST:PORT of the junctions' broker; empty: signals are off")
    mqtt_username: str = Field("", description="name at the broker")
    mqtt_password: SecretStr = Field(SecretStr(""), description="password at the broker")
    mqtt_ca: str = Field("", description="file of the broker's certificate authority: TLS")
    mqtt_prefix: str = Field("trenggalek", description="topics of all controllers are below this")
    token_hours: float = Field(8.0, gt=0, le=720, description="how long a token is good [h]")
    oidc_issuer: str = Field("", description="issuer of another identity provider's tokens")
    oidc_audience: str = Field("trenggalek-services", description="audience that those tokens must have")
    oidc_jwks_url: str = Field("", description="where that provider's public keys are")
    oidc_roles_claim: str = Field("roles", description="claim of those tokens that lists roles")
    rate_anonymous: str = Field("120/minute", description="requests of an address without a valid token")
    rate_account: str = Field("6000/minute", description="requests of an account")
    rate_login: str = Field("10/minute", description="attempts to log in, by name and by address")
    most_body_bytes: int = Field(8 << 20, gt=0, description="largest request [byte]")
    exchange_hours: Literal["always", "published"] = Field(
        "always", description="published: the regular market opens 09:00 to 15:00 WIB, with a day book each"
    )

    @classmethod
    def load(cls, **given: object) -> Settings:
        """Settings of the environment, with what is given on top. Raises SettingsError with all faults."""
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValidationError as error:
            faults = [f"{PREFIX}{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()]
            raise SettingsError("environment", faults) from error

    def must_be_safe(self) -> None:
        """Raise SettingsError where the services may not start like this."""
        faults = []
        length = len(self.secret.get_secret_value())
        if length < SHORTEST_SECRET:
            have = f"has {length} characters" if length else "is not set"
            faults.append(f"{PREFIX}SECRET {have}; set it to {SHORTEST_SECRET} random characters or more")
        if bool(self.oidc_issuer) != bool(self.oidc_jwks_url):
            faults.append(f"{PREFIX}OIDC_ISSUER and {PREFIX}OIDC_JWKS_URL: set both or neither")
        if faults:
            raise SettingsError("environment", faults)

    def key(self, purpose: str, old: bool = False) -> bytes:
        """32 bytes for one purpose, derived from the secret (HKDF, RFC 5869)."""
        secret = self.old_secret if old else self.secret
        derive = HKDF(hashes.SHA256(), 32, b"trenggalek-twin", purpose.encode())
        return derive.derive(secret.get_secret_value().encode())

    @property
    def database(self) -> str:
        """URL of the database."""
        return self.database_url or f"sqlite:///{self.data / 'services.sqlite'}"


def with_secret(settings: Settings) -> tuple[Settings, bool]:
    """Settings with a secret; for this machine alone one is made and kept beside the data. The flag says so.

    Raises SettingsError where the services would be reachable from elsewhere and the environment has no secret.
    """
    if settings.secret.get_secret_value():
        return settings, False
    if settings.host not in LOOPBACK:
        settings.must_be_safe()
    path = settings.data / "development.secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    return settings.model_copy(update={"secret": SecretStr(path.read_text().strip())}), True
