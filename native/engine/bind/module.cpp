// SPDX-License-Identifier: Apache-2.0
// The extension module reven._engine; its interface is src/reven/_engine/.
#include <nanobind/nanobind.h>

#include "base/error.h"
#include "bind/trace.h"

NB_MODULE(_engine, module) {
    // What the interpreter does not free at its end is no leak of ours.
    nanobind::set_leak_warnings(false);
    nanobind::exception<reven::TraceError>(module, "TraceError");
    reven::bind_trace(module);
    reven::bind_calls(module);
    reven::bind_recording(module);
    reven::bind_taint(module);
    reven::bind_strings(module);
    reven::bind_search(module);
    reven::bind_debug_index(module);
    reven::bind_overview(module);
    reven::bind_heap(module);
    reven::bind_access_values(module);
}
