/* SPDX-License-Identifier: GPL-2.0-or-later
 * Signals where the core does otherwise than the kernel. Those that stop the process, and
 * SIGCONT, the core catches, and does nothing where the program has no handler: here the kernel
 * has them, so that the process stops, and a system call in which it does goes on afterwards. */
#include "pub_tool_libcproc.h"
#include "pub_tool_libcsignal.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

typedef vki_sigaction_toK_t Action;

extern Int vgPlain_sigaction(Int number, const Action* set, Action* old);
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);
extern SysRes vgPlain_do_sys_sigprocmask(ThreadId tid, Int how, vki_sigset_t* set,
                                         vki_sigset_t* old);
/* The linker directs the core's calls here (--wrap). */
extern SysRes __real_vgPlain_do_sys_sigaction(Int number, const Action* set, Action* old);
extern SysRes __wrap_vgPlain_do_sys_sigaction(Int number, const Action* set, Action* old);

static const Int numbers[] = {VKI_SIGCONT, VKI_SIGTSTP, VKI_SIGTTIN, VKI_SIGTTOU};
#define COUNT (sizeof numbers / sizeof *numbers)

/* The core's own actions, while the kernel has its usual ones. */
static struct {
    Bool away;
    Action action;
} cores[COUNT];

static UInt index_of(Int number) {
    UInt i = 0;
    while (i < COUNT && numbers[i] != number) i++;
    return i;
}

static Bool unhandled(Int number) {
    Action programs;
    return !sr_isError(__real_vgPlain_do_sys_sigaction(number, NULL, &programs)) &&
           programs.ksa_handler == VKI_SIG_DFL;
}

static void give_to_kernel(UInt i) {
    Action usual;
    if (!unhandled(numbers[i]) || vgPlain_sigaction(numbers[i], NULL, &cores[i].action) != 0 ||
        cores[i].action.ksa_handler == VKI_SIG_DFL)
        return;
    usual = cores[i].action;
    usual.ksa_handler = VKI_SIG_DFL;
    cores[i].away = vgPlain_sigaction(numbers[i], &usual, NULL) == 0;
}

void signals_begin(void) {
    UInt i;
    for (i = 0; i < COUNT; i++) give_to_kernel(i);
}

/* The core wants to find its own action when it sets another. */
SysRes __wrap_vgPlain_do_sys_sigaction(Int number, const Action* set, Action* old) {
    UInt i = index_of(number);
    SysRes result;
    if (set == NULL || i == COUNT) return __real_vgPlain_do_sys_sigaction(number, set, old);
    if (cores[i].away) vgPlain_sigaction(number, &cores[i].action, NULL);
    cores[i].away = False;
    result = __real_vgPlain_do_sys_sigaction(number, set, old);
    give_to_kernel(i);
    return result;
}

Bool signals_stop(Int number) {
    vki_sigset_t only, blocked;
    UInt byte;
    if (number == VKI_SIGCONT || index_of(number) == COUNT || !unhandled(number)) return False;
    /* It came while the program computed, and the core has taken it from the kernel. */
    for (byte = 0; byte < sizeof only; byte++) ((UChar*)&only)[byte] = 0;
    only.sig[(number - 1) / 64] = 1UL << (number - 1) % 64;
    vgPlain_do_syscall(__NR_tgkill, VG_(getpid)(), VG_(gettid)(), number, 0, 0, 0, 0, 0);
    VG_(sigprocmask)(VKI_SIG_UNBLOCK, &only, &blocked);
    VG_(sigprocmask)(VKI_SIG_SETMASK, &blocked, NULL);
    return True;
}

/* With SA_NODEFER the core blocks nothing while the handler runs, the kernel all but the signal. */
void signals_handler_begins(ThreadId tid, Int number, UInt flags) {
    Action programs;
    if ((flags & VKI_SA_NOMASK) == 0 ||
        sr_isError(__real_vgPlain_do_sys_sigaction(number, NULL, &programs)))
        return;
    vgPlain_do_sys_sigprocmask(tid, VKI_SIG_BLOCK, &programs.sa_mask, NULL);
}
