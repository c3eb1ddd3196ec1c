# SPDX-License-Identifier: Apache-2.0
"""Trace, CPU, memory and history show what reven2 reads from the same trace."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

import reven2
from reven2.address import LinearAddress
from reven2.arch import x64
from reven2.arch.register import Register
from reven2.memhist import MemoryAccessOperation
from reven2.trace import Trace, Transition
from tests.server.running import Running

from .conftest import SOON, OpenAxion, panel
from .views import expect_at, first_address, jump, register_row, row, shown_bytes

FirstRunOf = Callable[[str], Transition]


@pytest.fixture
def parse(first_run_of: FirstRunOf) -> Transition:
    return first_run_of("parse")


def test_rows_are_the_transitions(open_axion: OpenAxion, trace: Trace, parse: Transition) -> None:
    name = trace._info.name
    page = open_axion(f"#/{name}/transition/{parse.id}")
    expect_at(page, parse.id)
    for number in range(parse.id - 2, parse.id + 5):
        transition = trace.transition(number)
        shown = row(page, number)
        expect(shown.locator(".id")).to_have_text(str(number))
        assert transition.instruction is not None
        mnemonic = transition.instruction.mnemonic
        expect(shown.locator(".mnemonic")).to_have_text(mnemonic)
        address = transition.context_before().read(x64.rip)
        assert int(shown.locator(".address").first.text_content() or "", 16) == address
        raw = transition.instruction.raw.hex()
        expect(shown.locator(".bytes")).to_have_text(raw)
    expect(row(page, parse.id).locator(".place")).to_have_text("parse")


def test_comments_are_the_values_read_and_written(
    open_axion: OpenAxion, trace: Trace, parse: Transition
) -> None:
    # The call of parse() writes its return address.
    call = parse - 1
    page = open_axion(f"#/{trace._info.name}/transition/{call.id}")
    (access,) = call.memory_accesses()
    assert access.operation is MemoryAccessOperation.Write
    stack = call.context_after().read(x64.rsp)
    value = call.context_after().read(LinearAddress(stack), 8)
    written = row(page, call.id).locator(".values .written")
    expect(written).to_have_text(f"[{stack:x}]←{value:x}")


def test_registers_before_and_after(open_axion: OpenAxion, trace: Trace, parse: Transition) -> None:
    call = parse - 1
    page = open_axion(f"#/{trace._info.name}/transition/{call.id}")
    before, after = call.context_before(), call.context_after()
    for register in (x64.rax, x64.rdi, x64.rbx, x64.r12):
        expect(register_row(page, register.name).locator(".value")).to_have_text(
            f"{before.read(register):x}", timeout=SOON
        )
    for register in (x64.rsp, x64.rip):
        expect(register_row(page, register.name).locator(".value")).to_have_text(
            f"{before.read(register):x} → {after.read(register):x}"
        )
        expect(register_row(page, register.name).locator(".changed")).to_be_visible()
    for flag in (x64.zf, x64.cf, x64.sf):
        expect(page.locator(f"#cpu-{flag.name} b")).to_have_text(str(before.read(flag)))
    # rdi is the argument of parse(): the string "7".
    expect(register_row(page, "rip")).to_contain_text("add+")


def test_pointers_are_followed(
    open_axion: OpenAxion, trace: Trace, first_run_of: FirstRunOf
) -> None:
    # Their arguments: a string on the stack, and the head of a list on the heap.
    page = open_axion(f"#/{trace._info.name}/transition/{first_run_of('add').id}")
    pointees = register_row(page, "rdi").locator(".pointees")
    expect(pointees).to_contain_text("[stack]", timeout=SOON)
    jump(page, f"#{first_run_of('sum').id}")
    expect(pointees).to_contain_text("[heap]", timeout=SOON)


def test_a_pointer_to_text_shows_it(
    open_axion: OpenAxion, opened: reven2.OpenTrace, trace: Trace
) -> None:
    # The format string, which printf() gets in rdi.
    end = trace.transition_count - 1
    page = open_axion(f"#/{trace._info.name}/transition/{end}")
    field = page.get_by_label(re.compile("^Address, as"))
    field.fill("[list]+4")
    field.press("Enter")
    reading = page.get_by_label("Interpretation").locator(".string").first
    expect(reading).to_have_text('"node-84"', timeout=SOON)


def test_vector_registers_by_lane(
    open_axion: OpenAxion, trace: Trace, first_run_of: FirstRunOf
) -> None:
    mean = next(
        transition
        for transition in trace.transitions(first_run_of("sum").id)
        if transition.instruction is not None and transition.instruction.mnemonic == "divsd"
    )
    page = open_axion(f"#/{trace._info.name}/transition/{mean.id}?side=after")
    page.get_by_text("Vector registers").click()
    page.get_by_label("Lanes").select_option("f64")
    lanes = register_row(page, "ymm0").locator(".lanes > span")
    raw = mean.context_after().read(Register.from_name("xmm0"))
    value = struct.unpack("<d", (raw & (1 << 64) - 1).to_bytes(8, "little"))[0]
    expect(lanes).to_have_count(4)
    assert float(lanes.first.inner_text()) == pytest.approx(value) == pytest.approx(45.5)
    expect(lanes.first).to_have_class("changed")


def test_memory_at_the_stack_pointer(
    open_axion: OpenAxion, trace: Trace, parse: Transition
) -> None:
    page = open_axion(f"#/{trace._info.name}/transition/{parse.id}")
    expect(panel(page, "memory").locator(".hexline").first).to_be_visible(timeout=SOON)
    stack = parse.context_before().read(x64.rsp)
    assert first_address(page) == stack - stack % 16
    shown = shown_bytes(page)
    memory = parse.context_before().read(LinearAddress(stack), 8, raw=True)
    offset = stack % 16
    assert bytes.fromhex("".join(shown[offset : offset + 8])) == memory
    # It follows rsp: one call further down the stack.
    page.keyboard.press("Shift+F11")
    call = parse - 1
    before = call.context_before().read(x64.rsp)
    expect(panel(page, "memory").locator(".where").first).to_have_text(
        f"{before - before % 16:010x}"
    )


@pytest.mark.parametrize(
    ("expression", "register", "offset"), [("rsp+0x20", "rsp", 0x20), ("rdi - 8*2", "rdi", -16)]
)
def test_an_address_expression(
    open_axion: OpenAxion,
    trace: Trace,
    parse: Transition,
    expression: str,
    register: str,
    offset: int,
) -> None:
    page = open_axion(f"#/{trace._info.name}/transition/{parse.id}")
    field = page.get_by_label(re.compile("^Address, as"))
    field.fill(expression)
    field.press("Enter")
    address = parse.context_before().read(Register.from_name(register)) + offset
    expect(panel(page, "memory").locator(".where").first).to_have_text(
        f"{address - address % 16:010x}", timeout=SOON
    )


def test_an_expression_that_means_nothing_says_why(
    open_axion: OpenAxion, trace: Trace, expected_errors
) -> None:
    expected_errors.words.append("400")
    page = open_axion(f"#/{trace._info.name}/transition/100")
    field = page.get_by_label(re.compile("^Address, as"))
    field.fill("rsp+nowhere")
    field.press("Enter")
    expect(panel(page, "memory").locator(".problem")).to_contain_text(
        "there is no register or symbol 'nowhere'", timeout=SOON
    )


def test_memory_that_is_unknown_or_unmapped_is_shown_so(
    open_axion: OpenAxion, trace: Trace
) -> None:
    page = open_axion(f"#/{trace._info.name}/transition/100?address=0x10&size=4")
    byte = panel(page, "memory").locator(".hex .byte").first
    expect(byte).to_have_text("··", timeout=SOON)
    expect(byte).to_have_attribute("title", "not mapped")


def test_bytes_of_the_transition_are_marked(
    open_axion: OpenAxion, trace: Trace, parse: Transition
) -> None:
    call = parse - 1
    page = open_axion(f"#/{trace._info.name}/transition/{call.id}?side=after")
    expect(panel(page, "memory").locator(".hex .byte.written")).to_have_count(8, timeout=SOON)


def test_interpretation_of_the_selected_bytes(open_axion: OpenAxion, trace: Trace) -> None:
    end = trace.transition_count - 1
    page = open_axion(f"#/{trace._info.name}/transition/{end}")
    field = page.get_by_label(re.compile("^Address, as"))
    field.fill("total")
    field.press("Enter")
    reading = page.get_by_label("Interpretation").get_by_text("546", exact=True)
    expect(reading.first).to_be_visible(timeout=SOON)


def test_history_is_every_access(open_axion: OpenAxion, trace: Trace) -> None:
    end = trace.transition_count - 1
    page = open_axion(f"#/{trace._info.name}/transition/{end}")
    jump(page, "total")
    rows = panel(page, "history").get_by_role("option")
    expect(rows.first).to_be_visible(timeout=SOON)
    address = int(re.findall("address=(0x[0-9a-f]+)", page.url)[0], 16)
    page.goto(page.url.replace(f"address={address:#x}", f"address={address:#x}&size=8"))
    accesses = list(trace.memory_accesses(LinearAddress(address), 8))
    expect(rows).to_have_count(len(accesses), timeout=SOON)
    for shown, access in zip(rows.all(), accesses, strict=True):
        assert shown.get_attribute("data-transition") == str(access.transition.id)
        letter = "W" if access.operation is MemoryAccessOperation.Write else "R"
        expect(shown).to_contain_text(f"{letter}{access.size}")
    panel(page, "history").get_by_role("button", name="writes").click()
    writes = [each for each in accesses if each.operation is MemoryAccessOperation.Write]
    expect(rows).to_have_count(len(writes))
    rows.first.click()
    expect_at(page, writes[0].transition.id)


THREADS = r"""
#include <pthread.h>
static volatile long sum;
static void *work(void *argument) {
    for (int i = 0; i < 200; i++) sum += i;
    return argument;
}
int main(void) {
    pthread_t thread;
    pthread_create(&thread, 0, work, 0);
    pthread_join(thread, 0);
    return 0;
}
"""


def test_registers_of_another_thread(
    open_axion: OpenAxion, record_program: Callable[..., Path], tmp_path: Path
) -> None:
    recorded = record_program(THREADS, "-pthread")
    running = Running([recorded], tmp_path)
    with reven2.open(recorded) as opened:
        second = opened.trace.threads[1]
        moment = opened.trace.transition(
            (second.first_transition.id + second.last_transition.id) // 2
        )
        page = open_axion(f"#/{running.run_file.scenarios[0]}/transition/{moment.id}", running)
        other = 1 if moment.context_before().thread == 2 else 2
        page.get_by_label("Thread", exact=True).select_option(str(other))
        expected = moment.context_before().read(x64.rsp, thread=other)
        expect(register_row(page, "rsp").locator(".value")).to_have_text(f"{expected:x}")
        expect(panel(page, "memory").locator(".where").first).to_have_text(
            f"{expected - expected % 16:010x}", timeout=SOON
        )
        page.context.close()
    running.end()
