"""A simulated inverter with a battery, behind Modbus-TCP: `python -m twin.hil.inverter --port 5020 [--speed 600]`.

Registers are those of `controllers.village.modbus`. Panels shine by day, the office draws a constant load, PLN fails
when it is told to; without a heartbeat for 30 s nothing flows. Values are for trying a controller, no model of a place.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

REGISTERS, SILENT_S, VOLTAGE_V = 15, 30.0, 48.0
CHARGE_W, DISCHARGE_W, RESERVE, SLOTS, BEAT = range(10, 15)


@dataclass
class Inverter:
    """The battery and what happens around it; `registers` are read and written by the controller."""

    soc_kwh: float = 2.4
    capacity_kwh: float = 4.8
    temperature_c: float = 30.0
    load_kw: float = 0.3
    panels_kw: float = 0.9
    pln: bool = True
    hour: float = 9.0
    stuck: bool = False  # measurements stop
    registers: list[int] = field(default_factory=lambda: [0] * REGISTERS)
    _beat: int = -1
    _silent_s: float = 0.0

    def live(self, dt_s: float) -> None:
        """Live through a while: solar and battery within what the controller allows, PLN the rest."""
        self.hour = (self.hour + dt_s / 3600) % 24
        self._silent_s = 0.0 if self.registers[BEAT] != self._beat else self._silent_s + dt_s
        self._beat = self.registers[BEAT]
        heard = self._silent_s < SILENT_S
        charge_kw = self.registers[CHARGE_W] / 1000 if heard else 0.0
        discharge_kw = self.registers[DISCHARGE_W] / 1000 if heard else 0.0
        sun_kw = self.panels_kw * max(0.0, math.sin(math.pi * (self.hour - 6) / 12))
        short_kw = self.load_kw - sun_kw
        power_kw = min(-short_kw, charge_kw) if short_kw < 0 else -min(short_kw, discharge_kw)
        if power_kw < 0 and self.pln and self.soc_kwh <= self.registers[RESERVE] / 100:
            power_kw = 0.0
        self.soc_kwh += power_kw * dt_s / 3600
        if not self.stuck:
            current = round(power_kw * 1000 / VOLTAGE_V * 10)
            count = (self.registers[4] + 1) % 65536
            values = [round(self.soc_kwh * 100), current, round(self.temperature_c * 10), int(self.pln), count]
            self.registers[:5] = [value % 65536 for value in values]


async def serve(inverter: Inverter, port: int, clock: Callable[[], float], speed: float = 1.0) -> None:
    """Serve for ever on the loopback interface; between two requests time passes `speed` times as fast as the clock."""
    last_s = clock()

    async def action(
        function: int, start: int, address: int, count: int, registers: list[int], values: list[int] | list[bool] | None
    ) -> None:
        nonlocal last_s
        now_s = clock()
        if values is None:
            inverter.registers = list(registers[:REGISTERS])
            inverter.live((now_s - last_s) * speed)
            registers[:REGISTERS] = inverter.registers
            last_s = now_s

    block = SimData(0, count=REGISTERS, values=0, datatype=DataType.UINT16)
    server = ModbusTcpServer(SimDevice(1, [block], action=action), address=("127.0.0.1", port))
    await server.serve_forever()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=5020)
    parser.add_argument("--speed", type=float, default=1.0)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Inverter(), given.port, time.monotonic, given.speed))


if __name__ == "__main__":
    main()
