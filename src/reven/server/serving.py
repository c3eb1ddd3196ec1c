# SPDX-License-Identifier: Apache-2.0
"""The server as a process: its sockets, its run file, its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import ipaddress
import os
import resource
import signal
import socket
import ssl
import sys
import threading
import webbrowser
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
import uvloop

from reven.ossi.foreign_files import HostFiles
from reven.printable import stored_json
from reven.server.access import Access, Hosts
from reven.server.application import application
from reven.server.errors import (
    CannotListen,
    CannotWriteRunFile,
    PortInUse,
    RemoteNotAllowed,
    UnusableCertificate,
)
from reven.server.hub import Hub
from reven.server.limits import LIMITS
from reven.server.protocols import Http, WebSockets
from reven.server.rights import Role
from reven.server.running import Queries
from reven.server.scenarios import Scenarios
from reven.server.session_log import MemoryLog, SessionLog
from reven.server.session_names import SessionNames, state_file
from reven2._client.run_file import RunFile, read_run_file, run_directory

__all__ = ["Options", "Server"]

FRAMES_WAITING = 32
SHUTDOWN_SECONDS = 3
SWITCH_SECONDS = 0.001
BACKLOG = 2048


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to serve.

    Attributes:
        host: name or address to listen on.
        port: TCP port; 0: one that is free.
        name: of the only scenario; None: that of its directory.
        hub: "" or the URL of a Redis that several servers share their sessions over.
        allow_remote: `host` may be reached from other machines.
        allowed_hosts: further names that the server answers to.
        certificate, key: PEM files for TLS.
        source_path: further folders whose source files may be shown.
    """

    host: str = "127.0.0.1"
    port: int = 13370
    name: str | None = None
    hub: str = ""
    allow_remote: bool = False
    allowed_hosts: Sequence[str] = ()
    certificate: Path | None = None
    key: Path | None = None
    source_path: Sequence[Path] = ()


class Server:
    """A server, listening from the moment it is made; `run` serves until it is stopped.

    Raises:
        reven2.errors.TraceError: a trace cannot be opened.
        RevenError: one of `reven.server.errors`.
    """

    def __init__(self, traces: Sequence[Path], options: Options) -> None:
        _check_certificate(options)
        log = _log(options.hub)
        # What others see too is only what was allowed by name.
        host = HostFiles.of_user(options.source_path, shared=options.allow_remote)
        self._scenarios = Scenarios(traces, options.name, host)
        try:
            self._sockets = _listen(options)
        except BaseException:
            self._scenarios.close()
            raise
        self.port: int = self._sockets[0].getsockname()[1]
        scheme = "https" if options.certificate else "http"
        self.url = f"{scheme}://{_authority(options.host, self.port)}"
        self._access = Access()
        self._hub = Hub(log, SessionNames(state_file(self.port) if options.port else None))
        hosts = Hosts((options.host, *options.allowed_hosts), remote=options.allow_remote)
        self._queries = Queries()
        app: Any = application(self._scenarios, self._hub, self._access, hosts, self._queries)
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=Http,
                ws=WebSockets,
                ws_max_size=LIMITS.message_bytes,
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                backlog=BACKLOG,
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                ssl_certfile=options.certificate,
                ssl_keyfile=options.key,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                timeout_keep_alive=75,
            )
        )

    @property
    def scenarios(self) -> Scenarios:
        return self._scenarios

    @property
    def login_url(self) -> str:
        """An address that lets one browser in, as owner."""
        return self.login_link(Role.OWNER)

    def login_link(self, role: Role, seconds: float | None = None) -> str:
        """An address that lets one browser in.

        Parameters:
            role: what the browser then is.
            seconds: for how long; None: while the server runs.
        """
        return f"{self.url}/login?code={self._access.make_code(role, seconds)}"

    def open_browser(self) -> None:
        """Open the server in a browser of this desktop, logged in. The address goes through
        a file of its user alone: command lines are for everybody to see."""
        page = run_directory() / f"{self.port}.html"
        self._write_private(
            page, f'<meta http-equiv="refresh" content="0; url={self.login_url}">\n'.encode()
        )
        threading.Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True).start()

    def run(self, started: Callable[[], None]) -> None:
        """Serve until SIGINT, SIGTERM or `stop`; `started` is called once it answers."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        # What people wait for is small: it shall not wait long for the interpreter.
        sys.setswitchinterval(SWITCH_SECONDS)
        self._scenarios.index_in_background()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._run(started))
        finally:
            has_ended = self._queries.wait(SHUTDOWN_SECONDS)
            self._scenarios.close()
            if not has_ended:
                # Something is in the middle of what cannot be stopped. The interpreter does not
                # end well beneath it, and nothing of it is needed any more.
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)

    def stop(self) -> None:
        """End `run` soon."""
        self._server.should_exit = True

    async def _run(self, started: Callable[[], None]) -> None:
        await self._hub.start()
        try:
            file = self._write_run_file()
        except OSError as error:
            raise CannotWriteRunFile(
                f"{run_directory()}, where clients look for the server, cannot be written "
                f"({error.strerror}): set XDG_RUNTIME_DIR to a folder of yours"
            ) from None
        try:
            self._server.started_callback = started
            self._server.ending_callback = self._queries.stop
            await self._server.serve(self._sockets)
        finally:
            file.unlink(missing_ok=True)
            file.with_suffix(".html").unlink(missing_ok=True)
            await self._hub.stop()

    def _write_run_file(self) -> Path:
        file = run_directory() / f"{self.port}.json"
        said = RunFile(
            url=self.url,
            pid=os.getpid(),
            token=self._access.tokens[Role.OWNER],
            editor_token=self._access.tokens[Role.EDITOR],
            read_only_token=self._access.tokens[Role.VIEWER],
            scenarios=self._scenarios.names,
            epoch=self._hub.epoch,
        )
        self._write_private(file, stored_json(said))
        return file

    @staticmethod
    def _write_private(file: Path, content: bytes) -> None:
        """Write a file in the run directory that only its user can read, all at once."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.parent.chmod(0o700)
        new = file.with_name(f"{file.name}.new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600, exist_ok=False)
        new.write_bytes(content)
        new.replace(file)


class _Uvicorn(uvicorn.Server):
    """Ends on a signal as on any other wish, and says when it has started."""

    started_callback: Callable[[], None]
    ending_callback: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was made until now stays: collections need not look at it again and again.
        gc.collect()
        gc.freeze()
        self.started_callback()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Who waits for an answer hears that none comes, before connections are waited for.
        self.ending_callback()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def _log(hub: str) -> SessionLog:
    if not hub:
        return MemoryLog()
    from reven.server.redis_log import RedisLog

    return RedisLog(hub)


def _listen(options: Options) -> list[socket.socket]:
    """A socket for each address of the host, all on one port."""
    host, port = options.host, options.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise CannotListen(
            f"{host!r} is no name or address of this machine: give another --host"
        ) from None
    addresses = list(dict.fromkeys((family, address[0]) for family, _, _, _, address in found))
    remote = [str(address) for _, address in addresses if not _is_loopback(str(address))]
    if remote and not options.allow_remote:
        raise RemoteNotAllowed(
            f"others could reach {remote[0]}: add --allow-remote if they should, "
            "and better --certificate and --key too"
        )
    sockets: list[socket.socket] = []
    for family, address in addresses:
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            one.bind((address, port))
            # Another may be bound to the port, yet only who listens is sure to have it.
            one.listen(BACKLOG)
        except OSError as error:
            one.close()
            # `localhost` also means ::1, which a machine without IPv6 does not have.
            if error.errno == errno.EADDRNOTAVAIL and sockets:
                continue
            for other in sockets:
                other.close()
            raise _bind_error(options, error) from None
        port = one.getsockname()[1]
        sockets.append(one)
    return sockets


def _bind_error(options: Options, error: OSError) -> CannotListen:
    if error.errno != errno.EADDRINUSE:
        return CannotListen(
            f"cannot listen on {_authority(options.host, options.port)}: {error.strerror}"
        )
    running = read_run_file(options.port)
    if running is None or not Path(f"/proc/{running.pid}").exists():
        return PortInUse(
            f"port {options.port} is in use by another program: choose another with --port"
        )
    return PortInUse(
        f"port {options.port} is in use by the server at {running.url} (process {running.pid}), "
        f"which serves {', '.join(running.scenarios)}: end it with "
        f"`reven stop --port {options.port}`, or choose another with --port"
    )


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _authority(host: str, port: int) -> str:
    # One name for the same place: cookies of localhost and 127.0.0.1 are not the same.
    name = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::") else host
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _check_certificate(options: Options) -> None:
    if options.certificate is None and options.key is None:
        return
    if options.certificate is None or options.key is None:
        raise UnusableCertificate("--certificate and --key go together: give both")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(options.certificate, options.key)
    except (OSError, ssl.SSLError) as error:
        raise UnusableCertificate(
            f"{options.certificate} and {options.key} are no certificate and its key: "
            f"{error.strerror or error}"
        ) from None
