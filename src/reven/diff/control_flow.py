# SPDX-License-Identifier: Apache-2.0
"""Where the ways that lead off from an instruction meet again, whichever was taken: its immediate
post-dominator in its function."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from capstone import CS_GRP_JUMP, CS_GRP_RET, x86_const

from reven.trace.disassembly import detailed_disassembler

__all__ = ["FunctionFlow"]

_EXIT = -1
_MOST_CODE = 1 << 18


class FunctionFlow:
    """The control flow of a function.

    Parameters:
        start: its address.
        code: its bytes.
        targets: where an indirect jump led to, by its address: as far as it ran.
    """

    def __init__(
        self, start: int, code: bytes, targets: Callable[[int], Iterable[int]] = lambda at: ()
    ) -> None:
        self._start, self._stop = start, start + len(code)
        self._next: dict[int, list[int]] = {}
        for one in detailed_disassembler().disasm(code[:_MOST_CODE], start):
            following = one.address + one.size
            leads = [following]
            if CS_GRP_RET in one.groups or one.mnemonic in ("hlt", "ud2"):
                leads = []
            elif CS_GRP_JUMP in one.groups:
                direct = [
                    operand.imm for operand in one.operands if operand.type == x86_const.X86_OP_IMM
                ]
                found = direct or list(targets(one.address))
                leads = found if one.mnemonic.split()[-1] == "jmp" else [*found, following]
            inside = [at for at in leads if start <= at < self._stop]
            self._next[one.address] = inside if len(inside) == len(leads) else [*inside, _EXIT]
            if not leads:
                self._next[one.address] = [_EXIT]
        for leads in self._next.values():
            leads[:] = [at if at in self._next else _EXIT for at in leads]
        self._before: dict[int, list[int]] = {_EXIT: []}
        for at, leads in self._next.items():
            for to in leads:
                self._before.setdefault(to, []).append(at)
        self._above = self._post_dominators()

    def meeting_points(self, address: int) -> list[int]:
        """Where all ways from an instruction meet, and after that again, until the function is
        left. What follows in a straight line is left out."""
        found: list[int] = []
        at = self._above.get(address, _EXIT)
        while at != _EXIT:
            if not found or len(self._before[at]) > 1:
                found.append(at)
            at = self._above[at]
        return found

    def _post_dominators(self) -> dict[int, int]:
        """Source: Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm", on the
        reversed graph."""
        before = self._before
        order: list[int] = []
        seen = {_EXIT}
        stack = [(_EXIT, iter(before[_EXIT]))]
        while stack:
            at, rest = stack[-1]
            for other in rest:
                if other not in seen:
                    seen.add(other)
                    stack.append((other, iter(before.get(other, []))))
                    break
            else:
                order.append(at)
                stack.pop()
        rank = {at: number for number, at in enumerate(order)}
        above: dict[int, int] = {_EXIT: _EXIT}
        changed = True
        while changed:
            changed = False
            for at in reversed(order[:-1]):
                known = [to for to in self._next[at] if to in above]
                if not known:
                    continue
                new = known[0]
                for other in known[1:]:
                    new = _common(new, other, above, rank)
                if above.get(at) != new:
                    above[at] = new
                    changed = True
        return above


def _common(one: int, other: int, above: dict[int, int], rank: dict[int, int]) -> int:
    while one != other:
        while rank[one] < rank[other]:
            one = above[one]
        while rank[other] < rank[one]:
            other = above[other]
    return one
