"""One SUMO simulation through libsumo in a process of its own; `twin.traffic.sim` starts it.

Inside one process SUMO's result can depend on what was simulated before (its memory layout decides some orders:
cologne1 with one seed gave 42.97 s or 44.13 s of delay). A fresh process gives the same bits every time.
"""

import json
import sys


def main() -> int:
    """Simulate `{"command": [...], "end_s": ...}` from standard input; SUMO's complaint goes to standard output."""
    import libsumo

    job = json.load(sys.stdin)
    try:
        libsumo.start(job["command"])
        try:
            libsumo.simulationStep(job["end_s"])
        finally:
            libsumo.close()
    except (libsumo.TraCIException, libsumo.FatalTraCIError) as error:
        sys.stdout.write(" ".join(str(error).split()))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
