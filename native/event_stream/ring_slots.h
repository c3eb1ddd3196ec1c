/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 *
 * The recorder's side of the ring of event_stream.h, without a system call: what a
 * recorder does besides is to wait and to wake, each in the way that its own world has.
 */
#ifndef REVEN_RING_SLOTS_H
#define REVEN_RING_SLOTS_H

#include "event_stream.h"

/* What a control record's payload takes with its padding. */
static inline uint64_t reven_padded(uint64_t size) { return (size + 7) & ~(uint64_t)7; }

static inline int reven_slot_is_free(const reven_ring_header* ring) {
    return ring->produced - __atomic_load_n(&ring->consumed, __ATOMIC_SEQ_CST) < ring->slot_count;
}

/* To be followed by another look at reven_slot_is_free, then by reading the socket. */
static inline void reven_slot_announce_wait(reven_ring_header* ring) {
    __atomic_store_n(&ring->recorder_waits, 1, __ATOMIC_SEQ_CST);
}

static inline void reven_slot_end_wait(reven_ring_header* ring) {
    __atomic_store_n(&ring->recorder_waits, 0, __ATOMIC_RELAXED);
}

/* Begins the free slot that comes next, and gives its number: headers start at `*headers`,
 * values at `*values`, control records at `*control`. */
static inline uint32_t reven_slot_open(reven_ring_header* ring, uint64_t first_execution,
                                       uint8_t** headers, uint8_t** values, uint8_t** control) {
    uint32_t slot = (uint32_t)(ring->produced % ring->slot_count);
    uint8_t* base = (uint8_t*)ring + ring->first_slot + slot * ring->slot_size;
    *headers = base;
    *values = base + ring->values_offset;
    *control = base + ring->control_offset;
    ring->slot[slot].first_execution = first_execution;
    return slot;
}

/* How far the slot is filled: what the writer reads when the recorder has died. Executions
 * come last, so that the others are never behind them. */
static inline void reven_slot_note(reven_ring_header* ring, uint32_t slot, uint32_t executions,
                                   uint32_t values_size, uint32_t control_size) {
    ring->slot[slot].salvage_control_size = control_size;
    ring->slot[slot].salvage_values_size = values_size;
    __atomic_store_n(&ring->slot[slot].salvage_executions, executions, __ATOMIC_RELEASE);
}

/* Hands the slot over. 1: the writer waits, so a byte is to be sent to it. */
static inline int reven_slot_hand_over(reven_ring_header* ring, uint32_t slot, uint32_t executions,
                                       uint32_t values_size, uint32_t control_size) {
    ring->slot[slot].executions = executions;
    ring->slot[slot].values_size = values_size;
    ring->slot[slot].control_size = control_size;
    __atomic_add_fetch(&ring->produced, 1, __ATOMIC_SEQ_CST);
    return __atomic_exchange_n(&ring->writer_waits, 0, __ATOMIC_SEQ_CST) != 0;
}

#endif
