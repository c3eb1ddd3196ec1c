# SPDX-License-Identifier: Apache-2.0
"""Queries over HTTP answer what the service answers, and hold nobody up."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reven.server.queries import QUERIES
from reven.service.local import LocalService
from reven2._service import TraceService
from reven2._service.taint import TaintQuery
from reven2.arch._table import REGISTERS
from reven2.errors import RevenError

from .running import WAIT, Running

SCRATCH = REGISTERS["scratch"].offset

MSGPACK = "application/vnd.msgpack"


@pytest.fixture(scope="module")
def service(trace: Path) -> Iterator[LocalService]:
    service = LocalService(trace)
    yield service
    service.close()


def sample_arguments(service: LocalService) -> dict[str, dict[str, Any]]:
    """Arguments for every query of the Protocol that has some."""
    count = service.transition_count()
    page = service.transitions(0, 1)
    address = int.from_bytes(page.pc, "little")
    stop = {"start": 0, "stop": count, "forward": True, "limit": 10}
    taint = TaintQuery([(0, False, 0, 64)], 1, 0, 0, True, "sample")
    source = service.source_files()[0]
    bookmark = service.add_bookmark("sample", 3, "a sample")
    return {
        "resolve": {"expression": "rsp+8", "context": 7, "thread": None, "wanted": "place"},
        "symbols_named": {"name": "main"},
        "line_entries": {"file": source.path, "line": service.source_lines(source.path)[0].line},
        "transitions": {"start": 3, "stop": 200},
        "disassemble": {"instructions": [(address, page.code[0])]},
        "operands": {"address": address, "code": page.code[0]},
        "registers": {"contexts": [0, 5, count]},
        "thread_registers": {"thread": 1, "context": 7},
        "read_memory": {"context": 4, "address": address, "size": 4},
        "read_known_memory": {"context": 4, "address": address - 4, "size": 100},
        "mapped_ranges": {"context": 9},
        "is_mapped": {"address": address, "size": 1, "first_context": 0, "last_context": 9},
        "accesses": {**stop, "address": 0, "size": 2**64 - 1, "reads": True, "writes": True},
        "device_accesses": {"start": 0, "stop": count, "limit": 10},
        "find_pcs": {**stop, "ranges": [(address, address + 64)]},
        "thread_activity": {"start": 0, "width": 9, "parts": 7},
        "event_parts": {"kind": "signal", "start": 0, "width": count, "parts": 7},
        "source_lines": {"path": ""},
        "source_frames": {"context": 7, "addresses": [address]},
        "source_text": {"path": ""},
        "find_register_change": {
            "context": 0,
            "offset": 0,
            "size": 8,
            "mask": 2**64 - 1,
            "forward": True,
        },
        "find_memory_change": {"context": count, "address": address, "size": 8, "forward": False},
        "binary_ranges": {"binary": 0},
        "symbols": {
            "binary": 0,
            "pattern": "count",
            "case_sensitive": True,
            "kind": "",
            "start": 0,
            "limit": 10,
        },
        "symbol_entries": {"binary": 0, "rva": 0},
        "locate": {"context": 0, "address": address},
        "strings": {"pattern": "lib", "first": 0, "limit": 10},
        "find_in_memory": {
            "pattern": page.code[0],
            "context": 3,
            "address": 0,
            "size": 2**64 - 1,
            "limit": 10,
        },
        "standing_matches": {
            "pattern": b"ELF",
            "context": 9,
            "stop": count,
            "first": 0,
            "limit": 10,
        },
        "created_matches": {"pattern": b"lib", "start": 0, "stop": count, "limit": 10},
        "find_instructions": {**stop, "pattern": "^push"},
        "find_value": {"value": b"\1", "start": 0, "stop": count, "size": 4, "limit": 10},
        "calls": {
            "start": 0,
            "stop": count,
            "thread": 1,
            "shortest": 9,
            "deepest": 9,
            "first": 0,
            "limit": 10,
        },
        "call": {"id": 0},
        "call_at": {"context": count // 2},
        "entered_call": {"transition": 5},
        "frame_end": {"id": 1},
        "frame_start": {"id": 1},
        "call_children": {"id": 1, "first": 0, "limit": 10, "forward": True},
        "calls_of": {**stop, "functions": [(0, 2**64 - 1)]},
        "call_tree": {
            "start": 0,
            "stop": count,
            "thread": None,
            "deepest": 4,
            "roots": [],
            "limit": 10,
        },
        "frames": {"context": count},
        "stack_change": {"context": 0, "forward": True},
        "step": {"transition": 5, "forward": True, "over": True},
        "find_type": {"binary": 0, "name": "int"},
        "type_graph": {"binary": 0, "type": 0},
        "find_function": {"binary": 0, "name": "main"},
        "format_value": {"context": 0, "binary": 0, "type": 0, "address": 0, "data": b""},
        "variables": {"context": 0, "frame": 0, "is_global": False},
        "variable": {"context": 0, "name": "count", "frame": 0},
        "allocations": {"first": 0, "limit": 10},
        "allocation_at": {"address": address, "context": 0, "was_freed": True},
        "live_allocations": {"context": count, "first": 0, "limit": 10},
        "heap_errors": {"kind": "overflow", "limit": 10},
        "taint_status": {"query": taint},
        "taint_accesses": {"query": taint, "start": 0, "changes_only": False, "limit": 10},
        "taint_state": {"query": taint, "context": 0, "address": 0, "limit": 10},
        "taint_sinks": {"query": taint, "start": 0, "limit": 10},
        "taint_warnings": {"query": taint, "start": 0, "limit": 10},
        "cancel_taint": {"query": taint},
        "origin": {"context": 5, "is_memory": False, "address": 0, "size": 64, "limit": 10},
        "slice_expression": {
            "context": 100,
            "places": [[False, 0, 64]],
            "limit": 1000,
        },
        "origin_tree": {
            "context": 5,
            "is_memory": False,
            "address": 0,
            "size": 64,
            "follow": "values",
            "limit": 10,
        },
        "mappings": {"first_context": 0, "last_context": count},
        "binary_bytes": {"path": "/", "offset": 0, "size": 8},
        "decoded_syscalls": {"start": 0, "stop": count, "names": [], "failed": False, "limit": 10},
        "transfers": {
            "start": 0,
            "stop": count,
            "file": None,
            "is_write": None,
            "most_bytes": 64,
            "limit": 10,
            "forward": False,
        },
        "unpacked_layers": {"limit": 10},
        "syscall_transitions": {"names": ["files"], "failed": False, "text": "libc"},
        "output_byte": {"name": "stdout", "position": 0},
        "explain": {"own": [], "not_own": []},
        "diff": {
            "other": "",
            "window": (5, 400),
            "other_window": (6, 450),
            "own": [],
            "not_own": [],
        },
        "diff_moments": {"other": "", "context": 5, "other_context": 400, "limit": 10},
        "bookmarks": {"first": 0, "limit": 10},
        "add_bookmark": {"key": "sample", "transition": 3, "description": "a sample"},
        "edit_bookmark": {"id": bookmark.id, "transition": None, "description": "changed"},
        "remove_bookmark": {"id": bookmark.id},
    }


def test_every_query_of_the_protocol_is_served() -> None:
    public = {name for name in dir(TraceService) if not name.startswith("_")}
    assert set(QUERIES) == public - {"close", "beside"}


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("media_type", ["application/json", MSGPACK])
def test_answers_are_the_services(
    server: Running, service: LocalService, name: str, media_type: str
) -> None:
    arguments = sample_arguments(service).get(name, {})
    assert set(arguments) == set(QUERIES[name].arguments.__struct_fields__)
    is_json = media_type != MSGPACK
    body = msgspec.json.encode(arguments) if is_json else msgspec.msgpack.encode(arguments)
    scenario = server.run_file.scenarios[0]
    status, headers, data = server.request(
        "POST",
        f"/api/v1/scenarios/{scenario}/{name}",
        body,
        Content_Type=media_type,
        Accept=media_type,
    )
    assert headers["content-type"] == media_type
    decode = msgspec.json.decode if is_json else msgspec.msgpack.decode
    wanted, refused = None, ""
    try:
        wanted = getattr(service, name)(**arguments)
    except RevenError as error:
        # The program of this trace writes nothing, for example.
        refused = str(error)
    if refused:
        assert (status, decode(data)["message"]) == (422, refused)
        return
    assert status == 200
    assert decode(data, type=QUERIES[name].answer) == wanted


@pytest.mark.parametrize(
    ("name", "arguments", "status", "error"),
    [
        ("read_memory", {"context": 0, "address": 0, "size": 1}, 422, "MemoryReadError"),
        ("registers", {"contexts": [10**12]}, 422, "OutOfRangeError"),
        ("registers", {"contexts": [2**64]}, 400, "InvalidArgumentError"),
        ("registers", {"contexts": [-1]}, 400, "InvalidArgumentError"),
        ("registers", {"contexts": "1"}, 400, "InvalidArgumentError"),
        ("registers", {}, 400, "InvalidArgumentError"),
        ("registers", {"contexts": [], "more": 1}, 400, "InvalidArgumentError"),
        ("registers", {"contexts": [0] * 20_000}, 400, "InvalidArgumentError"),
        ("read_memory", {"context": 0, "address": 0, "size": 1 << 40}, 400, "InvalidArgumentError"),
        ("transitions", {"start": 0, "stop": 1 << 40}, 400, "InvalidArgumentError"),
        ("binary_ranges", {"binary": 10**6}, 422, "OutOfRangeError"),
        ("symbols", {"binary": 0, "pattern": "(", "case_sensitive": True, "kind": "",
                        "start": 0, "limit": 1}, 400, "InvalidArgumentError"),
    ],
)  # fmt: skip
def test_errors_travel_by_class(
    server: Running, name: str, arguments: Any, status: int, error: str
) -> None:
    scenario = server.run_file.scenarios[0]
    path = f"/api/v1/scenarios/{scenario}/{name}"
    got, _, data = server.request("POST", path, arguments)
    said = json.loads(data)
    assert (got, said["error"]) == (status, error), said
    assert said["message"]
    if error == "MemoryReadError":
        assert said["address"] == 0


def test_unknown_paths_methods_and_types(server: Running) -> None:
    scenario = server.run_file.scenarios[0]
    path = f"/api/v1/scenarios/{scenario}/info"
    assert server.request("POST", "/api/v1/scenarios/none/info", {})[0] == 404
    assert server.request("POST", f"/api/v1/scenarios/{scenario}/none", {})[0] == 404
    assert server.request("POST", f"/api/v1/scenarios/{scenario}/close", {})[0] == 404
    assert server.request("GET", path)[0] == 405
    assert server.request("POST", path, b"{}", Content_Type="text/plain")[0] == 415


def test_several_scenarios(serve: Any, trace: Path) -> None:
    server: Running = serve(traces=(trace, trace))
    name = trace.name.removesuffix(".reven")
    assert server.json("GET", "/api/v1/server")["scenarios"] == [name, f"{name}-2"]
    assert server.query("info", f"{name}-2")["name"] == f"{name}-2"


def test_a_scenario_can_be_named(serve: Any) -> None:
    server: Running = serve("--name", "the crash")
    assert server.json("GET", "/api/v1/server")["scenarios"] == ["the crash"]
    assert server.json("POST", "/api/v1/scenarios/the%20crash/info", {})["name"] == "the crash"


class TestLongQueries:
    """A search for what never happens, in a trace of some millions of transitions."""

    @pytest.fixture(scope="class")
    @classmethod
    def long(
        cls, record_program: Any, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Running]:
        name = "a" * 60
        source = (
            f"int {name} = 2000000;"
            f"int main(void) {{ for (volatile int i = 0; i < {name}; i++) {{ }} return 0; }}"
        )
        running = Running([record_program(source)], tmp_path_factory.mktemp("long"))
        yield running
        running.end()

    def test_others_are_not_held_up(self, long: Running) -> None:
        count = long.query("transition_count")
        scan = {"context": 0, "offset": SCRATCH + 24, "size": 8, "mask": 0, "forward": True}
        with ThreadPoolExecutor(8) as clients:
            scans = [clients.submit(lambda: long.query("find_register_change", **scan))] * 8
            assert long.query("transition_count") == count
            assert long.query("registers", contexts=[1])
            assert [one.result() for one in scans] == [None] * 8

    def test_a_pattern_that_takes_for_ever(self, long: Running) -> None:
        search = {"binary": 0, "case_sensitive": True, "kind": "", "start": 0, "limit": 1}
        search["pattern"] = "^(a|aa)+[^a]"
        path = f"/api/v1/scenarios/{long.run_file.scenarios[0]}/symbols"
        with ThreadPoolExecutor(1) as client:
            slow = client.submit(long.request, "POST", path, search)
            assert long.query("registers", contexts=[1])
            assert not slow.done()
            assert (slow.result()[0], json.loads(slow.result()[2])["error"]) == (
                400,
                "InvalidArgumentError",
            )

    def test_a_client_that_goes_away_stops_its_query(self, long: Running) -> None:
        scan = {"context": 0, "offset": SCRATCH + 24, "size": 8, "mask": 0, "forward": True}
        body = json.dumps(scan).encode()
        scenario = long.run_file.scenarios[0]
        head = (
            f"POST /api/v1/scenarios/{scenario}/find_register_change HTTP/1.1\r\n"
            f"Host: localhost\r\nAuthorization: Bearer {long.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", long.port), WAIT) as one:
                one.sendall(head.encode() + body)
        assert long.query("find_register_change", **scan) is None
        assert long.end() == (0, "")


def test_queries_say_what_they_do() -> None:
    for query in QUERIES.values():
        assert query.summary == "" or query.summary.endswith("."), query.name
