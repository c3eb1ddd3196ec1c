/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program tells the recorder that it runs under. Without one, each macro is a handful
 * of instructions that change nothing.
 *
 *     #include <reven.h>      gcc -I"$(reven include-dir)" program.c
 *
 *     REVEN_START();          record from here on: after REVEN_STOP(), or with --wait
 *     REVEN_STOP();           let the record pause
 *     REVEN_MARK("parsed");   name this moment: it becomes a bookmark of the trace
 */
#ifndef REVEN_H
#define REVEN_H

#define REVEN_START() REVEN_REQUEST_(1, 0)
#define REVEN_STOP() REVEN_REQUEST_(2, 0)
#define REVEN_MARK(text) REVEN_REQUEST_(3, (text))

/* The rotations turn rdi around twice, and a recorder takes the sequence for a request: rax
 * points to what is asked for. */
#if defined(__x86_64__) && defined(__GNUC__)
#define REVEN_REQUEST_(number, argument)                                                    \
    do {                                                                                    \
        volatile unsigned long long reven_request_[6] = {                                   \
            0x52560000ULL + (number), (unsigned long long)(argument), 0, 0, 0, 0};          \
        unsigned long long reven_answer_ = 0;                                               \
        __asm__ volatile(                                                                   \
            "rolq $3, %%rdi\n\trolq $13, %%rdi\n\trolq $61, %%rdi\n\trolq $51, %%rdi\n\t"   \
            "xchgq %%rbx, %%rbx"                                                            \
            : "+d"(reven_answer_)                                                           \
            : "a"(&reven_request_[0])                                                       \
            : "cc", "memory");                                                              \
    } while (0)
#else
#define REVEN_REQUEST_(number, argument) ((void)(argument))
#endif

#endif
