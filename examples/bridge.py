# SPDX-License-Identifier: Apache-2.0
"""The smallest bridge: a tool that speaks lines of text on its input and output.

    python examples/bridge.py [--port PORT] [--session NAME]

Each line that it prints is where others have gone; each line that it reads is where they shall
go: `#4242`, `50%`, `main`, `rsp+8`. A bridge to a debugger does the same with its commands.
"""

from __future__ import annotations

import argparse
import sys
import threading

import reven2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=13370)
    parser.add_argument("--session", default="default")
    options = parser.parse_args()
    with reven2.bridge.join(options.session, name="lines", port=options.port) as bridge:
        threading.Thread(target=print_events, args=(bridge,), daemon=True).start()
        for line in sys.stdin:
            try:
                print(f"shown: {show(bridge, line.strip())}", flush=True)
            except reven2.errors.RevenError as error:
                print(f"error: {error}", flush=True)


def print_events(bridge: reven2.bridge.Bridge) -> None:
    for event in bridge:
        print(f"{event.origin.name}: {event}", flush=True)


def show(bridge: reven2.bridge.Bridge, text: str) -> bool:
    place = bridge.server.where(text)
    if place.address is not None:
        return bridge.show_address(place.address, name=text)
    assert place.transition is not None
    return bridge.show(place.transition)


if __name__ == "__main__":
    main()
