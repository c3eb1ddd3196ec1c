/* SPDX-License-Identifier: GPL-2.0-or-later
 * A Valgrind tool that records a program's execution as an event stream:
 * options, start and end of the process. */
#include "pub_tool_libcfile.h"
#include "pub_tool_options.h"
#include "recorder.h"

static const HChar *option_from, *option_until, *option_after;

static Bool process_option(const HChar* argument) {
    const HChar* name;
    if VG_STR_CLO (argument, "--reven-socket", option_socket) {
    } else if VG_STR_CLO (argument, "--reven-from", option_from) {
    } else if VG_STR_CLO (argument, "--reven-until", option_until) {
    } else if VG_STR_CLO (argument, "--reven-after", option_after) {
    } else if VG_BOOL_CLO (argument, "--reven-wait", option_wait) {
    } else if VG_STR_CLO (argument, "--reven-only", name) {
        selection_add(name, False);
    } else if VG_STR_CLO (argument, "--reven-skip", name) {
        selection_add(name, True);
    } else if VG_BOOL_CLO (argument, "--reven-follow", option_follow) {
    } else
        return False;
    return True;
}

static void print_usage(void) {
    VG_(printf)
    ("    --reven-socket=PATH       Unix socket of the writer; needed\n"
     "    --reven-from=PLACE        record from there (trigger.c)\n"
     "    --reven-until=PLACE       record until there\n"
     "    --reven-after=N|Nms       record after so many transitions, or milliseconds\n"
     "    --reven-wait=yes|no       record when the program asks for it [no]\n"
     "    --reven-only=NAME         record the code of that binary or function\n"
     "    --reven-skip=NAME         do not record it\n"
     "    --reven-follow=yes|no     record forked processes too [yes]\n");
}

static void print_debug_usage(void) {}

static void after_options(void) {
    process_after_log();
    limits_init();
    if (option_socket == NULL)
        VG_(fmsg_bad_option)("--reven-socket", "The recorder is started by `reven record`.\n");
    stream_init();
    if (option_from != NULL && !trigger_parse(&trigger_from, option_from))
        VG_(fmsg_bad_option)(option_from, "This is no place.\n");
    if (option_until != NULL && !trigger_parse(&trigger_until, option_until))
        VG_(fmsg_bad_option)(option_until, "This is no place.\n");
    if (option_after != NULL && !trigger_parse_after(option_after))
        VG_(fmsg_bad_option)(option_after, "This is no time.\n");
    if (option_from != NULL || option_after != NULL || option_wait) mode = WAITING;
    marks_look();

    /* One instruction after the other, with every register where it belongs: a
     * fault, and whoever looks at a block's middle, finds the exact state. */
    VG_(clo_vex_control).guest_chase = False;
    VG_(clo_vex_control).iropt_unroll_thresh = 0;
    VG_(clo_vex_control).iropt_register_updates_default = VexRegUpdAllregsAtEachInsn;
    VG_(clo_px_file_backed) = VexRegUpdAllregsAtEachInsn;
    VG_(clo_show_below_main) = True;
}

/* The core calls this before it knows, or says, how the process ends; the
 * wrappers below are told. */
static Bool finished = False;

static void finish(Int status) {
    (void)status;
    finished = True;
}

/* The linker directs the core's calls here (--wrap). */
extern void __real_vgPlain_client_exit(Int status) __attribute__((noreturn));
extern void __wrap_vgPlain_client_exit(Int status) __attribute__((noreturn));
extern void __real_vgPlain_kill_self(Int signal);
extern void __wrap_vgPlain_kill_self(Int signal);
extern void __real_vgPlain_nuke_all_threads_except(ThreadId tid, Int reason);
extern void __wrap_vgPlain_nuke_all_threads_except(ThreadId tid, Int reason);

void __wrap_vgPlain_client_exit(Int status) {
    lent_memory_done();
    if (finished) threads_exited(status);
    __real_vgPlain_client_exit(status);
}

void __wrap_vgPlain_kill_self(Int signal) {
    lent_memory_done();
    if (finished) threads_killed(signal);
    __real_vgPlain_kill_self(signal);
}

void __wrap_vgPlain_nuke_all_threads_except(ThreadId tid, Int reason) {
    threads_fatal(tid);
    __real_vgPlain_nuke_all_threads_except(tid, reason);
}

static void before_options(void) {
    VG_(details_name)("reven");
    VG_(details_version)(NULL);
    VG_(details_description)("execution recorder");
    VG_(details_copyright_author)("GPL-2.0-or-later, the REVEN authors.");
    VG_(details_bug_reports_to)("the REVEN issue tracker");
    VG_(details_avg_translation_sizeB)(700);
    VG_(basic_tool_funcs)(after_options, instrument, finish);
    VG_(needs_command_line_options)(process_option, print_usage, print_debug_usage);
    registers_init();
    operations_init();
    flow_operations_init();
    threads_init();
    memory_init();
    kernel_reads_init();
    marks_init();
    process_before_log();
}

VG_DETERMINE_INTERFACE_VERSION(before_options)
