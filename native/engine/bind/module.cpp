// SPDX-License-Identifier: Apache-2.0
// The extension module reven._engine; its interface is src/reven/_engine.pyi.
#include <nanobind/nanobind.h>

#include "base/error.h"
#include "bind/columns.h"
#include "bind/trace.h"

NB_MODULE(_engine, module) {
    // What the interpreter does not free at its end is no leak of ours.
    nanobind::set_leak_warnings(false);
    module.doc() =
        "The native engine: receives, stores, decodes and scans traces.\n\n"
        "Contexts are numbered 0 … N (context n is the one before transition n; context N\n"
        "is the last). Long calls release the GIL, call `progress(done, total)` now and\n"
        "then from the calling thread, and stop with KeyboardInterrupt when a signal\n"
        "handler raised, or with Cancelled when `progress` returns False.\n";
    nanobind::object error = nanobind::exception<reven::TraceError>(module, "TraceError");
    error.attr("__doc__") = "The trace cannot be used: missing, damaged, or of another version.";
    nanobind::exception<reven::DamagedIndex>(module, "DamagedIndex", error).attr("__doc__") =
        "An index beside the trace is damaged: it can be dropped and made anew.";
    // Their sentences name files, whose names may be any bytes.
    static nanobind::handle trace_error = error, damaged_index = module.attr("DamagedIndex");
    nanobind::register_exception_translator([](const std::exception_ptr& pointer, void*) {
        try {
            std::rethrow_exception(pointer);
        } catch (const reven::DamagedIndex& damaged) {
            PyErr_SetObject(damaged_index.ptr(), reven::text_of(damaged.what()).ptr());
        } catch (const reven::TraceError& damaged) {
            PyErr_SetObject(trace_error.ptr(), reven::text_of(damaged.what()).ptr());
        }
    });
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
    reven::bind_derived(module);
    reven::bind_compare(module);
}
