// SPDX-License-Identifier: Apache-2.0
// Python's view of recordings (src/reven/_engine.pyi).
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "receiver.h"

namespace reven {

namespace nb = nanobind;

void bind_recording(nb::module_& m) {
    nb::class_<MappedFile>(m, "MappedFile")
        .def_ro("path", &MappedFile::path)
        .def_ro("address", &MappedFile::address)
        .def_ro("executable", &MappedFile::executable);

    nb::class_<RecordingStatus>(m, "RecordingStatus")
        .def_ro("transitions", &RecordingStatus::transitions)
        .def_ro("executions", &RecordingStatus::executions)
        .def_ro("bytes_written", &RecordingStatus::bytes_written)
        .def_ro("threads", &RecordingStatus::threads)
        .def_ro("finished", &RecordingStatus::finished)
        .def_ro("end_reason", &RecordingStatus::end_reason)
        .def_ro("end_code", &RecordingStatus::end_code)
        .def_ro("error", &RecordingStatus::error);

    nb::class_<Recording>(m, "Recording")
        .def(
            "__init__",
            [](Recording* self, const std::string& path, int connection, uint64_t max_transitions,
               const Recording* parent, uint32_t template_count) {
                new (self) Recording(path, connection, max_transitions, parent, template_count);
            },
            nb::arg("path"), nb::arg("connection"), nb::kw_only(), nb::arg("max_transitions") = 0,
            nb::arg("parent").none() = nb::none(), nb::arg("template_count") = 0)
        .def("status", &Recording::status)
        .def("mapped_files", &Recording::mapped_files)
        .def("stop", &Recording::stop)
        .def("wait", &Recording::wait, nb::arg("seconds"),
             nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace reven
