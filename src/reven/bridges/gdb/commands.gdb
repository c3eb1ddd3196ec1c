# SPDX-License-Identifier: Apache-2.0
# Commands for use within gdb: `source` this file there.
#
#     reven goto #4242      go to a moment, as `monitor goto`, and show where that is
#     reven follow          the same with where others of the session went
#     reven origin rax      where a value comes from
#     reven publish, reven where
#
# gdb keeps registers and memory until the program runs; these commands have it ask again.

python
import gdb

class Reven(gdb.Command):
    """Move through the recording: reven goto WHERE, follow, origin EXPR, publish, where."""

    def __init__(self) -> None:
        super().__init__("reven", gdb.COMMAND_RUNNING)

    def invoke(self, argument: str, from_tty: bool) -> None:
        said = gdb.execute(f"monitor {argument}", to_string=True)
        lines = [line for line in said.splitlines(True) if not line.startswith("gdb shows")]
        gdb.write("".join(lines))
        if len(lines) < len(said.splitlines()):
            for cache in ("register-cache", "symbol-cache"):
                gdb.execute(f"maintenance flush {cache}", to_string=True)
            gdb.execute("maintenance flush dcache", to_string=True)
            gdb.execute("sharedlibrary", to_string=True)
            gdb.execute("frame", from_tty)


Reven()
end
