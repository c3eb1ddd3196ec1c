/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole recorder: it "runs" a program of five instructions so many times, which adds up
 * numbers that it finds in memory, and reports each time round to the writer at SOCKET.
 *
 *     example SOCKET TIMES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder_kit.h"

#define CODE 0x401000u
#define NUMBERS 0x500000u /* 256 of 8 bytes */
#define SUM 0x600000u

static const reven_instruction instructions[] = {
    {CODE, 4, {0x48, 0x8b, 0x0c, 0xfb}},       /* mov rcx, [rbx+rdi*8] */
    {CODE + 4, 3, {0x48, 0x01, 0xc8}},         /* add rax, rcx */
    {CODE + 7, 3, {0x48, 0x89, 0x02}},         /* mov [rdx], rax */
    {CODE + 10, 3, {0x40, 0xfe, 0xc7}},        /* inc dil */
    {CODE + 13, 2, {0xeb, 0xf1}},              /* jmp CODE */
};

/* Only what was loaded is recorded; the reader computes all the rest. Flags are left out:
 * this program never looks at them, so its recorder does not follow them. */
enum { LOADED, RBX, RDI, EIGHT, SCALED, FROM, RAX, TOTAL, RDX, ONE, DIL, NEXT, NODES };
static const reven_node nodes[NODES] = {
    [LOADED] = {REVEN_NODE_SLOT, 8, 0, 0, REVEN_NO_NODE, 0, 0},
    [RBX] = {REVEN_NODE_REGISTER, 8, 0, REVEN_RBX, 0, 0, 0},
    [RDI] = {REVEN_NODE_REGISTER, 8, 0, REVEN_RDI, 0, 0, 0},
    [EIGHT] = {REVEN_NODE_CONSTANT, 8, 0, 0, 0, 0, 8},
    [SCALED] = {REVEN_NODE_BINARY, 8, REVEN_OP_MUL, RDI, EIGHT, 0, 0},
    [FROM] = {REVEN_NODE_BINARY, 8, REVEN_OP_ADD, RBX, SCALED, 0, 0},
    [RAX] = {REVEN_NODE_REGISTER, 8, 0, REVEN_RAX, 0, 0, 0},
    [TOTAL] = {REVEN_NODE_BINARY, 8, REVEN_OP_ADD, RAX, LOADED, 0, 0},
    [RDX] = {REVEN_NODE_REGISTER, 8, 0, REVEN_RDX, 0, 0, 0},
    [ONE] = {REVEN_NODE_CONSTANT, 1, 0, 0, 0, 0, 1},
    [DIL] = {REVEN_NODE_REGISTER, 1, 0, REVEN_RDI, 0, 0, 0},
    [NEXT] = {REVEN_NODE_BINARY, 1, REVEN_OP_ADD, DIL, ONE, 0, 0},
};

#define NONE REVEN_NO_NODE
static const reven_event events[] = {
    {REVEN_EVENT_LOAD, 0, 0, 0, 8, FROM, LOADED, NONE, NONE, NONE, NONE},
    {REVEN_EVENT_SET_REGISTER, 0, 0, REVEN_RCX, 8, NONE, LOADED, NONE, NONE, NONE, NONE},
    {REVEN_EVENT_SET_REGISTER, 0, 1, REVEN_RAX, 8, NONE, TOTAL, NONE, NONE, NONE, NONE},
    {REVEN_EVENT_STORE, 0, 2, 0, 8, RDX, TOTAL, NONE, NONE, NONE, NONE},
    {REVEN_EVENT_SET_REGISTER, 0, 3, REVEN_RDI, 1, NONE, NEXT, NONE, NONE, NONE, NONE},
};

static struct {
    uint64_t rax, rcx, rdi;
    uint64_t numbers[256];
} machine;

static uint32_t registers(void* user, uint8_t* file) {
    const uint64_t rbx = NUMBERS, rdx = SUM, rip = CODE, dflag = 1;
    (void)user;
    memset(file, 0, REVEN_REGISTER_FILE_SIZE);
    memcpy(file + REVEN_RAX, &machine.rax, 8);
    memcpy(file + REVEN_RCX, &machine.rcx, 8);
    memcpy(file + REVEN_RDI, &machine.rdi, 8);
    memcpy(file + REVEN_RBX, &rbx, 8);
    memcpy(file + REVEN_RDX, &rdx, 8);
    memcpy(file + REVEN_RIP, &rip, 8);
    memcpy(file + REVEN_DFLAG, &dflag, 8);
    return 1;
}

static void map(reven_stream* stream, uint64_t address, uint32_t protection) {
    const reven_map mapping = {address, 4096, protection, REVEN_MAP_ZERO, 0};
    reven_stream_record(stream, REVEN_MAP, &mapping, sizeof mapping);
}

int main(int count, char** words) {
    const char* const arguments[] = {"sum", count > 2 ? words[2] : "", NULL};
    if (count != 3) {
        fprintf(stderr, "usage: example SOCKET TIMES\n");
        return 2;
    }
    for (uint64_t i = 0; i < 256; i++) machine.numbers[i] = i * i;
    reven_stream* stream =
        reven_stream_connect(words[1], "kit example 1", "/sum", arguments, registers, NULL);
    if (stream == NULL) {
        fprintf(stderr, "example: nobody listens at %s\n", words[1]);
        return 1;
    }
    map(stream, CODE, 5);
    map(stream, NUMBERS, 3);
    map(stream, SUM, 3);
    reven_stream_memory(stream, NUMBERS, machine.numbers, sizeof machine.numbers,
                        REVEN_CAUSE_IMAGE);
    reven_stream_record(stream, REVEN_SNAPSHOT_END, NULL, 0);

    const reven_template head = {.instruction_count = 5,
                                 .node_count = NODES,
                                 .event_count = sizeof events / sizeof *events,
                                 .values_size = 8,
                                 .jump_kind = REVEN_JUMP_BORING};
    uint32_t block = reven_stream_template(stream, &head, instructions, nodes, events);
    for (long left = strtol(words[2], NULL, 10); left > 0 && !reven_stream_stopped(stream);
         left--) {
        uint64_t loaded = machine.numbers[machine.rdi];
        reven_stream_execute(stream, block, 0, &loaded, sizeof loaded);
        machine.rcx = loaded;
        machine.rax += loaded;
        machine.rdi = (machine.rdi + 1) & 0xff;
    }
    const reven_end end = {.reason = REVEN_END_EXIT, .thread = 1, .ip = CODE};
    reven_stream_end(stream, &end);
    return 0;
}
