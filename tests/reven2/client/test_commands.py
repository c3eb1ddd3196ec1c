# SPDX-License-Identifier: Apache-2.0
"""`reven listen` and `reven publish`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import reven2

REVEN = str(Path(sys.executable).with_name("reven"))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([REVEN, *words], capture_output=True, text=True, check=False)


def test_one_publishes_what_the_other_prints(
    server: reven2.RevenServer, port: int, session: str
) -> None:
    where = ("--port", str(port), "--session", session)
    follower = subprocess.Popen(
        [REVEN, "listen", *where, "--json", "-n", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert follower.stderr is not None
    assert follower.stderr.readline().startswith(f"Listening to {session} ")
    chosen = ("--scenario", server.scenario_name)
    published = run("publish", "20", *where, *chosen)
    text = str(server.trace.transition(20))
    assert (published.returncode, published.stdout) == (0, f"{text}  → {session}\n")
    server.sessions.tracked = session
    assert server.sessions.publish_address(0x1000, 4, "four")
    out, _ = follower.communicate()
    first, second = map(json.loads, out.splitlines())
    assert (first["transition"], f"#20 {first['text']}") == (20, text)
    assert (first["kind"], first["scenario"]) == ("cli", server.scenario_name)
    assert (second["address"], second["size"], second["transition"]) == ("four", 4, None)
    assert follower.returncode == 0


def test_listening_prints_a_line_for_each_event(
    server: reven2.RevenServer, port: int, session: str
) -> None:
    server.sessions.tracked = session
    server.sessions.publish_transition(server.trace.transition(21))
    done = run("listen", "--port", str(port), "--session", session, "-n", "1")
    assert done.stdout.count("\n") == 1
    assert f"{server.trace.transition(21).instruction}".strip() in done.stdout
    assert "#21" in done.stdout


def test_publishing_where_nobody_listens(
    server: reven2.RevenServer, port: int, session: str
) -> None:
    done = run(
        *("publish", "5", "--port", str(port), "--session", session),
        *("--scenario", server.scenario_name),
    )
    assert done.returncode == 1
    assert f"nobody listened to {session}" in done.stdout


def test_errors_are_one_line(port: int) -> None:
    for words, error in (
        (("publish", "5", "--port", str(port)), "several scenarios"),
        (("listen", "--port", str(port), "--session", "a/b"), "no name of a session"),
        (("listen", "--port", "1"), "Nothing listens on localhost:1"),
    ):
        done = run(*words)
        assert done.returncode == 2
        assert error in done.stderr
        assert done.stderr.count("\n") == 1
