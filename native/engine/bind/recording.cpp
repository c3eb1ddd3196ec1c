// SPDX-License-Identifier: Apache-2.0
// Python's view of recordings (src/reven/_engine/).
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/bytes.h"
#include "record/receiver.h"
#include "store/reader.h"

namespace reven {

namespace nb = nanobind;

namespace {

nb::bytes to_bytes(const void* data, size_t size) { return nb::bytes(data, size); }

nb::tuple load_segment(const StoreReader& store, size_t index) {
    if (index >= store.segment_count()) throw nb::index_error("there is no such segment");
    auto segment = store.load(index);
    nb::list retired, values, records;
    for (uint32_t i = 0; i < segment->execution_count(); i++) {
        retired.append(segment->retired[i]);
        values.append(to_bytes(segment->values_of(i), segment->block(i).values_size));
    }
    for (RecordCursor at(segment->control); !at.done(); at.next()) {
        const reven_record& header = *at.view().header;
        records.append(nb::make_tuple(header.type, header.thread, header.position,
                                      to_bytes(at.view().payload, header.size)));
    }
    nb::bytes headers = to_bytes(segment->headers.data(), segment->headers.size() * 4);
    return nb::make_tuple(headers, retired, values, records);
}

// The payload of the REVEN_TEMPLATE record that a template came from.
nb::bytes template_payload(const StoreReader& store, uint32_t id) {
    const Template& head = store.find_template(id);
    auto body = store.load_body(id);
    reven_template start{head.id,          static_cast<uint32_t>(head.instructions.size()),
                         head.node_count,  head.event_count,
                         head.values_size, static_cast<uint32_t>(head.exits.size()),
                         head.jump_kind,   head.flags};
    std::vector<uint8_t> payload;
    auto add = [&payload](const auto& items) {
        put_bytes(payload, items.data(), items.size() * sizeof items[0]);
    };
    put_bytes(payload, &start, sizeof start);
    add(head.instructions);
    add(body->nodes);
    add(body->events);
    return to_bytes(payload.data(), payload.size());
}

}  // namespace

void bind_recording(nb::module_& m) {
    nb::class_<MappedFile>(m, "MappedFile")
        .def_ro("path", &MappedFile::path)
        .def_ro("address", &MappedFile::address)
        .def_ro("executable", &MappedFile::executable);

    nb::class_<Notice>(m, "Notice")
        .def_ro("kind", &Notice::kind)
        .def_ro("detail", &Notice::detail)
        .def_ro("ip", &Notice::ip)
        .def_ro("value", &Notice::value)
        .def_prop_ro("text", [](const Notice& notice) {
            return to_bytes(notice.text.data(), notice.text.size());
        });

    nb::class_<RecordingStatus>(m, "RecordingStatus")
        .def_ro("transitions", &RecordingStatus::transitions)
        .def_ro("executions", &RecordingStatus::executions)
        .def_ro("bytes_written", &RecordingStatus::bytes_written)
        .def_ro("threads", &RecordingStatus::threads)
        .def_ro("finished", &RecordingStatus::finished)
        .def_ro("end_reason", &RecordingStatus::end_reason)
        .def_ro("end_code", &RecordingStatus::end_code)
        .def_prop_ro("end_signal",
                     [](const RecordingStatus& status) -> nb::object {
                         const reven_signal_info& info = status.end_signal;
                         if (info.number == 0) return nb::none();
                         return nb::make_tuple(info.code, info.address, info.sender, info.user);
                     })
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
        .def("notices", &Recording::notices)
        .def("stop", &Recording::stop)
        .def("wait", &Recording::wait, nb::arg("seconds"),
             nb::call_guard<nb::gil_scoped_release>());

    nb::class_<StoreReader>(m, "_Store")
        .def(
            "__init__",
            [](StoreReader* self, const std::string& path) { new (self) StoreReader(path); },
            nb::arg("path"))
        .def("refresh", &StoreReader::refresh)
        .def_prop_ro(
            "segments",
            [](const StoreReader& store) {
                nb::list all;
                for (size_t i = 0; i < store.segment_count(); i++) {
                    SegmentInfo info = store.segment(i);
                    all.append(nb::make_tuple(info.first_execution, info.first_transition,
                                              info.execution_count, info.transition_count));
                }
                return all;
            })
        .def("load", &load_segment, nb::arg("index"))
        .def("template", &template_payload, nb::arg("id"))
        .def_prop_ro("template_count", &StoreReader::template_count)
        .def_prop_ro("problem", &StoreReader::problem);
}

}  // namespace reven
