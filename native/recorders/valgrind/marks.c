/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the program asks the recorder for, by the macros of reven.h. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_tooliface.h"
#include "recorder.h"

extern void vgPlain_discard_translations(Addr start, ULong range, const HChar* who);

/* As in reven.h. */
#define REQUEST_BASE 0x52560000UL
enum { REQUEST_START = REQUEST_BASE + 1, REQUEST_STOP, REQUEST_MARK };

#define LONGEST_TEXT 1000

static void set_mark(ThreadId tid, Addr text) {
    SizeT size;
    if (!exec_is_string(text)) return;
    size = VG_(strlen)((const HChar*)text);
    if (mode == RECORDING && threads_current() != 0)
        record(REVEN_MARK, tid, (const void*)text, size < LONGEST_TEXT ? size : LONGEST_TEXT);
    if (!trigger_mark((const HChar*)text)) return;
    if (trigger_until_reached()) {
        if (threads_current() == 0) return;
        gap_close(tid);
        record_end(REVEN_END_UNTIL, 0, False, tid, VG_(get_IP)(tid));
    } else
        vgPlain_discard_translations(0, ~0ULL, "reven: recording begins");
}

static Bool requested(ThreadId tid, UWord* arguments, UWord* result) {
    *result = 0;
    switch (arguments[0]) {
        case REQUEST_START:
            if (mode == WAITING && option_wait) {
                mode = RECORDING;
                vgPlain_discard_translations(0, ~0ULL, "reven: recording begins");
            } else if (mode == RECORDING)
                gaps_pause(False);
            return True;
        case REQUEST_STOP:
            if (mode == RECORDING) gaps_pause(True);
            return True;
        case REQUEST_MARK:
            set_mark(tid, arguments[1]);
            return True;
        default:
            return False;
    }
}

/* The writer makes this file when it is asked to begin. */
static Bool begin_wanted(void) {
    HChar path[VKI_PATH_MAX];
    struct vg_stat status;
    VG_(snprintf)(path, sizeof path, "%s.start", option_socket);
    return !sr_isError(VG_(stat)(path, &status));
}

void marks_look(void) {
    static Bool paused = False;
    if (mode == WAITING && option_wait && begin_wanted()) {
        mode = RECORDING;
        vgPlain_discard_translations(0, ~0ULL, "reven: recording begins");
    }
    if (mode == RECORDING && stream_paused() != paused) {
        paused = !paused;
        gaps_pause(paused);
    }
}

void marks_init(void) { VG_(needs_client_requests)(requested); }
