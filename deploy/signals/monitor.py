"""The central monitor within the services: the controllers' own `Central`, fed by the junctions' broker."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from controllers.central import MOST_ROWS, TABLES, Central
from controllers.errors import MessageError
from controllers.io.messages import decode
from controllers.io.mqtt import Broker, address, client_of, start
from controllers.store import Store
from deploy.app.settings import Settings

LOOK_S = 1.0
MOST_CONTROLLERS = 5_000


def broker_of(settings: Settings) -> Broker:
    """The junctions' broker. Raises ControllerError where the setting is no HOST:PORT."""
    host, port = address(settings.mqtt)
    password = settings.mqtt_password.get_secret_value() or None
    return Broker(host, port, settings.mqtt_username or None, password, settings.mqtt_ca or None)


class Monitor:
    """Listens in threads of its own; `installed` is what each controller's updater told last."""

    def __init__(self, settings: Settings) -> None:
        self.prefix = settings.mqtt_prefix
        self.installed: dict[str, dict[str, Any]] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        folder: Path = settings.data / "signals"
        self._store = Store(folder / "history.sqlite", TABLES, MOST_ROWS, {"prefix": self.prefix})
        self._central = Central(self._store)
        broker = broker_of(settings)
        self._client = client_of(broker, f"services-{self.prefix}")
        self._client.on_message = self._message
        topics = [(f"{self.prefix}/+/{topic}", 1) for topic in ("state", "status", "installed")]
        self._client.on_connect = lambda client, *_: client.subscribe(topics)
        start(self._client, broker)
        self._looker = threading.Thread(target=self._look, daemon=True)
        self._looker.start()

    def publish(self, controller: str, topic: str, payload: bytes) -> None:
        """Send something to a controller."""
        self._client.publish(f"{self.prefix}/{controller}/{topic}", payload, qos=1)

    @property
    def connected(self) -> bool:
        """Whether the broker answers."""
        return bool(self._client.is_connected())

    def controllers(self) -> dict[str, dict[str, Any]]:
        """What every controller told last."""
        with self._lock:
            now_s = time.time()
            return {
                name: {"online": told.online, "silent_s": round(max(0.0, now_s - told.seen_s), 1),
                       "junctions": told.junctions, "modes": told.modes, "alarms": told.alarms, "bundle": told.bundle,
                       "installed": self.installed.get(name, {})}
                for name, told in sorted(self._central.controllers.items())
            }  # fmt: skip

    def alarms(self) -> list[dict[str, Any]]:
        """Alarms that hold, with an estimate of the repair."""
        with self._lock:
            found: list[dict[str, Any]] = self._central.summary()["alarms"]
            return found

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._client.disconnect()
        self._client.loop_stop()
        self._looker.join()
        self._store.close()

    def _message(self, client: Any, userdata: Any, arrived: Any) -> None:
        name, _, topic = arrived.topic.removeprefix(f"{self.prefix}/").rpartition("/")
        with self._lock:
            if name not in self._central.controllers and len(self._central.controllers) >= MOST_CONTROLLERS:
                return
            if topic != "installed":
                self._central.take(name, topic, bytes(arrived.payload), time.time())
                return
            try:
                self.installed[name] = decode(bytes(arrived.payload))
            except MessageError:
                self._central.junk += 1

    def _look(self) -> None:
        while not self._stop.wait(LOOK_S):
            with self._lock:
                self._central.look(time.time())
