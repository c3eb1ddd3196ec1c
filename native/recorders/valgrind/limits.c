/* SPDX-License-Identifier: GPL-2.0-or-later
 * The limits of the process as they would be without the recorder. The core takes the
 * program's limit of descriptors for the place where its own begin, and refuses another one:
 * here they have their place above all that the program may ask for, and the program has
 * its limits, lowers and raises them. */
#include "handlers.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_xarray.h"

extern Int vgPlain_fd_hard_limit;
extern struct vki_rlimit vgPlain_client_rlimit_stack;
extern Int vgPlain_setrlimit(Int resource, const struct vki_rlimit* limit);
extern XArray* vgPlain_args_for_valgrind;

/* The kernel's table of descriptors grows with the highest one. */
#define MOST_DESCRIPTORS 65536
#define OWN 64 /* above those */
#define MOST_EVER (1u << 20) /* fs.nr_open */
#define UNLIMITED_STACK (1UL << 30)

/* Of descriptors: what the program is told. */
static struct vki_rlimit told, told_before;
static Bool known = False;
static ULong kernels_hard; /* it is never lowered: the recorder's limit must come back */
/* Where the core's descriptors begin. */
static Int first_own = -1;

/* The core asks once, before anything else, and makes room for its own above the answer. */
extern Int __real_vgPlain_getrlimit(Int resource, struct vki_rlimit* limit);
extern Int __wrap_vgPlain_getrlimit(Int resource, struct vki_rlimit* limit);

Int __wrap_vgPlain_getrlimit(Int resource, struct vki_rlimit* limit) {
    Int result = __real_vgPlain_getrlimit(resource, limit);
    if (resource != VKI_RLIMIT_NOFILE || result != 0 || known) return result;
    known = True;
    told = *limit;
    kernels_hard = limit->rlim_max;
    if (limit->rlim_cur < MOST_DESCRIPTORS && limit->rlim_cur < limit->rlim_max)
        limit->rlim_cur = limit->rlim_max < MOST_DESCRIPTORS ? limit->rlim_max : MOST_DESCRIPTORS;
    return result;
}

static void set_limit(ULong soft) {
    struct vki_rlimit limit = {soft, kernels_hard};
    vgPlain_setrlimit(VKI_RLIMIT_NOFILE, &limit);
}

/* The kernel sees to the program's limit. */
static void apply(void) {
    ULong soft = told.rlim_cur < (ULong)first_own ? told.rlim_cur : (ULong)first_own;
    if (told.rlim_max > kernels_hard) kernels_hard = told.rlim_max;
    set_limit(soft);
}

void limits_init(void) {
    first_own = vgPlain_fd_hard_limit;
    apply();
}

static Bool lifted = False;

void limits_lift(void) {
    lifted = first_own >= 0;
    if (lifted)
        set_limit(kernels_hard < MOST_DESCRIPTORS + OWN ? kernels_hard : MOST_DESCRIPTORS + OWN);
}

void limits_restore(void) {
    if (lifted) apply();
    lifted = False;
}

extern Int __real_vgPlain_safe_fd(Int fd);
extern Int __wrap_vgPlain_safe_fd(Int fd);

Int __wrap_vgPlain_safe_fd(Int fd) {
    Int moved;
    limits_lift();
    moved = __real_vgPlain_safe_fd(fd);
    limits_restore();
    return moved;
}

Int limits_own_copy(Int descriptor) {
    Int copy;
    limits_lift();
    copy = VG_(fcntl)(descriptor, VKI_F_DUPFD, first_own);
    limits_restore();
    return copy;
}

Bool limits_is_own_descriptor(Long descriptor) { return first_own >= 0 && descriptor >= first_own; }

void limits_describe(HChar* row) {
    HChar soft[24], hard[24];
    VG_(sprintf)(soft, "%llu", (ULong)told.rlim_cur);
    VG_(sprintf)(hard, "%llu", (ULong)told.rlim_max);
    VG_(sprintf)(row, "%-25s %-20s %-20s %-10s\n", "Max open files", soft, hard, "files");
}

/* --------------------------------------------------------------- system calls */

static void set_told(Addr limit, CallStatus* status) {
    struct vki_rlimit wanted;
    UInt error = 0;
    if (!VG_(am_is_valid_for_client)(limit, sizeof wanted, VKI_PROT_READ))
        error = VKI_EFAULT;
    else {
        wanted = *(struct vki_rlimit*)limit;
        if (wanted.rlim_cur > wanted.rlim_max)
            error = VKI_EINVAL;
        else if (wanted.rlim_max > told.rlim_max &&
                 (VG_(geteuid)() != 0 || wanted.rlim_max > MOST_EVER))
            error = VKI_EPERM;
        else {
            told = wanted;
            apply();
        }
    }
    status->what = COMPLETE;
    status->result = error != 0 ? vgPlain_mk_SysRes_Error(error) : vgPlain_mk_SysRes_Success(0);
}

static void tell(Addr limit, const struct vki_rlimit* value) {
    if (VG_(am_is_valid_for_client)(limit, sizeof *value, VKI_PROT_WRITE))
        *(struct vki_rlimit*)limit = *value;
}

HANDLER(vgSysWrap_generic_sys_setrlimit_before) {
    if (call->arguments[0] == VKI_RLIMIT_NOFILE)
        set_told(call->arguments[1], status);
    else
        __real_vgSysWrap_generic_sys_setrlimit_before(tid, layout, call, status, flags);
}

static Bool of_own_descriptors(const CallArguments* call) {
    return call->arguments[1] == VKI_RLIMIT_NOFILE &&
           (call->arguments[0] == 0 || (Int)call->arguments[0] == VG_(getpid)());
}

HANDLER(vgSysWrap_linux_sys_prlimit64_before) {
    told_before = told;
    if (of_own_descriptors(call) && call->arguments[2] != 0)
        set_told(call->arguments[2], status);
    else
        __real_vgSysWrap_linux_sys_prlimit64_before(tid, layout, call, status, flags);
}

AFTER(vgSysWrap_generic_sys_getrlimit_after) {
    __real_vgSysWrap_generic_sys_getrlimit_after(tid, call, status);
    if (call->arguments[0] == VKI_RLIMIT_NOFILE) tell(call->arguments[1], &told);
}

AFTER(vgSysWrap_linux_sys_prlimit64_after) {
    __real_vgSysWrap_linux_sys_prlimit64_after(tid, call, status);
    if (of_own_descriptors(call) && call->arguments[3] != 0) tell(call->arguments[3], &told_before);
}

/* ----------------------------------------------------------------------- exec */

void limits_before_exec(void) {
    static const HChar option[] = "--main-stacksize=";
    static HChar stack[sizeof option + 24];
    ULong size = vgPlain_client_rlimit_stack.rlim_cur;
    Word i;
    vgPlain_setrlimit(VKI_RLIMIT_NOFILE, &told);
    vgPlain_setrlimit(VKI_RLIMIT_STACK, &vgPlain_client_rlimit_stack);
    if (size > UNLIMITED_STACK) size = UNLIMITED_STACK;
    VG_(sprintf)(stack, "%s%llu", option, size);
    for (i = 0; i < VG_(sizeXA)(vgPlain_args_for_valgrind); i++) {
        HChar** argument = VG_(indexXA)(vgPlain_args_for_valgrind, i);
        if (VG_(strncmp)(*argument, option, sizeof option - 1) == 0) *argument = stack;
    }
}

void limits_exec_failed(void) { apply(); }
