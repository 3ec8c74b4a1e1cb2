"""What an attacker tries; each is refused, and nothing changes."""

import base64
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.app.roles import Role
from deploy.app.settings import Settings, SettingsError

X, ME = "/v1/exchange", "/v1/me"
ORDER = {"side": "sell", "kind": "limit", "price_idr": 58_800, "lots": 1}


PUBLIC = {
    ("POST", "/v1/login"), ("POST", "/v1/register"), ("GET", "/health"), ("GET", "/ready"),
    ("GET", f"{X}/certificates/{{certificate}}"), ("POST", "/v1/personnel/verify"),
    ("GET", "/v1/public/traffic/{network}"),
}  # fmt: skip


def operations(services) -> list[tuple[str, str]]:
    paths = services.client.get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, one in paths.items() for method in one]


def test_nothing_but_what_is_public_answers_without_a_token(services):
    found = operations(services)
    assert len(found) > 60
    for method, path in found:
        if (method, path) in PUBLIC:
            continue
        concrete = path
        for name, value in {"order": "1-1", "name": "siti", "number": "BKD-1", "run": "r", "table": "t"}.items():
            concrete = concrete.replace(f"{{{name}}}", value)
        concrete = re.sub(r"\{\w+\}", "1", concrete)
        answer = services(None, method, concrete)
        assert answer.status_code == 401, (method, path, answer.status_code)
        assert answer.headers["www-authenticate"] == "Bearer"


def forged(services) -> dict[str, str]:
    claims = jwt.decode(services.tokens["the-admin"], options={"verify_signature": False})
    header = jwt.get_unverified_header(services.tokens["the-admin"])
    mine = Ed25519PrivateKey.generate()
    tampered = services.tokens["the-seeker"].split(".")
    tampered[1] = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    public = services.app.state.accounts.tokens.jwks()["keys"][0]["x"] * 2
    own = services.app.state.accounts.tokens
    old = {**claims, "exp": int(time.time()) - 60}
    return {
        "another key": jwt.encode(claims, mine, "EdDSA", header),
        "payload changed": ".".join(tampered),
        "algorithm none": f"{none}.{tampered[1]}.",
        "public key as secret": jwt.encode(claims, public, "HS256"),
        "expired": jwt.encode(old, own._key, "EdDSA"),
        "another audience": jwt.encode({**claims, "aud": "else"}, own._key, "EdDSA"),
        "without end": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, own._key, "EdDSA"),
        "another epoch": jwt.encode({**claims, "epoch": 7}, own._key, "EdDSA"),
        "nobody": jwt.encode({**claims, "sub": "no-such-one"}, own._key, "EdDSA"),
        "junk": "a.b.c", "huge": "a" * 9000,
    }  # fmt: skip


def test_forged_and_expired_tokens(services):
    assert services("the-admin", "GET", "/v1/accounts").status_code == 200
    for name, token in forged(services).items():
        headers = {"Authorization": f"Bearer {token}"}
        assert services(None, "GET", "/v1/accounts", headers=headers).status_code == 401, name


def test_a_token_ends_with_logout_lock_and_password(services):
    old = services.tokens["the-trader"]
    services.ok("the-trader", "POST", "/v1/logout")
    assert services("the-trader", "GET", ME).status_code == 401
    services.tokens["the-trader"] = services.app.state.accounts.log_in("the-trader", "kata-sandi-panjang")
    services.ok("the-admin", "PUT", "/v1/accounts/the-trader/roles", {"roles": ["trader"], "active": False})
    assert services("the-trader", "GET", ME).status_code == 401
    login = {"name": "the-trader", "password": "kata-sandi-panjang"}
    assert services(None, "POST", "/v1/login", login).status_code == 401
    assert old


def test_roles_are_kept_apart(services):
    wrong = [
        ("the-seeker", "POST", f"{X}/orders", ORDER), ("the-trader", "POST", f"{X}/deposits", {"member": "the-trader", "amount_idr": 10}),
        ("the-exchange", "POST", f"{X}/issues", {"member": "the-trader", "batch": "b", "tco2e": 1}),
        ("the-admin", "POST", f"{X}/orders", ORDER), ("the-trader", "GET", "/v1/audit", None),
        ("the-employer", "POST", "/v1/jobtren/match-runs", {}), ("the-trader", "GET", "/metrics", None),
        ("the-officer", "POST", "/v1/personnel/requests", {"kind": "leave", "effective": "2099-01-01"}),
        ("the-seeker", "POST", "/v1/twin/what-ifs", {"scenario": "smoke"}),
        ("the-analyst", "POST", "/v1/accounts", {"name": "mallory", "password": "x" * 12, "roles": ["admin"]}),
    ]  # fmt: skip
    for who, method, path, body in wrong:
        assert services(who, method, path, body).status_code == 403, (who, path)
    sneaky = {"name": "mallory", "password": "x" * 12, "role": "admin"}
    assert services(None, "POST", "/v1/register", sneaky).status_code == 422


def test_other_peoples_orders_and_accounts(market):
    placed = market.ok("andi", "POST", f"{X}/orders", ORDER)["order"]["order"]
    assert market("budi", "DELETE", f"{X}/orders/{placed}").status_code == 404
    assert market.ok("budi", "GET", f"{X}/orders") == []
    assert market.ok("andi", "GET", f"{X}/orders?only_open=true")[0]["order"] == placed
    taken = {"name": "oidc-andi", "password": "x" * 12, "role": "seeker"}  # names of another issuer begin with oidc:
    assert services_name(market, taken) == "oidc-andi"
    for name in ("oidc:andi", "#exchange", "ANDI", "andi "):
        assert market(None, "POST", "/v1/register", {**taken, "name": name}).status_code == 422


def services_name(services, body) -> str:
    return services.ok(None, "POST", "/v1/register", body)["name"]


@pytest.mark.parametrize("text", ["' OR '1'='1", "admin'--", "'; DROP TABLE account; --", "admin\u0000", "\ud800"])
def test_sql_injection(services, text):
    body = json.dumps({"name": text, "password": text})
    raw = {"content": body, "headers": {"content-type": "application/json"}}
    assert services(None, "POST", "/v1/login", **raw).status_code in (401, 422)
    assert services("the-admin", "GET", "/v1/accounts").status_code == 200


@pytest.mark.parametrize("text", ["{{7*7}}", "${7*7}", "<script>alert(1)</script>", "{% for x in y %}"])
def test_templates_and_scripts_stay_text(services, text):
    services.app.state.accounts.make("mallory", "kata-sandi-panjang", {Role.EMPLOYER}, full_name=text)
    services.tokens["mallory"] = services.app.state.accounts.log_in("mallory", "kata-sandi-panjang")
    told = services("mallory", "GET", "/v1/me/data")
    assert told.json()["account"]["full_name"] == text
    assert told.headers["content-type"] == "application/json"
    assert told.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", [
    "/v1/twin/runs/..%2F..%2Fetc%2Fpasswd/kpis", "/v1/twin/runs/../../etc/passwd/kpis", "/../../etc/passwd",
    "/v1/twin/runs/%2e%2e%2f%2e%2e/kpis", "/static/..%2F..%2Fsettings.py", "/v1/twin/runs/a%00b/kpis",
])  # fmt: skip
def test_path_traversal(services, path):
    answer = services("the-analyst", "GET", path)
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text


def test_oversize_bodies(services):
    most = services.app.state.settings.most_body_bytes
    raw = {"headers": {"content-type": "application/octet-stream"}}
    assert (
        services("the-librarian", "PUT", "/v1/laras/documents/a.md", content=b"x" * (most + 1), **raw).status_code
        == 413
    )

    def in_pieces():
        for _ in range(most // 65_536 + 2):
            yield b"x" * 65_536

    assert services("the-librarian", "PUT", "/v1/laras/documents/a.md", content=in_pieces(), **raw).status_code == 413
    deep = {"content": "[" * 100_000, "headers": {"content-type": "application/json"}}
    assert services(None, "POST", "/v1/login", **deep).status_code in (400, 422)
    long = {"name": "a" * 10_000, "password": "b"}
    assert services(None, "POST", "/v1/login", long).status_code == 422


def test_a_misspelt_parameter_is_no_default(services):
    assert services("the-seeker", "GET", f"{X}/book?levels=3").status_code == 200
    misspelt = services("the-seeker", "GET", f"{X}/book?levls=3")
    assert (misspelt.status_code, "levls" in misspelt.json()["detail"]) == (422, True)


def test_a_replayed_key_is_another_members_own(market):
    market.ok("andi", "POST", f"{X}/orders", ORDER, key="same-key")
    assert market("budi", "POST", f"{X}/orders", {**ORDER, "side": "buy"}, key="same-key").status_code == 200
    assert market("andi", "POST", f"{X}/orders", {**ORDER, "lots": 2}, key="same-key").status_code == 409
    assert market("andi", "POST", f"{X}/orders", ORDER, key="x").status_code == 422
    answer = market.client.post(f"{X}/orders", json=ORDER, headers={"Authorization": f"Bearer {market.tokens['andi']}"})
    assert answer.status_code == 422  # without a key


def test_guessing_passwords_is_slowed(tmp_path, served_with):
    services = served_with(rate_login="5/minute")
    answers = [services(None, "POST", "/v1/login", {"name": "the-admin", "password": "guess"}) for _ in range(8)]
    assert [one.status_code for one in answers] == [401] * 5 + [429] * 3
    assert answers[-1].headers["retry-after"] == "60"
    unknown = services(None, "POST", "/v1/login", {"name": "no-such-one", "password": "guess"})
    assert unknown.status_code == 429  # by address too


def test_too_many_requests(served_with):
    services = served_with(rate_account="10/minute", rate_anonymous="10/minute")
    assert [services("the-seeker", "GET", ME).status_code for _ in range(12)] == [200] * 10 + [429] * 2
    junk = [services(None, "GET", ME, headers={"Authorization": f"Bearer junk{i}"}).status_code for i in range(12)]
    assert junk == [401] * 10 + [429] * 2  # a new junk token each time is still one address


def test_a_socket_needs_a_token_and_may_not_flood(market):
    with market.client.websocket_connect(f"{X}/feed") as socket:
        socket.send_json({"token": "junk"})
        assert socket.receive()["code"] == 1008
    with market.client.websocket_connect(f"{X}/feed") as socket:
        socket.send_json({"token": market.tokens["andi"]})
        for _ in range(3_000):
            socket.send_json({"do": "nothing"})
        told = {"code": None}
        while told.get("code") is None:
            told = socket.receive()
        assert told["code"] == 1008
    headers = {"Authorization": f"Bearer {market.tokens['andi']}"}
    assert market("andi", "GET", f"{X}/account").status_code == 200
    for text in (
        "no json",
        "[]",
        '{"do": ["place"], "key": "12345678"}',
        '{"do": "place", "key": "12345678", "args": 7}',
    ):
        with market.client.websocket_connect(f"{X}/feed", headers=headers) as socket:
            socket.send_text(text)
            told = socket.receive()
            assert told.get("code") == 1008 or json.loads(told["text"])["status"] == 422


def test_a_socket_ends_with_its_token(market):
    headers = {"Authorization": f"Bearer {market.tokens['andi']}"}
    with market.client.websocket_connect(f"{X}/feed", headers=headers) as socket:
        market.ok("andi", "POST", "/v1/logout")
        socket.send_json({"do": "place", "key": "after-the-end", "args": ORDER})
        assert socket.receive_json()["status"] == 401


class Issuer:
    """Another identity provider: its keys over HTTP, its tokens."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        x = base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).rstrip(b"=").decode()
        keys = json.dumps(
            {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "theirs", "alg": "EdDSA", "x": x}]}
        ).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(keys)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, key=None, **changes) -> str:
        now = int(time.time())
        claims = {"iss": "https://login.example", "aud": "trenggalek-services", "sub": "u-17", "iat": now,
                  "exp": now + 600, "roles": ["trader", "king"]} | changes  # fmt: skip
        return jwt.encode(claims, key or self.key, "EdDSA", {"kid": "theirs"})


def test_another_issuers_tokens_count_by_its_own_keys(served_with):
    issuer = Issuer()
    services = served_with(oidc_issuer="https://login.example", oidc_jwks_url=issuer.url)
    services.tokens["theirs"] = issuer.token()
    assert services.ok("theirs", "GET", ME) == {"name": "oidc:u-17", "roles": ["trader"], "active": True}
    assert services("theirs", "POST", f"{X}/account").status_code == 200
    assert services("theirs", "GET", "/v1/me/data").json()["account"] is None
    forged = {"key": Ed25519PrivateKey.generate()}, {"iss": "https://evil.example"}, {"aud": "else"}, {"exp": 1}
    for changes in forged:
        services.tokens["forged"] = issuer.token(**changes)
        assert services("forged", "GET", ME).status_code == 401, changes
    issuer.server.shutdown()
    issuer.server.server_close()


def test_cookies_and_other_sites_get_nowhere(services):
    cookie = {"Cookie": f"session={services.tokens['the-admin']}", "Origin": "https://evil.example"}
    assert services(None, "GET", "/v1/accounts", headers=cookie).status_code == 401
    assert "access-control-allow-origin" not in services("the-admin", "GET", "/v1/accounts", headers=cookie).headers


def test_a_changed_audit_log_is_found(services):
    services.ok("the-admin", "POST", "/v1/accounts", {"name": "mallory", "password": "x" * 12, "roles": []})
    assert services.ok("the-admin", "GET", "/v1/audit/faults") == {"faults": []}
    (path,) = services.app.state.audit.folder.glob("*.jsonl")
    path.write_text(path.read_text().replace("mallory", "malice!"))
    assert "was changed" in services.ok("the-admin", "GET", "/v1/audit/faults")["faults"][0]


def test_no_start_without_a_secret_where_others_can_reach_it(tmp_path):
    from deploy.app.settings import with_secret

    with pytest.raises(SettingsError, match="TWIN_DEPLOY_SECRET"):
        with_secret(Settings(data=tmp_path, host="0.0.0.0"))
    with pytest.raises(SettingsError, match="32"):
        Settings(data=tmp_path, secret="short").must_be_safe()
    made, was_made = with_secret(Settings(data=tmp_path))
    assert was_made
    assert (tmp_path / "development.secret").stat().st_mode & 0o77 == 0
    assert made.secret.get_secret_value() not in repr(made)


def test_nobody_is_called_like_a_place_of_the_ledger(services):
    for name in ("registry", "retired", "cancelled"):
        refused = services(
            "the-admin", "POST", "/v1/accounts", {"name": name, "password": "x" * 12, "roles": ["trader"]}
        )
        assert refused.status_code == 422, name
        assert "place of the credit ledger" in refused.json()["detail"]
