# SPDX-License-Identifier: Apache-2.0
"""Which operating system was recorded."""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass

from reven2.errors import RevenError

__all__ = ["Architecture", "KernelVersion", "Os", "OsError", "OsFamily", "WindowsVersion"]


class Architecture(enum.Enum):
    """Width of the recorded machine."""

    X64 = "x64"
    X86 = "x86"


class OsFamily(enum.Enum):
    """Family of operating systems."""

    Windows = "Windows"
    Linux = "Linux"


class WindowsVersion(enum.Enum):
    """Releases of Windows, for scripts that say which ones they expect."""

    Windows7 = "Windows 7"
    Windows8 = "Windows 8"
    Windows10 = "Windows 10"
    Windows11 = "Windows 11"


@functools.total_ordering
@dataclass(frozen=True, eq=False)
class KernelVersion:
    """A kernel's version: `6.1.0`. Versions are ordered; a part that is not said counts as 0.

    Attributes:
        major, minor: the first two numbers.
        patch: the third one, None if it is not said: `10.0`.
    """

    major: int
    minor: int = 0
    patch: int | None = None

    @classmethod
    def parse(cls, text: str) -> KernelVersion | None:
        """Of a text such as `6.1.0-18-amd64`; None if it does not start with a number."""
        match = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", text)
        if match is None:
            return None
        major, minor, patch = match.groups()
        return cls(int(major), int(minor or 0), None if patch is None else int(patch))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KernelVersion):
            return NotImplemented
        return self._key() == other._key()

    def __lt__(self, other: KernelVersion) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        patch = "" if self.patch is None else f".{self.patch}"
        return f"{self.major}.{self.minor}{patch}"

    def _key(self) -> tuple[int, int, int]:
        return self.major, self.minor, self.patch or 0


class Os:
    """An operating system, as far as it is known; every component may be None.

    Parameters:
        architecture, family, kernel_version, windows_version: the components.
    """

    __slots__ = ("_architecture", "_family", "_kernel_version", "_windows_version")

    def __init__(
        self,
        architecture: Architecture | None = None,
        family: OsFamily | None = None,
        kernel_version: KernelVersion | None = None,
        windows_version: WindowsVersion | None = None,
    ) -> None:
        self._architecture, self._family = architecture, family
        self._kernel_version, self._windows_version = kernel_version, windows_version

    @property
    def architecture(self) -> Architecture | None:
        """Width of the machine."""
        return self._architecture

    @property
    def family(self) -> OsFamily | None:
        """Family of operating systems."""
        return self._family

    @property
    def kernel_version(self) -> KernelVersion | None:
        """Version of the kernel."""
        return self._kernel_version

    @property
    def windows_version(self) -> WindowsVersion | None:
        """Release of Windows; None for another family."""
        return self._windows_version

    def matches(self, other: Os) -> bool:
        """Whether this agrees with every component that `other` has."""
        return all(
            wanted is None or mine == wanted
            for mine, wanted in zip(self._parts(), other._parts(), strict=True)
        )

    def expect(self, *oses: Os) -> None:
        """Do nothing if one of these matches.

        Raises:
            OsError (a RuntimeError): none does.
        """
        if not any(self.matches(other) for other in oses):
            wanted = ", ".join(f"'{other}'" for other in oses)
            raise OsError(got=self, message=f"expected one of: {wanted}")

    def _parts(self) -> tuple[object, ...]:
        return (self._architecture, self._family, self._kernel_version, self._windows_version)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Os):
            return False
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __str__(self) -> str:
        if self._family is None and self._architecture is None and self._kernel_version is None:
            return "unknown" if self._windows_version is None else self._windows_version.value
        words = [self._family.value if self._family else "unknown"]
        if self._architecture is not None:
            words.append(self._architecture.value)
        if self._kernel_version is not None:
            words.append(str(self._kernel_version))
        if self._windows_version is not None:
            words.append(f"({self._windows_version.value})")
        return " ".join(words)

    def __repr__(self) -> str:
        return f"Os({str(self)!r})"


class OsError(RevenError, RuntimeError):
    """The trace is of an operating system that a script does not support.

    Parameters:
        got: the trace's.
        message: what was wanted.
    """

    def __init__(self, got: Os, message: str) -> None:
        super().__init__(f"Got '{got}', {message}")
        self.got = got
        self.message = message
