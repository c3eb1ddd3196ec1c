# SPDX-License-Identifier: Apache-2.0
"""Bookmarks on disk: one SQLite file for each trace, safe for any number of processes.

The file is `bookmarks.sqlite` in the trace's directory, made by the first bookmark. Where the
directory cannot be written, it is a file of the user's own, in
`$XDG_STATE_HOME/reven/bookmarks` (default: `~/.local/state`), which begins with what the
trace's own file holds.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from reven2._service import BookmarkData, BookmarkPage
from reven2.errors import InvalidArgumentError, OutOfRangeError, TraceError

__all__ = ["Bookmarks"]

FILE = "bookmarks.sqlite"
VERSION = 1
DESCRIPTION_LENGTH = 10_000
KEY_LENGTH = 64
_WAIT_SECONDS = 10.0
_WORK_SECONDS = 10.0  # that a view or trigger in it may take
_STEPS = 100_000  # of the database between two looks at the clock

_TABLES = f"""
CREATE TABLE bookmarks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    transition_id INTEGER NOT NULL,
    description TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    created REAL NOT NULL
);
CREATE TABLE revision (number INTEGER NOT NULL);
INSERT INTO revision VALUES (0);
PRAGMA user_version = {VERSION};
"""
_COLUMNS = "id, transition_id, description, version, created"


class Bookmarks:
    """The bookmarks of one trace.

    Parameters:
        trace: its directory.
        uuid: what names it where bookmarks of all traces are together.
    """

    def __init__(self, trace: Path, uuid: str) -> None:
        self._beside = trace / FILE
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        name = re.sub(r"[^0-9A-Za-z-]", "_", uuid)
        self._own = Path(home) / "reven" / "bookmarks" / f"{name}.sqlite"

    def page(self, first: int, limit: int) -> BookmarkPage:
        """Bookmarks from an id on."""
        with self._reading() as database:
            if database is None:
                return BookmarkPage([], None, 0)
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM bookmarks WHERE id >= ? ORDER BY id LIMIT ?",
                (first, limit + 1),
            ).fetchall()
            found = [BookmarkData(*row) for row in rows]
            following = found[limit].id if len(found) > limit else None
            return BookmarkPage(found[:limit], following, _revision(database))

    def revision(self) -> int:
        """The number of changes made."""
        with self._reading() as database:
            return 0 if database is None else _revision(database)

    def add(self, key: str, transition: int, description: str) -> BookmarkData:
        """Add one, or give that which was added with this key."""
        if not 1 <= len(key) <= KEY_LENGTH:
            raise InvalidArgumentError(f"The key of a bookmark has 1 to {KEY_LENGTH} characters.")
        _check(description)
        with self._changing() as database:
            row = database.execute(
                "INSERT INTO bookmarks (key, transition_id, description, created) "
                f"VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING {_COLUMNS}",
                (key, transition, description, time.time()),
            ).fetchone()
            if row is None:
                row = database.execute(
                    f"SELECT {_COLUMNS} FROM bookmarks WHERE key = ?", (key,)
                ).fetchone()
            else:
                _count(database)
            return BookmarkData(*row)

    def edit(self, id: int, transition: int | None, description: str | None) -> BookmarkData:
        """Change what is not None.

        Raises:
            OutOfRangeError: there is no such bookmark.
        """
        if description is not None:
            _check(description)
        with self._changing() as database:
            row = database.execute(
                f"SELECT {_COLUMNS} FROM bookmarks WHERE id = ?", (id,)
            ).fetchone()
            if row is None:
                raise OutOfRangeError(f"There is no bookmark {id}, or no longer.")
            before = BookmarkData(*row)
            wanted = (
                before.transition if transition is None else transition,
                before.description if description is None else description,
            )
            if wanted == (before.transition, before.description):
                return before
            row = database.execute(
                "UPDATE bookmarks SET transition_id = ?, description = ?, version = version + 1 "
                f"WHERE id = ? RETURNING {_COLUMNS}",
                (*wanted, id),
            ).fetchone()
            _count(database)
            return BookmarkData(*row)

    def remove(self, id: int) -> None:
        """Remove one; nothing happens if it is gone."""
        with self._changing() as database:
            if database.execute("DELETE FROM bookmarks WHERE id = ?", (id,)).rowcount:
                _count(database)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """The database, None if there is none yet."""
        file = self._file()
        if not file.exists():
            file = self._beside
        if not file.exists():
            yield None
            return
        with _explained(file), closing(_open(file, "ro")) as database:
            # Read as one: the revision is that of the bookmarks.
            database.execute("BEGIN")
            version = _version(database, file)
            yield database if version else None

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """The database, made if there is none; what is done in it happens whole or not at
        all."""
        file = self._file()
        with _explained(file):
            if file == self._own:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not file.exists() and self._beside.exists():
                    _copy(self._beside, file)
            with closing(_open(file, "rwc")) as database:
                database.execute("BEGIN IMMEDIATE")
                if not _version(database, file):
                    for statement in filter(str.strip, _TABLES.split(";")):
                        database.execute(statement)
                yield database
                database.execute("COMMIT")

    def _file(self) -> Path:
        """Where bookmarks go."""
        beside = self._beside
        can_write = os.access(beside.parent, os.W_OK) and (
            not beside.exists() or os.access(beside, os.W_OK)
        )
        return beside if can_write else self._own


def _open(file: Path, mode: str) -> sqlite3.Connection:
    # Transactions are begun by hand; a rollback journal works on every file system, and in
    # directories that can only be read.
    address = f"file:{quote(str(file.absolute()))}?mode={mode}"
    # A trace may come from somebody else, and with it this file, or a link in its place.
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise TraceError(f"{file} is no regular file, so it is not used: remove it.")
    database = sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS, isolation_level=None)
    database.execute("PRAGMA trusted_schema = OFF")
    deadline = time.monotonic() + _WORK_SECONDS
    database.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    return database


def _version(database: sqlite3.Connection, file: Path) -> int:
    """Version of the tables, 0 if there are none yet."""
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise TraceError(
            f"The bookmarks in {file} were made by a newer version of REVEN: use that one."
        )
    return version


def _revision(database: sqlite3.Connection) -> int:
    number: int = database.execute("SELECT number FROM revision").fetchone()[0]
    return number


def _count(database: sqlite3.Connection) -> None:
    database.execute("UPDATE revision SET number = number + 1")


def _check(description: str) -> None:
    if len(description) > DESCRIPTION_LENGTH:
        raise InvalidArgumentError(
            f"The description of a bookmark has at most {DESCRIPTION_LENGTH:,} characters."
        )
    try:
        description.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError("The description holds what is no Unicode text.") from None


def _copy(source: Path, target: Path) -> None:
    new = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        shutil.copyfile(source, new)
        # Another process may have been first: its file stays.
        with suppress(FileExistsError):
            os.link(new, target)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Errors of SQLite and the system as a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise TraceError(f"The bookmarks in {file} cannot be used: {error}.") from None
    except sqlite3.DatabaseError as error:
        raise TraceError(
            f"The file of bookmarks {file} is damaged ({error}): move it away to begin anew."
        ) from None
    except OSError as error:
        raise TraceError(
            f"The bookmarks cannot be kept in {file.parent}: {error.strerror}."
        ) from None
