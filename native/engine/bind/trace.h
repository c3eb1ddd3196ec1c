// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

namespace reven {

void bind_trace(nanobind::module_& module);
void bind_calls(nanobind::module_& module);
void bind_recording(nanobind::module_& module);
void bind_taint(nanobind::module_& module);
void bind_strings(nanobind::module_& module);
void bind_search(nanobind::module_& module);
void bind_debug_index(nanobind::module_& module);
void bind_overview(nanobind::module_& module);
void bind_heap(nanobind::module_& module);
void bind_access_values(nanobind::module_& module);
void bind_derived(nanobind::module_& module);
void bind_compare(nanobind::module_& module);

}  // namespace reven
