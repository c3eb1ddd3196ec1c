# SPDX-License-Identifier: Apache-2.0
"""One trace being written."""

class MappedFile:
    """A file that the recorded process mapped."""

    path: str
    address: int
    executable: bool

class Notice:
    """What the program met that the recorder does otherwise (reven_notice)."""

    kind: int
    detail: int
    ip: int
    value: int
    text: bytes

class RecordingStatus:
    transitions: int
    executions: int
    bytes_written: int
    threads: int
    finished: bool
    end_reason: int  # REVEN_END_… of event_stream.h; 0 while running or when the recorder died
    end_code: int  # exit status or signal number
    end_signal: tuple[int, int, int, int] | None  # si_code, si_addr, si_pid, si_uid
    error: str  # "" or why writing failed (the trace keeps what was written before)

class Recording:
    """One trace being written: a thread receives a recorder's stream and appends segments.

    `connection` is the accepted Unix socket of the recorder, after reven_hello was
    read from it; the object sends reven_welcome and owns a duplicate of it."""

    def __init__(
        self,
        path: str,
        connection: int,
        *,
        max_transitions: int = 0,
        parent: Recording | None = None,
        template_count: int = 0,
    ) -> None:
        """`path`: an existing, empty trace directory. `parent`: the forked-from recording,
        whose templates 1 … `template_count` (of reven_hello) this one shares."""
    def status(self) -> RecordingStatus: ...
    def mapped_files(self) -> list[MappedFile]:
        """Files mapped since the last call."""
    def notices(self) -> list[Notice]:
        """Those since the last call."""
    def stop(self) -> None:
        """Ask the recorder to record no more; what has arrived is still written."""
    def wait(self, seconds: float) -> bool:
        """True once everything is written and closed."""
