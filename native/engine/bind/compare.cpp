// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "bind/columns.h"
#include "bind/trace.h"
#include "compare/code_walk.h"
#include "query/queries.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

template <typename T>
using Given = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Labels, and the trace that they are of.
struct LabelledCode {
    Queries& queries;
    CodeLabels labels;

    CodeWalk walk(const Stretch& stretch, const Progress& progress) const {
        return {queries.trace(), labels, stretch, progress};
    }
};

}  // namespace

void bind_compare(nb::module_& module) {
    nb::class_<CodeDifference>(module, "CodeDifference",
                               "How far two stretches of code are the same. Transitions; None: "
                               "there is none.")
        .def_ro("common", &CodeDifference::common, "Labels that both have first.")
        .def_ro("last_a", &CodeDifference::last_a)
        .def_ro("last_b", &CodeDifference::last_b)
        .def_ro("next_a", &CodeDifference::next_a)
        .def_ro("next_b", &CodeDifference::next_b)
        .def_ro("checkpoints_a", &CodeDifference::checkpoints_a,
                "Of each CHECKPOINT-th common label, from the first on.")
        .def_ro("checkpoints_b", &CodeDifference::checkpoints_b);

    nb::class_<LabelledCode>(module, "LabelledCode",
                             "Instructions of a trace that count, by ascending address, and what "
                             "each is called; with\n`collapse`, a label that follows itself "
                             "counts once.")
        .def(
            "__init__",
            [](LabelledCode* self, Queries& queries, Given<uint64_t> addresses,
               Given<uint32_t> labels, bool collapse) {
                if (addresses.size() != labels.size())
                    throw nb::value_error("there must be one label for each address");
                new (self) LabelledCode{
                    queries,
                    {std::vector<uint64_t>(addresses.data(), addresses.data() + addresses.size()),
                     std::vector<uint32_t>(labels.data(), labels.data() + labels.size()),
                     collapse}};
            },
            "trace"_a, "addresses"_a, "labels"_a, "collapse"_a = false, nb::keep_alive<1, 2>())
        .def(
            "count",
            [](const LabelledCode& code, uint32_t thread, uint64_t start, uint64_t stop,
               const ProgressCallback& callback) {
                nb::gil_scoped_release release;
                const Progress progress = progress_of(callback);
                CodeWalk walk = code.walk({thread, start, stop}, progress);
                uint64_t count = 0;
                for (; walk.more(); walk.next()) ++count;
                return count;
            },
            "thread"_a, "start"_a, "stop"_a, "progress"_a = nb::none(),
            "How many labels a thread has in [start, stop).")
        .def(
            "nth",
            [](const LabelledCode& code, uint32_t thread, uint64_t start, uint64_t stop,
               uint64_t number, const ProgressCallback& callback) -> std::optional<uint64_t> {
                nb::gil_scoped_release release;
                const Progress progress = progress_of(callback);
                CodeWalk walk = code.walk({thread, start, stop}, progress);
                for (; walk.more(); walk.next())
                    if (number-- == 0) return walk.transition();
                return std::nullopt;
            },
            "thread"_a, "start"_a, "stop"_a, "number"_a, "progress"_a = nb::none(),
            "The transition of the label with this number, from 0, in [start, stop).")
        .def(
            "labels",
            [](const LabelledCode& code, uint32_t thread, uint64_t start, uint64_t stop,
               size_t limit, const ProgressCallback& callback)
                -> nb::typed<nb::tuple, ColumnArray<uint64_t>, ColumnArray<uint32_t>> {
                std::vector<uint64_t> transitions;
                std::vector<uint32_t> labels;
                {
                    nb::gil_scoped_release release;
                    const Progress progress = progress_of(callback);
                    CodeWalk walk = code.walk({thread, start, stop}, progress);
                    for (; transitions.size() < limit && walk.more(); walk.next()) {
                        transitions.push_back(walk.transition());
                        labels.push_back(walk.label());
                    }
                }
                return nb::make_tuple(column(std::move(transitions)), column(std::move(labels)));
            },
            "thread"_a, "start"_a, "stop"_a, "limit"_a, "progress"_a = nb::none(),
            "The first labels in [start, stop), with their transitions.");

    module.attr("CHECKPOINT") = CHECKPOINT;
    module.def(
        "first_code_difference",
        [](const LabelledCode& a, const std::tuple<uint32_t, uint64_t, uint64_t>& stretch_a,
           const LabelledCode& b, const std::tuple<uint32_t, uint64_t, uint64_t>& stretch_b,
           const ProgressCallback& callback) {
            nb::gil_scoped_release release;
            const Progress progress = progress_of(callback);
            const Progress silent;
            CodeWalk walk_a = a.walk(
                {std::get<0>(stretch_a), std::get<1>(stretch_a), std::get<2>(stretch_a)}, progress);
            CodeWalk walk_b = b.walk(
                {std::get<0>(stretch_b), std::get<1>(stretch_b), std::get<2>(stretch_b)}, silent);
            return first_code_difference(walk_a, walk_b);
        },
        "a"_a, "stretch_a"_a, "b"_a, "stretch_b"_a, "progress"_a = nb::none(),
        "Where two stretches (thread, first transition, the one after the last) of labelled code\n"
        "begin to differ.");
}

}  // namespace reven
