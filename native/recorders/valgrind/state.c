/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether the recorder records, and what it was told. */
#include "recorder.h"

Mode mode = RECORDING;
const HChar* option_socket = NULL;
Bool option_follow = True;
Bool option_wait = False;
