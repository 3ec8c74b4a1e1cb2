"""A city platform's HTTP interface: retries with growing waits, bounded answers, credentials from the environment."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from twin.errors import LiveError

TOKEN = "TWIN_LIVE_HTTP_TOKEN"  # noqa: S105 (the name of a variable, no token)
TIMEOUT_S = (5.0, 30.0)  # to connect, and between two parts of an answer
RETRIES = Retry(
    total=4, backoff_factor=0.5, backoff_jitter=0.2, status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None, respect_retry_after_header=True, redirect=0, raise_on_status=False,
)  # fmt: skip
MOST_ANSWER_BYTES = 1 << 24
PART_BYTES = 1 << 16


class Platform:
    """A platform at a root address. What is sent again after a fault is told apart by its event time.

    Raises LiveError where the address is none, and from every call that the platform does not answer as it should.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise LiveError(f"{url}: no http(s)://HOST/PATH; a token stands in {TOKEN} in the environment")
        self.url, self._origin = url.rstrip("/"), (parts.scheme, parts.netloc)
        self._session = requests.Session()
        self._session.mount(parts.scheme + "://", HTTPAdapter(max_retries=RETRIES))
        self._token = os.environ.get(TOKEN)
        self._session.auth = self._authorised  # its being there keeps a .netrc out

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path below the root, or at an address of the same host."""
        return self._ask("GET", path, params=query or None)[1]

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON (None where there is none) of what was sent."""
        return self._ask("POST", path, json=body)

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def _authorised(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        where = path if "://" in path else f"{self.url}{path}"
        parts = urlsplit(where)
        if (parts.scheme, parts.netloc) != self._origin:
            raise LiveError(f"{self.url}: leads to another host ({parts.netloc}), which is not followed")
        shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
        try:
            with self._session.request(
                method, where, timeout=TIMEOUT_S, allow_redirects=False, stream=True, **more
            ) as answer:  # fmt: skip
                if answer.status_code in (401, 403):
                    raise ForbiddenError(
                        f"{shown}: {answer.status_code}; {TOKEN} in the environment must hold a token that may"
                    )
                if not 200 <= answer.status_code < 300:
                    raise LiveError(f"{shown}: answered {answer.status_code} {answer.reason}")
                body = bytearray()
                for part in answer.iter_content(PART_BYTES):
                    body += part
                    if len(body) > MOST_ANSWER_BYTES:
                        raise LiveError(f"{shown}: an answer of more than {MOST_ANSWER_BYTES} bytes")
                return answer.status_code, requests.compat.json.loads(body) if body else None
        except requests.RequestException as error:
            raise LiveError(f"{shown}: cannot be reached ({type(error).__name__})") from error
        except (ValueError, RecursionError) as error:
            raise LiveError(f"{shown}: answered with something that is no JSON") from error


class ForbiddenError(LiveError):
    """A platform that does not let us in: waiting does not help."""
