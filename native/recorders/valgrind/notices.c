/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the trace says beside what ran: where the recorder does otherwise than the processor
 * or the kernel, and what the kernel says of a signal. */
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

void notices_forget(void) { given_count = 0; }

/* ---------------------------------------------------------- what signals are */

/* Of the last signal that the core was about to deliver. */
static reven_signal_info last_signal;

void notices_signal(ThreadId tid, UInt number) {
    if (last_signal.number == number)
        record(REVEN_SIGNAL_INFO, tid, &last_signal, sizeof last_signal);
    last_signal.number = 0;
}

#define CODE_USER 0         /* si_code: kill */
#define CODE_THREAD -6      /* tgkill */
#define CODE_QUEUE -1       /* sigqueue */

/* The linker directs the core's calls here (--wrap): before every signal. */
extern Bool __real_vgPlain_gdbserver_report_signal(vki_siginfo_t* info, ThreadId tid);
extern Bool __wrap_vgPlain_gdbserver_report_signal(vki_siginfo_t* info, ThreadId tid);

Bool __wrap_vgPlain_gdbserver_report_signal(vki_siginfo_t* info, ThreadId tid) {
    VG_(memset)(&last_signal, 0, sizeof last_signal);
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
