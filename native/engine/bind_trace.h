// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

namespace reven {

void bind_trace(nanobind::module_& module);
void bind_recording(nanobind::module_& module);

}  // namespace reven
