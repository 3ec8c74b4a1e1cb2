"""`python -m contracts`."""

from contracts.cli import app
from twin.terminal import run_app

if __name__ == "__main__":
    run_app(app)
