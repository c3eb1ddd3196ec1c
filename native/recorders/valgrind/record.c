/* SPDX-License-Identifier: GPL-2.0-or-later
 * Control records. */
#include "recorder.h"

#define MEMORY_PIECE (1u << 20)

void record_at(UInt executions_back, UInt type, ThreadId tid, const void* first, SizeT first_size,
               const void* second, SizeT second_size) {
    static ULong last = 0;
    SizeT size = first_size + second_size, padded = VG_ROUNDUP(size, 8);
    UChar* to = stream_control(type, sizeof(reven_record) + padded);
    reven_record header = {type, threads_number(tid), stream_position(), size};
    if (to == NULL) return;
    /* Records are in order. */
    if (header.position != last) header.position -= executions_back;
    last = header.position;
    VG_(memcpy)(to, &header, sizeof header);
    to += sizeof header;
    if (padded != size) VG_(memset)(to + padded - 8, 0, 8);
    if (first_size != 0) VG_(memcpy)(to, first, first_size);
    if (second_size != 0) VG_(memcpy)(to + first_size, second, second_size);
}

void record_two(UInt type, ThreadId tid, const void* first, SizeT first_size, const void* second,
                SizeT second_size) {
    record_at(0, type, tid, first, first_size, second, second_size);
}

void record(UInt type, ThreadId tid, const void* payload, SizeT size) {
    record_two(type, tid, payload, size, NULL, 0);
}

void record_memory(ThreadId tid, Addr address, SizeT size, UInt cause, const void* bytes) {
    SizeT piece = stream_largest_payload() - sizeof(reven_memory);
    if (gap_open()) {
        /* The trace does not know of the call. */
        if (cause == REVEN_CAUSE_SYSCALL) cause = REVEN_CAUSE_NOT_RECORDED;
        gap_known(address, size, bytes);
    }
    if (cause != REVEN_CAUSE_IMAGE && shared_covers(address, size)) {
        shared_record(tid, address, size, cause, bytes);
        return;
    }
    if (piece > MEMORY_PIECE) piece = MEMORY_PIECE;
    while (size > 0) {
        SizeT n = size < piece ? size : piece;
        reven_memory header = {address, cause, 0};
        record_two(REVEN_MEMORY, tid, &header, sizeof header, bytes, n);
        address += n;
        bytes = (const UChar*)bytes + n;
        size -= n;
    }
}

void record_end(UInt reason, Int code, Bool synchronous, ThreadId tid, Addr ip) {
    reven_end end = {reason, code, synchronous, threads_number(tid), ip};
    record(REVEN_END, tid, &end, sizeof end);
    stream_publish_last();
    stop_recording();
}

void template_send(const reven_template* header, const UChar* rest, SizeT size) {
    record_two(REVEN_TEMPLATE, 0, header, sizeof *header, rest, size);
    stream_announce_values_size(header->values_size);
}
