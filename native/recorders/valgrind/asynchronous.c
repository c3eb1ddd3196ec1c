/* SPDX-License-Identifier: GPL-2.0-or-later
 * Memory that the kernel is given to write into later, when no system call runs: by
 * io_submit and io_uring. From then on it counts as shared with the kernel. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

#define PAGE 4096
#define MOST_RINGS 64
#define MOST_VECTORS 1024
#define ENTRY_SIZE 64 /* struct io_uring_sqe */
#define POLLED 2 /* IORING_SETUP_SQPOLL */
#define RING_OFFSET 0
#define ENTRIES_OFFSET 0x10000000
#define IO_URING_SETUP 425
#define IO_URING_ENTER 426

/* Submission queues of io_uring. */
static struct {
    Int descriptor;
    Bool polled; /* the kernel takes entries without a call */
    UInt count, head, tail, mask, array; /* entries, and offsets of the fields */
    Addr ring, entries; /* 0: not mapped yet */
} rings[MOST_RINGS];
static UInt ring_count;

static Bool readable(Addr address, SizeT size) {
    return address != 0 && VG_(am_is_valid_for_client)(address, size, VKI_PROT_READ);
}

static UInt word32(Addr address) { return *(UInt*)address; }

static Addr word64(Addr address) { return *(Addr*)address; }

static void watch(Addr address, SizeT size) {
    Addr page = VG_ROUNDDN(address, PAGE), end = VG_ROUNDUP(address + size, PAGE);
    if (size == 0 || end < page) return;
    while (page < end) {
        Addr stop = page;
        while (stop < end && !shared_covers(stop, PAGE) &&
               VG_(am_is_valid_for_client)(stop, PAGE, VKI_PROT_READ | VKI_PROT_WRITE))
            stop += PAGE;
        if (stop > page) {
            shared_add(page, stop - page, SHARED_WITH_KERNEL, 0, 0);
            shared_keep_contents(page, stop - page);
        }
        page = stop + PAGE;
    }
}

/* The call in progress gives the kernel memory to read. */
static void reads(Addr address, SizeT size) {
    if (threads_current() != 0) kernel_reads_note(threads_current(), address, size);
}

static void reads_vectors(Addr vectors, UWord count) {
    UWord i;
    if (count > MOST_VECTORS) count = MOST_VECTORS;
    if (!readable(vectors, 16 * count)) return;
    reads(vectors, 16 * count);
    for (i = 0; i < count; i++) reads(word64(vectors + 16 * i), word64(vectors + 16 * i + 8));
}

static void watch_vectors(Addr vectors, UWord count) {
    UWord i;
    if (count > MOST_VECTORS) count = MOST_VECTORS;
    if (!readable(vectors, 16 * count)) return;
    for (i = 0; i < count; i++) watch(word64(vectors + 16 * i), word64(vectors + 16 * i + 8));
}

static void submit(Addr requests, UWord count) {
    UWord i;
    for (i = 0; i < count && readable(requests + 8 * i, 8); i++) {
        Addr request = word64(requests + 8 * i);
        if (!readable(request, 64)) return;
        reads(requests + 8 * i, 8);
        reads(request, 64);
        switch (*(UShort*)(request + 16)) {
            case 0: /* IOCB_CMD_PREAD */
                watch(word64(request + 24), word64(request + 32));
                break;
            case 1: /* IOCB_CMD_PWRITE */
                reads(word64(request + 24), word64(request + 32));
                break;
            case 7: /* IOCB_CMD_PREADV */
                watch_vectors(word64(request + 24), word64(request + 32));
                break;
            case 8: /* IOCB_CMD_PWRITEV */
                reads_vectors(word64(request + 24), word64(request + 32));
                break;
            default:
                break;
        }
    }
}

static void take_entry(Addr entry) {
    Addr address = word64(entry + 16), second = word64(entry + 8);
    UInt size = word32(entry + 24);
    reads(entry, ENTRY_SIZE);
    switch (*(UChar*)entry) {
        case 1: /* IORING_OP_READV */
            watch_vectors(address, size);
            break;
        case 2: /* WRITEV */
            reads_vectors(address, size);
            break;
        case 5: /* WRITE_FIXED */
        case 23: /* WRITE */
        case 26: /* SEND */
            reads(address, size);
            break;
        case 9: /* SENDMSG */
            if (!readable(address, 56)) break;
            reads(address, 56);
            reads(word64(address), word32(address + 8));
            reads(word64(address + 32), word64(address + 40));
            reads_vectors(word64(address + 16), word64(address + 24));
            break;
        case 16: /* CONNECT */
            reads(address, word64(entry + 8));
            break;
        case 18: /* OPENAT */
            if (threads_current() != 0) kernel_reads_note_string(threads_current(), address);
            break;
        case 4: /* READ_FIXED */
        case 22: /* READ */
        case 27: /* RECV */
            watch(address, size);
            break;
        case 10: /* RECVMSG */
            if (!readable(address, 56)) break;
            watch(address, 56);
            watch(word64(address), word32(address + 8));
            watch(word64(address + 32), word64(address + 40));
            watch_vectors(word64(address + 16), word64(address + 24));
            break;
        case 13: /* ACCEPT: an address and its length */
            watch(address, 128);
            watch(second, 4);
            break;
        case 21: /* STATX */
            watch(second, 256);
            break;
        case 31: /* PROVIDE_BUFFERS: so many, each of the size */
            watch(address, (SizeT)size * word32(entry + 4));
            break;
        default:
            break;
    }
}

static void enter(Int descriptor) {
    UInt r, at, tail;
    for (r = 0; r < ring_count; r++) {
        Addr ring = rings[r].ring;
        if (rings[r].descriptor != descriptor || !readable(ring, rings[r].array) ||
            !readable(rings[r].entries, rings[r].count * ENTRY_SIZE))
            continue;
        tail = word32(ring + rings[r].tail);
        for (at = word32(ring + rings[r].head); at != tail; at++) {
            UInt entry = word32(ring + rings[r].array + 4 * (at & word32(ring + rings[r].mask)));
            if (entry < rings[r].count) take_entry(rings[r].entries + ENTRY_SIZE * entry);
        }
    }
}

void asynchronous_before(UInt number, const UWord* arguments) {
    if (number == __NR_io_submit)
        submit(arguments[2], arguments[1]);
    else if (number == IO_URING_ENTER)
        enter((Int)arguments[0]);
}

static void note_ring(Int descriptor, Addr parameters) {
    UInt r;
    for (r = 0; r < ring_count && rings[r].descriptor != descriptor; r++);
    if (r == MOST_RINGS) return;
    if (r == ring_count) ring_count++;
    rings[r].descriptor = descriptor;
    rings[r].count = word32(parameters);
    rings[r].polled = (word32(parameters + 8) & POLLED) != 0;
    rings[r].head = word32(parameters + 40);
    rings[r].tail = word32(parameters + 44);
    rings[r].mask = word32(parameters + 48);
    rings[r].array = word32(parameters + 64);
    rings[r].ring = rings[r].entries = 0;
}

void asynchronous_after(UInt number, const UWord* arguments, UWord result) {
    UInt r;
    if (number == IO_URING_SETUP && readable(arguments[1], 120))
        note_ring((Int)result, arguments[1]);
    else if (number == __NR_mmap)
        for (r = 0; r < ring_count; r++)
            if (rings[r].descriptor == (Int)arguments[4]) {
                if (arguments[5] == RING_OFFSET) rings[r].ring = result;
                if (arguments[5] == ENTRIES_OFFSET) rings[r].entries = result;
            }
}

void asynchronous_stored(Addr address) {
    UInt r;
    for (r = 0; r < ring_count; r++)
        if (rings[r].polled && address >= rings[r].entries &&
            address - rings[r].entries < (Addr)rings[r].count * ENTRY_SIZE)
            take_entry(address - (address - rings[r].entries) % ENTRY_SIZE);
}
