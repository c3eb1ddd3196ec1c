/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the trace says beside what ran: where the recorder does otherwise than the processor
 * or the kernel, and what the kernel says of a signal. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_machine.h"
#include "recorder.h"

#define MOST_NOTICES 64

static struct {
    UInt kind, detail;
} given[MOST_NOTICES];
static UInt given_count;

void notice(UInt kind, UInt detail, Addr ip, ULong value, const HChar* text) {
    reven_notice said = {kind, detail, ip, value};
    UInt i;
    if (mode != RECORDING || threads_current() == 0 || given_count == MOST_NOTICES) return;
    for (i = 0; i < given_count; i++)
        if (given[i].kind == kind && given[i].detail == detail) return;
    given[given_count].kind = kind;
    given[given_count++].detail = detail;
    record_two(REVEN_NOTICE, threads_current(), &said, sizeof said, text,
               text == NULL ? 0 : VG_(strlen)(text));
}

/* Noticed while a block ran, when it is too late to make a record. */
static reven_notice waiting;

void notice_later(UInt kind, UInt detail, Addr ip) {
    reven_notice later = {kind, detail, ip, 0};
    if (waiting.kind == 0) waiting = later;
}

void notices_flush(void) {
    if (waiting.kind != 0) notice(waiting.kind, waiting.detail, waiting.ip, 0, NULL);
    waiting.kind = 0;
}

void notices_forget(void) { given_count = 0; }

/* ------------------------------------------------------- what is not executed */

#define LONGEST_INSTRUCTION 15

/* Whether the processor would not execute it either. */
static Bool is_undefined(const UChar* code) {
    return (code[0] == 0x0f &&
            (code[1] == 0x0b || code[1] == 0xb9 || code[1] == 0xff || code[1] <= 1 ||
             (code[1] >= 0x20 && code[1] <= 0x23) || code[1] == 0x30 || code[1] == 0x32)) ||
           code[0] == 0xf4 || code[0] == 0xfa || code[0] == 0xfb || (code[0] & 0xf4) == 0xe4 ||
           (code[0] & 0xfc) == 0x6c || code[0] == 0x06 || code[0] == 0x07 || code[0] == 0xea;
}

void notices_not_executed(Addr ip) {
    HChar text[2 * LONGEST_INSTRUCTION + 1];
    const UChar *bytes = (const UChar*)ip, *code;
    UInt size = LONGEST_INSTRUCTION, i;
    while (size > 0 && !VG_(am_is_valid_for_client)(ip, size, VKI_PROT_READ)) size--;
    for (i = 0; i + 2 < size && (bytes[i] == 0x66 || bytes[i] == 0xf2 || bytes[i] == 0xf3 ||
                                 (bytes[i] & 0xf0) == 0x40);)
        i++;
    code = bytes + i;
    if (size < 2 || is_undefined(code)) return;
    for (i = 0; i < size; i++) VG_(sprintf)(text + 2 * i, "%02x", bytes[i]);
    notice(REVEN_NOTICE_NOT_EXECUTED, code[0] == 0x0f ? code[0] << 8 | code[1] : code[0], ip, 0,
           text);
}

/* ---------------------------------------------------------- what signals are */

/* Of the last signal that the core was about to deliver. */
static reven_signal_info last_signal;

void notices_signal(ThreadId tid, UInt number) {
    if (last_signal.number == number)
        record(REVEN_SIGNAL_INFO, tid, &last_signal, sizeof last_signal);
    last_signal.number = 0;
}

#define CODE_BREAKPOINT 1
#define CODE_KERNEL 128
#define CODE_NO_OPCODE 1
#define CODE_NO_OPERAND 2
#define CODE_USER 0         /* si_code: kill */
#define CODE_THREAD -6      /* tgkill */
#define CODE_QUEUE -1       /* sigqueue */

/* The linker directs the core's calls here (--wrap): before every signal. */
extern Bool __real_vgPlain_gdbserver_report_signal(vki_siginfo_t* info, ThreadId tid);
extern Bool __wrap_vgPlain_gdbserver_report_signal(vki_siginfo_t* info, ThreadId tid);

Bool __wrap_vgPlain_gdbserver_report_signal(vki_siginfo_t* info, ThreadId tid) {
    if (signals_stop(info->si_signo)) return False;
    VG_(memset)(&last_signal, 0, sizeof last_signal);
    seccomp_signal(tid, info);
    /* As the kernel says of every instruction that there is not. */
    if (info->si_signo == VKI_SIGILL && info->si_code == CODE_NO_OPCODE)
        info->si_code = CODE_NO_OPERAND;
    if (info->si_signo == VKI_SIGTRAP && info->si_code == CODE_BREAKPOINT)
        info->si_code = CODE_KERNEL;
    last_signal.number = info->si_signo;
    last_signal.code = info->si_code;
    if (info->si_code == CODE_USER || info->si_code == CODE_THREAD || info->si_code == CODE_QUEUE) {
        last_signal.sender = info->_sifields._kill._pid;
        last_signal.user = info->_sifields._kill._uid;
    } else if (info->si_signo == VKI_SIGFPE && info->si_code > 0) {
        /* The processor names the place in the translated code. */
        info->_sifields._sigfault._addr = (void*)VG_(get_IP)(tid);
        last_signal.address = VG_(get_IP)(tid);
        float_trapped(tid, info->si_code);
    } else if (info->si_code > 0)
        last_signal.address = (Addr)info->_sifields._sigfault._addr;
    return __real_vgPlain_gdbserver_report_signal(info, tid);
}
