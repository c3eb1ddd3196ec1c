// SPDX-License-Identifier: Apache-2.0
// Made by scripts/registers.py from native/event_stream/registers.toml: change that.

// A register that may hold an address.
export type PointerRegister =
  | "rax"
  | "rcx"
  | "rdx"
  | "rbx"
  | "rsp"
  | "rbp"
  | "rsi"
  | "rdi"
  | "r8"
  | "r9"
  | "r10"
  | "r11"
  | "r12"
  | "r13"
  | "r14"
  | "r15"
  | "rip";
