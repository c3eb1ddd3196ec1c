// SPDX-License-Identifier: Apache-2.0
// Python's view of recordings.
#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "base/bytes.h"
#include "bind/columns.h"
#include "record/receiver.h"
#include "store/reader.h"

namespace reven {

namespace nb = nanobind;

namespace {

using EndSignal =
    std::tuple<decltype(reven_signal_info::code), decltype(reven_signal_info::address),
               decltype(reven_signal_info::sender), decltype(reven_signal_info::user)>;

nb::bytes to_bytes(const void* data, size_t size) { return nb::bytes(data, size); }

// Type, thread, position and payload of a control record.
using ControlRecord = nb::typed<nb::tuple, uint16_t, uint32_t, uint64_t, nb::bytes>;
using LoadedSegment = nb::typed<nb::tuple, nb::bytes, nb::typed<nb::list, uint32_t>,
                                nb::typed<nb::list, nb::bytes>, nb::typed<nb::list, ControlRecord>>;

LoadedSegment load_segment(const StoreReader& store, size_t index) {
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
    nb::class_<MappedFile>(m, "MappedFile", "A file that the recorded process mapped.")
        .def_prop_ro("path",
                     [](const MappedFile& mapped) {
                         return to_bytes(mapped.path.data(), mapped.path.size());
                     })
        .def_ro("address", &MappedFile::address)
        .def_ro("executable", &MappedFile::executable);

    nb::class_<Notice>(m, "Notice",
                       "What the program met that the recorder does otherwise (reven_notice).")
        .def_ro("kind", &Notice::kind)
        .def_ro("detail", &Notice::detail)
        .def_ro("ip", &Notice::ip)
        .def_ro("value", &Notice::value)
        .def_prop_ro("text", [](const Notice& notice) {
            return to_bytes(notice.text.data(), notice.text.size());
        });

    nb::class_<Mark>(m, "Mark", "What the program marked with a text.")
        .def_ro("transition", &Mark::transition)
        .def_prop_ro("text",
                     [](const Mark& mark) { return to_bytes(mark.text.data(), mark.text.size()); });

    nb::class_<RecordingStatus>(m, "RecordingStatus", "How far a recording is.")
        .def_ro("transitions", &RecordingStatus::transitions)
        .def_ro("executions", &RecordingStatus::executions)
        .def_ro("bytes_written", &RecordingStatus::bytes_written)
        .def_ro("dropped_transitions", &RecordingStatus::dropped_transitions,
                "Before the first that is kept.")
        .def_ro("threads", &RecordingStatus::threads)
        .def_ro("finished", &RecordingStatus::finished)
        .def_ro("end_reason", &RecordingStatus::end_reason,
                "REVEN_END_… of event_stream.h; 0 while running or when the recorder died.")
        .def_ro("end_code", &RecordingStatus::end_code, "Exit status or signal number.")
        .def_prop_ro(
            "end_signal",
            [](const RecordingStatus& status) -> std::optional<EndSignal> {
                const reven_signal_info& info = status.end_signal;
                if (info.number == 0) return std::nullopt;
                return EndSignal(info.code, info.address, info.sender, info.user);
            },
            "si_code, si_addr, si_pid, si_uid.")
        .def_prop_ro(
            "error", [](const RecordingStatus& status) { return text_of(status.error); },
            "Why writing failed (the trace keeps what was written before), or empty.");

    nb::class_<Recording>(
        m, "Recording",
        "One trace being written: a thread receives a recorder's stream and appends segments.\n"
        "\n"
        "`connection` is the accepted Unix socket of the recorder, after reven_hello was read "
        "from\n"
        "it; the object sends reven_welcome and owns a duplicate of it.")
        .def(
            "__init__",
            [](Recording* self, const std::filesystem::path& path, int connection,
               uint64_t max_transitions, const Recording* parent, uint32_t template_count,
               uint64_t keep_bytes) {
                new (self) Recording(path, connection, max_transitions, parent, template_count,
                                     keep_bytes);
            },
            nb::arg("path"), nb::arg("connection"), nb::kw_only(), nb::arg("max_transitions") = 0,
            nb::arg("parent").none() = nb::none(), nb::arg("template_count") = 0,
            nb::arg("keep_bytes") = 0,
            "`path`: an existing, empty trace directory. `parent`: the forked-from recording, "
            "whose\n"
            "templates 1 … `template_count` (of reven_hello) this one shares. `keep_bytes`: only "
            "so\n"
            "much of the end is kept, and some more; 0: all.")
        .def("status", &Recording::status)
        .def("mapped_files", &Recording::mapped_files, "Files mapped since the last call.")
        .def("notices", &Recording::notices, "Those since the last call.")
        .def("marks", &Recording::marks, "Those since the last call.")
        .def("stop", &Recording::stop,
             "Ask the recorder to record no more; what has arrived is still written.")
        .def("pause", &Recording::pause, nb::arg("paused"),
             "Ask the recorder to leave out what runs, or no longer; it follows when the program\n"
             "returns from a system call, or soon.")
        .def("wait", &Recording::wait, nb::arg("seconds"), nb::call_guard<nb::gil_scoped_release>(),
             "True once everything is written and closed.");

    nb::class_<StoreReader>(
        m, "_Store",
        "A trace directory as it is stored (docs/trace-format.md), to test and examine it.")
        .def(
            "__init__",
            [](StoreReader* self, const std::filesystem::path& path) {
                new (self) StoreReader(path);
            },
            nb::arg("path"), "Raises TraceError.")
        .def("refresh", &StoreReader::refresh,
             "Take in what was appended since; true if there are more segments.")
        .def_prop_ro(
            "segments",
            [](const StoreReader& store)
                -> nb::typed<nb::list,
                             nb::typed<nb::tuple, uint64_t, uint64_t, uint64_t, uint64_t>> {
                nb::list all;
                for (size_t i = 0; i < store.segment_count(); i++) {
                    SegmentInfo info = store.segment(i);
                    all.append(nb::make_tuple(info.first_execution, info.first_transition,
                                              info.execution_count, info.transition_count));
                }
                return all;
            },
            "Of each: first execution, first transition, executions, transitions.")
        .def("load", &load_segment, nb::arg("index"),
             "Headers (u32 each), instructions completed and values of each execution; type, "
             "thread,\n"
             "position and payload of each control record. Raises TraceError.")
        .def("template", &template_payload, nb::arg("id"),
             "Payload of a template's record. Raises TraceError.")
        .def_prop_ro("template_count", &StoreReader::template_count)
        .def_prop_ro("problem", &StoreReader::problem,
                     "What was left out because it is torn or damaged, or empty.");
}

}  // namespace reven
