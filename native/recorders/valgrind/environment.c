/* SPDX-License-Identifier: GPL-2.0-or-later
 * The program's environment as its user gave it. The core adds variables for
 * itself and for libraries that this tool has no use for; they stand on the
 * program's initial stack and are taken away before its first instruction. */
#include "pub_tool_clientstate.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "recorder.h"

static Bool begins_with(const HChar* string, const HChar* start) {
    return VG_(strncmp)(string, start, VG_(strlen)(start)) == 0;
}

/* Takes the core's library out of LD_PRELOAD=…; False if nothing remains. */
static Bool keep_preload(HChar* variable) {
    HChar* value = variable + VG_(strlen)("LD_PRELOAD=");
    HChar *core = VG_(strstr)(value, "/vgpreload_core-"), *end;
    if (core == NULL) return True;
    end = VG_(strchr)(core, ':');
    while (core > value && core[-1] != ':') core--;
    if (end == NULL)
        core[core > value ? -1 : 0] = 0;
    else
        VG_(memmove)(core, end + 1, VG_(strlen)(end + 1) + 1);
    return value[0] != 0;
}

static Bool keep(HChar* variable) {
    if (begins_with(variable, "LD_PRELOAD=")) return keep_preload(variable);
    return !begins_with(variable, "VALGRIND_LIB=") &&
           !begins_with(variable, "VALGRIND_LAUNCHER=") &&
           !begins_with(variable, "REVEN_PROGRAM_NAME=") && !seccomp_is_variable(variable) &&
           !begins_with(variable, "GLIBCPP_FORCE_NEW=") &&
           !begins_with(variable, "GLIBCXX_FORCE_NEW=");
}

static Addr *arguments, *variables;

const Addr* environment_arguments(void) { return arguments; }
const Addr* environment_variables(void) { return variables; }

static Addr* keep_list(const UWord* from) {
    SizeT count = 1;
    Addr* kept;
    while (from[count - 1] != 0) count++;
    kept = VG_(malloc)("reven.strings", count * sizeof(Addr));
    VG_(memcpy)(kept, from, count * sizeof(Addr));
    return kept;
}

/* argc, arguments, 0, environment, 0, pairs of the auxiliary vector, 0 0 */
static void restore(ThreadId tid, UWord* stack) {
    UWord *from = stack + 1 + stack[0] + 1, *to = from;
    const HChar* name = exec_given_name((HChar**)from);
    /* A script gets its path whatever it is called. */
    if (name != NULL && stack[0] > 0 &&
        VG_(strcmp)((const HChar*)stack[1], VG_(args_the_exename)) == 0)
        stack[1] = (UWord)name;
    for (; *from != 0; from++) {
        if (seccomp_is_variable((HChar*)*from)) seccomp_take(tid, (HChar*)*from);
        if (keep((HChar*)*from)) *to++ = *from;
    }
    if (to == from) return;
    *to++ = *from++;
    do {
        to[0] = from[0];
        to[1] = from[1];
        to += 2;
        from += 2;
    } while (to[-2] != 0);
    while (to < from) *to++ = 0;
}

void environment_restore(ThreadId tid) {
    UWord* stack = (UWord*)VG_(get_SP)(tid);
    restore(tid, stack);
    arguments = keep_list(stack + 1);
    variables = keep_list(stack + 1 + stack[0] + 1);
}
