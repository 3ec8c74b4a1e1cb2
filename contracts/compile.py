"""`python -m contracts.compile`: compile the contracts into their committed artefacts. Needs node."""

from contracts import artefacts
from twin.terminal import tell

if __name__ == "__main__":
    tell("compiled " + ", ".join(artefacts.write()))
