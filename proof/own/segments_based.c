// SPDX-License-Identifier: Apache-2.0
// The bases of fs and gs, and what lies there.
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) { static long block[4] = {11, 22, 33, 44}; unsigned long fs, gs, back; printf("%ld ", syscall(SYS_arch_prctl, ARCH_GET_FS, &fs)); printf("%ld ", syscall(SYS_arch_prctl, ARCH_SET_GS, block)); syscall(SYS_arch_prctl, ARCH_GET_GS, &gs); printf("%d ", gs == (unsigned long)block); __asm__ volatile("mov %%gs:16, %0" : "=r"(back)); printf("%lu ", back); __asm__ volatile("movq $99, %%gs:8" ::: "memory"); __asm__ volatile("mov %%fs:0, %0" : "=r"(gs)); printf("%ld %d\n", block[1], gs == fs); return 0; }
