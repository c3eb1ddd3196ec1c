// SPDX-License-Identifier: Apache-2.0
// The stream of a recorder whose blocks, values and records are the fuzzer's: written, read,
// replayed, indexed, and asked everything.
#include <stdexcept>

#include "calls/calls.h"
#include "heap/check.h"
#include "made_trace.h"
#include "query/queries.h"
#include "search/memory.h"
#include "search/value.h"
#include "strings/index.h"
#include "taint/taint.h"

using namespace reven;

namespace {

constexpr uint64_t ADDRESS = 64;  // that the corpus's blocks read and write

const Progress GO_ON = [](uint64_t, uint64_t) {};

template <typename Step>
void attempt(const Step& step) {
    try {
        step();
    } catch (const TraceError&) {
    } catch (const std::out_of_range&) {
    } catch (const std::invalid_argument&) {
    }
}

void ask(const std::filesystem::path& directory) {
    Queries queries(directory, 8 << 20);
    TraceReader& trace = queries.trace();
    const uint64_t count = trace.transition_count();
    attempt([&] {
        for (uint64_t context = 0; context <= std::min<uint64_t>(count, 64); ++context) {
            RegisterView registers;
            trace.registers(context, registers);
            trace.pc_at(context);
        }
    });
    attempt([&] { trace.for_transitions(0, count, [](const TransitionInfo&) {}); });
    attempt([&] { check(trace, GO_ON); });
    attempt([&] { queries.need_index(GO_ON); });
    attempt([&] {
        uint8_t data[128], known[128];
        queries.read_memory(count, ADDRESS, data, known, GO_ON);
        queries.read_memory(count / 2, ADDRESS, data, known, GO_ON);
    });
    attempt([&] {
        AccessQuery query;
        query.stop = count;
        queries.accesses(query, GO_ON);
        queries.device_accesses(0, count, 100, GO_ON);
        queries.find_pcs({queries.executed_ranges(), 0, count, true, 100}, GO_ON);
        queries.find_memory_change(count / 2, ADDRESS, 8, false, GO_ON);
        queries.find_register_change(count / 2, 0, 8, ~uint64_t{0}, true, GO_ON);
    });
    attempt([&] {
        queries.mappings();
        queries.threads();
        queries.syscalls(0, count, 100);
    });
    attempt([&] {
        Calls calls(queries);
        calls.build({}, GO_ON, 1);
        calls.calls({0, count, std::nullopt, 0, UINT32_MAX, std::nullopt, 0, 100, true}, GO_ON);
        calls.frames(count);
        calls.step(count / 2, true, true, GO_ON);
        std::vector<CallTreeNode> nodes;
        calls.tree({0, count, std::nullopt, 8, {}, 100}, nodes, GO_ON);
    });
    attempt([&] {
        StringIndex strings(queries, 64);
        strings.find("a", 0, 10, GO_ON);
    });
    attempt([&] {
        ValueQuery query;
        query.value[0] = 42;
        query.stop = count;
        find_value(queries, query, GO_ON);
        MemorySearch(queries).find(std::span<const uint8_t>(query.value).first(1), count, 0,
                                   1 << 20, 10, GO_ON);
    });
    attempt([&] {
        check_heap(queries, {{{ADDRESS, 8, 0, 1, Contents::Unwritten, 0}}, {}, {}}, GO_ON);
    });
    for (const bool forward : {true, false})
        attempt([&] {
            TaintQuery query{{{ADDRESS, 8, 0, true}, {0, 64, 0, false}}, 1, 0, count, forward};
            TaintRun taint(queries, query, [](const reven_instruction&) { return FileRanges{}; });
            taint.run(GO_ON);
            taint.accesses(forward ? 0 : count, 100, false, GO_ON);
            taint.state(count / 2, 0, 100, GO_ON);
        });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::Input input(data, size);
    attempt([&] { fuzz::make_trace(input, fuzz::folder()); });
    attempt([&] { ask(fuzz::folder()); });
    return 0;
}
