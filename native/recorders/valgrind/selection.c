/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which code is recorded: --reven-only and --reven-skip. */
#include "pub_tool_mallocfree.h"
#include "recorder.h"

#define MOST_NAMES 64

static struct {
    const HChar *binary, *name; /* null: any; `name` alone is either */
    Bool skip;
} names[MOST_NAMES];
static UInt name_count;
static Bool any_only;

void selection_add(const HChar *name, Bool skip) {
    HChar *copy = VG_(strdup)("reven.selection", name), *mark = VG_(strchr)(copy, '!');
    if (name_count == MOST_NAMES) return;
    if (mark != NULL) *mark = 0;
    names[name_count].binary = mark == NULL ? NULL : copy;
    names[name_count].name = mark == NULL ? copy : mark + 1;
    names[name_count++].skip = skip;
    any_only = any_only || !skip;
}

Bool selection_any(void) { return name_count > 0; }

static Bool has(UInt i, Addr address) {
    if (names[i].binary != NULL)
        return trigger_in_binary(address, names[i].binary) &&
               trigger_in_symbol(address, names[i].name);
    return trigger_in_binary(address, names[i].name) || trigger_in_symbol(address, names[i].name);
}

void selection_say(void) {
    UInt i;
    for (i = 0; i < name_count; i++) {
        HChar text[256];
        VG_(snprintf)
        (text, sizeof text, "%s%s%s", names[i].binary == NULL ? "" : names[i].binary,
         names[i].binary == NULL ? "" : "!", names[i].name);
        notice(REVEN_NOTICE_LEFT_OUT, i + 1, 0, !names[i].skip, text);
    }
}

Bool selection_has(Addr address) {
    Bool wanted = !any_only;
    UInt i;
    for (i = 0; i < name_count; i++) {
        if (!has(i, address)) continue;
        if (names[i].skip) return False;
        wanted = True;
    }
    return wanted;
}
