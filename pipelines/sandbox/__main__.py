"""Run the sandbox until it is interrupted: `python -m pipelines.sandbox [--world F] [--port N] [--seed N]`."""

from __future__ import annotations

import argparse
import sys
import threading

from pipelines.sandbox import Sandbox, generate, load


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pipelines.sandbox", description="Vendors on loopback.")
    parser.add_argument("--world", help="a world file; without one a company is made up")
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--contacts", type=int, default=2000)
    wanted = parser.parse_args()
    world = load(wanted.world) if wanted.world else generate(wanted.seed, wanted.contacts)
    with Sandbox(world, port=wanted.port, seed=wanted.seed) as sandbox:
        for name, value in sandbox.environment.items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stderr.write("stopped\n")


if __name__ == "__main__":
    main()
