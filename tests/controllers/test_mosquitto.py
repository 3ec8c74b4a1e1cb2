"""Debian's mosquitto with TLS and passwords; and the central monitor on several controllers.

Where mosquitto is missing, Debian's package is installed if that may be done; else these tests are skipped.
"""

import contextlib
import datetime
import ipaddress
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest
from controllers_bundles import SITE
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controllers.central import watch
from controllers.io import Shown
from controllers.io.messages import decode
from controllers.io.mqtt import Broker, MqttStreet, client_of, start
from twin.hil.run import mosquitto
from twin.run import Run

INSTALL = ("apt-get", "install", "-y", "-q", "--no-install-recommends", "mosquitto")


def there() -> bool:
    return mosquitto() is not None and shutil.which("mosquitto_passwd") is not None


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not there() and os.geteuid() == 0 and shutil.which("apt-get"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(INSTALL, env=quiet, capture_output=True, timeout=120, check=False)
    if not there():
        pytest.skip(f"mosquitto is not installed: {' '.join(INSTALL)}")


def certificate(folder) -> None:
    """A certificate of 127.0.0.1 that is its own authority: ca.pem, key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))


@pytest.fixture
def broker(tmp_path):
    """A mosquitto that wants TLS, a name and a password."""
    certificate(tmp_path)
    subprocess.run(
        ["mosquitto_passwd", "-c", "-b", tmp_path / "users", "cabinet", "right"], check=True, capture_output=True
    )
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {tmp_path}/users", "user root",
             f"certfile {tmp_path}/ca.pem", f"keyfile {tmp_path}/key.pem", "log_type none"]  # fmt: skip
    (tmp_path / "conf").write_text("\n".join([*lines, ""]))
    process = subprocess.Popen([str(mosquitto()), "-c", tmp_path / "conf"], stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    yield Broker("127.0.0.1", port, "cabinet", "right", str(tmp_path / "ca.pem"))
    process.terminate()
    process.wait()


def test_a_controller_gets_in_by_tls_and_password_alone(broker):
    heard, got = [], threading.Event()
    client = client_of(broker, "test")
    client.on_connect = lambda c, *_: c.subscribe("+/status")
    client.on_message = lambda c, u, m: (heard.append((m.topic, decode(m.payload)["online"])), got.set())
    start(client, broker)
    wrong = MqttStreet(Broker(broker.host, broker.port, "cabinet", "wrong", broker.ca_file), SITE, "wrong", "digest")
    right = MqttStreet(broker, SITE, "right", "digest")
    assert got.wait(20)
    time.sleep(0.5)
    assert heard == [("right/status", True)]
    for street in (wrong, right):
        street.close()
    client.disconnect()
    client.loop_stop()


def test_the_central_monitor_sees_every_controller_and_one_go_dark(broker, tmp_path):
    found = {}
    seconds = 8.0
    watcher = threading.Thread(target=lambda: found.update(watch(broker, "t", tmp_path / "history.sqlite", seconds)))
    watcher.start()
    streets = [MqttStreet(broker, SITE, f"t/j{i}", "digest") for i in range(3)]
    begun = time.monotonic()
    while time.monotonic() - begun < seconds - 3:
        for i, street in enumerate(streets):
            street.show(Shown(["Grr"], ["policy"], [0], ["lamp failure: corner"] if i == 1 else []))
        time.sleep(0.3)
    streets[2].close()
    watcher.join(30)
    assert found["controllers"] == 3
    assert {(one["controller"], one["kind"]) for one in found["alarms"]} == {("j1", "lamp failure"), ("j2", "dark")}
    with Run.open(tmp_path / "history.sqlite") as opened:
        assert set(opened.table("status")["controller"]) == {"j0", "j1", "j2"}
        assert opened.table("alarm")["repair_h"].tolist() == [4.0, 2.0]
    for street in streets[:2]:
        street.close()
