#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes trace/ again, with a reven of version 0.1: make.sh PATH_OF_REVEN. It is kept, since no
# later version writes such traces.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
cd "$work"
gcc -O1 -static -nostdlib -fno-stack-protector -fno-asynchronous-unwind-tables -Wl,--build-id=none \
    -Wl,-z,noseparate-code -o squares "$here/program.c"
"$1" record -o trace.reven -- ./squares
rm -rf "$here/trace"
mkdir "$here/trace"
cp -r trace.reven/. "$here/trace/"
rm -rf "$here"/trace/*index* "$here"/trace/calls.bin "$work"
