# SPDX-License-Identifier: Apache-2.0
"""Names that a stranger chose lead to regular files of a bounded size, or to nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reven.ossi.foreign_files import read_foreign_file, resolved_file


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"data")
    assert read_foreign_file(tmp_path / "file", 4) == b"data"
    with pytest.raises(OSError, match="is larger than 3 bytes"):
        read_foreign_file(tmp_path / "file", 3)


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/tty", "/proc/self/fd"])
def test_a_device_or_folder_is_not(name: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - the system has many words for it
        read_foreign_file(name, 1 << 20)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is no regular file"):
        read_foreign_file(tmp_path / "pipe", 1 << 20)
    assert resolved_file(tmp_path / "pipe") is None


def test_links_are_followed_to_their_end(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / "note.c").symlink_to("other.c")
    (tmp_path / "other.c").symlink_to(secret)
    assert resolved_file(tmp_path / "note.c") == secret.resolve()
    (tmp_path / "circle.c").symlink_to("circle.c")
    assert resolved_file(tmp_path / "circle.c") is None
    assert resolved_file("/proc/self/status") is None
    assert resolved_file("bad\0name") is None
