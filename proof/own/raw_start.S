// SPDX-License-Identifier: Apache-2.0
// flags: -nostdlib -static
// quick: yes
        .globl _start
_start: mov $1, %eax
        mov $1, %edi
        lea text(%rip), %rsi
        mov $6, %edx
        syscall
        mov (%rsp), %rdi
        mov $60, %eax
        syscall
text:   .ascii "start\n"
