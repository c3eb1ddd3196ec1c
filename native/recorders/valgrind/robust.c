/* SPDX-License-Identifier: GPL-2.0-or-later
 * Robust mutexes: of those that a thread holds when it ends, the kernel marks the words. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_threadstate.h"
#include "recorder.h"

#define MOST_WORDS 2048 /* as far as the kernel goes */
#define FUTEX_TID_MASK 0x3fffffff

/* By thread: the head of its list; null: none. */
static Addr* heads;
/* Words of threads that have ended, not recorded yet. */
static struct {
    Addr address;
    UInt before;
} words[MOST_WORDS];
static UInt word_count;

static Bool readable(Addr address, SizeT size) {
    return address >= 4096 && VG_(am_is_valid_for_client)(address, size, VKI_PROT_READ);
}

void robust_note(ThreadId tid, Addr head) {
    if (heads == NULL) heads = VG_(calloc)("reven.heads", VG_N_THREADS, sizeof(Addr));
    heads[tid] = head;
}

static void add(Addr entry, Long offset) {
    Addr word = (entry & ~1UL) + offset;
    if (word_count == MOST_WORDS || !readable(word, 4) || (*(UInt*)word & FUTEX_TID_MASK) == 0)
        return;
    words[word_count].address = word;
    words[word_count++].before = *(UInt*)word;
}

void robust_exits(ThreadId tid) {
    /* struct robust_list_head: the first entry, the distance of its word, a pending one */
    Addr head = heads == NULL ? 0 : heads[tid], entry;
    UInt steps;
    Long offset;
    if (head == 0) return;
    heads[tid] = 0;
    if (!readable(head, 24)) return;
    offset = *(Long*)(head + 8);
    entry = *(Addr*)head;
    for (steps = 0; steps < MOST_WORDS && (entry & ~1UL) != head && readable(entry & ~1UL, 8);
         steps++) {
        add(entry, offset);
        entry = *(Addr*)(entry & ~1UL);
    }
    if (*(Addr*)(head + 16) != 0) add(*(Addr*)(head + 16), offset);
}

void robust_record(ThreadId tid) {
    UInt i;
    for (i = 0; i < word_count; i++)
        if (readable(words[i].address, 4) && *(UInt*)words[i].address != words[i].before)
            record_memory(tid, words[i].address, 4, REVEN_CAUSE_THREAD_EXIT,
                          (const void*)words[i].address);
    word_count = 0;
}
