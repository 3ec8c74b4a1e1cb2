"""Keys that outlive a change of the secret: made once, kept sealed beside the data, sealed anew under a new secret."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet

from deploy.app.settings import Settings
from twin.files import write_whole

KEY_BYTES = 32


def box(settings: Settings) -> MultiFernet:
    """What seals (Fernet: AES-128-CBC and HMAC-SHA-256) with the secret, and opens what the old one sealed too."""
    keys = [settings.key("sealed")]
    if settings.old_secret.get_secret_value():
        keys.append(settings.key("sealed", old=True))
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def kept(settings: Settings, name: str, make: Callable[[], bytes] = lambda: os.urandom(KEY_BYTES)) -> bytes:
    """The key of this name."""
    path, seal = settings.data / "keys" / f"{name}.sealed", box(settings)
    value = seal.decrypt(path.read_bytes()) if path.exists() else make()
    write_whole(path, seal.encrypt(value).decode())
    path.chmod(0o600)
    return value


def without_torn_end(path: Path) -> Path:
    """A file of lines whose last one was being written when the power went: that one is kept aside as `.torn`."""
    if path.exists():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            path.with_suffix(".torn").write_bytes(data[whole:])
            os.truncate(path, whole)
    return path
