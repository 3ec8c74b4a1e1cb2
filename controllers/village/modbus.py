"""An inverter over Modbus-TCP (pymodbus). The register map is ours: adapt `REGISTERS` to the inverter at hand.

| register | what | unit | |
|---|---|---|---|
| 0 | charge | 0.01 kWh | read |
| 1 | current, positive into the battery | 0.1 A, signed | read |
| 2 | cell temperature | 0.1 °C, signed | read |
| 3 | PLN is there | 0 or 1 | read |
| 4 | counts up with every measurement | - | read |
| 10 | most power into the battery | W | written |
| 11 | most power out of it | W | written |
| 12 | charge kept while PLN is there | 0.01 kWh | written |
| 13 | charging points in use | - | written |
| 14 | heartbeat: without a new value for 30 s nothing flows | - | written |
"""

from __future__ import annotations

import math
import time
from typing import Any

from controllers.errors import ControllerError
from controllers.village.guard import Allowed, Measured

READ_FROM, READ_COUNT, WRITE_FROM = 0, 5, 10
TIMEOUT_S = 2.0
NOTHING = Measured(math.nan, math.nan, math.nan, True, math.inf)


class ModbusInverter:
    """Reads measurements and writes what is allowed; a connection that fails comes back by itself."""

    def __init__(self, host: str, port: int) -> None:
        try:
            from pymodbus.client import ModbusTcpClient
        except ImportError as error:
            raise ControllerError("an inverter needs pymodbus: pip install 'trenggalek-twin[cabinet]'") from error
        self._client: Any = ModbusTcpClient(host, port=port, timeout=TIMEOUT_S, retries=0)
        self._count, self._counted_s, self._beat = -1, -math.inf, 0

    def read(self) -> Measured:
        """The last measurement and its age; NaN everywhere where the inverter does not answer."""
        registers = self._ask("read_holding_registers", READ_FROM, count=READ_COUNT)
        now_s = time.monotonic()
        if registers is None or len(registers) != READ_COUNT:
            return NOTHING
        soc, current, temperature, pln, count = registers
        if count != self._count:
            self._count, self._counted_s = count, now_s
        return Measured(soc / 100, _signed(current) / 10, _signed(temperature) / 10, pln == 1, now_s - self._counted_s)

    def write(self, allowed: Allowed) -> bool:
        """Tell the inverter; whether it took it."""
        self._beat = (self._beat + 1) % 65536
        values = [
            _word(allowed.charge_kw * 1000), _word(allowed.discharge_kw * 1000), _word(allowed.reserve_kwh * 100),
            _word(allowed.slots), self._beat,
        ]  # fmt: skip
        return self._ask("write_registers", WRITE_FROM, values=values) is not None

    def close(self) -> None:
        """Let go of the connection; the inverter misses its heartbeat and stops."""
        self._client.close()

    def _ask(self, name: str, address: int, **words: Any) -> list[int] | None:
        from pymodbus.exceptions import ModbusException

        try:
            if not self._client.connected and not self._client.connect():
                return None
            answer = getattr(self._client, name)(address, **words)
        except (ModbusException, OSError):
            self._client.close()
            return None
        return None if answer.isError() else list(answer.registers)


def _signed(word: int) -> int:
    return word - 65536 if word >= 32768 else word


def _word(value: float) -> int:
    return min(max(round(value), 0), 65535)
