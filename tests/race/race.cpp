// SPDX-License-Identifier: Apache-2.0
// race TRACE: everything that several threads may do with an open trace, at once, under
// ThreadSanitizer: it reports what two of them touch without agreeing on it.
#include <atomic>
#include <cstdio>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "calls/calls.h"
#include "heap/check.h"
#include "query/queries.h"
#include "record/encoding_lane.h"
#include "search/memory.h"
#include "search/value.h"
#include "stream/control.h"
#include "strings/index.h"
#include "taint/taint.h"

using namespace reven;

namespace {

constexpr unsigned ROUNDS = 30;
constexpr size_t MOST = 200;

const Progress GO_ON = [](uint64_t, uint64_t) {};

// Encodes every segment anew, in lanes as a recording does.
void encode(const TraceReader& trace) {
    TemplateTable templates;
    for (uint32_t id = 1; id <= trace.store().template_count(); ++id)
        templates.add(Template(trace.store().find_template(id)));
    std::vector<std::unique_ptr<EncodingLane>> lanes;
    for (int i = 0; i < 3; ++i) lanes.push_back(std::make_unique<EncodingLane>(templates));
    std::vector<std::vector<uint8_t>> values(lanes.size());
    const size_t count = std::min<size_t>(trace.store().segment_count(), 12);
    for (size_t i = 0; i < count + lanes.size(); ++i) {
        EncodingLane& lane = *lanes[i % lanes.size()];
        if (i >= lanes.size()) lane.finish();
        if (i >= count) continue;
        const auto segment = trace.store().load(i);
        auto& bytes = values[i % lanes.size()];
        bytes.clear();
        for (size_t at = 0; at < segment->headers.size(); ++at)
            put_bytes(bytes, segment->values_of(at), segment->block(at).values_size);
        lane.batch.first_execution = segment->info.first_execution;
        lane.batch.headers = segment->headers;
        lane.batch.values = bytes;
        lane.batch.control = segment->control;
        lane.start(templates.count());
    }
}

}  // namespace

int main(int count, char** words) {
    if (count != 2) return 2;
    Queries queries(words[1], 8 << 20);
    TraceReader& trace = queries.trace();
    Calls calls(queries);
    StringIndex strings(queries);
    MemorySearch search(queries);
    const uint64_t end = trace.transition_count();
    TaintRun taint(queries, {{{0, 64, 0, false}}, 1, 0, end, true},
                   [](const reven_instruction&) { return FileRanges{}; });
    std::atomic<uint64_t> seed = 1;
    const auto anywhere = [&] {
        thread_local std::mt19937_64 engine(seed++);
        return engine() % end;
    };
    const std::vector<std::function<void()>> jobs{
        [&] {
            RegisterView registers;
            trace.registers(anywhere(), registers);
            trace.transition(anywhere());
        },
        [&] {
            RegisterView registers;
            const uint64_t context = anywhere();
            trace.registers(context, registers);
            uint8_t data[64], known[64];
            uint64_t stack;
            std::memcpy(&stack, registers.data() + REVEN_RSP, sizeof stack);
            queries.read_memory(context, stack, data, known, GO_ON);
            AccessQuery query;
            query.stop = end;
            query.first_address = stack;
            query.last_address = stack + 63;
            query.limit = MOST;
            queries.accesses(query, GO_ON);
        },
        [&] {
            queries.need_index(GO_ON, 2);
            queries.executed_ranges();
            queries.mappings();
            queries.threads();
            queries.syscalls(0, end, MOST);
        },
        [&] {
            calls.build({}, GO_ON, 2);
            calls.frames(anywhere());
            calls.call_at(anywhere());
            calls.calls({anywhere(), end, std::nullopt, 0, UINT32_MAX, std::nullopt, 0, MOST, true},
                        GO_ON);
        },
        [&] { strings.find("a", 0, MOST, GO_ON); },
        [&] {
            ValueQuery query;
            query.value[0] = 1;
            query.start = anywhere();
            query.stop = std::min(end, query.start + 10000);
            query.limit = MOST;
            find_value(queries, query, GO_ON);
            search.find(std::span<const uint8_t>(query.value).first(1), anywhere(), 0, 1 << 16, 10,
                        GO_ON);
        },
        [&] {
            try {
                taint.accesses(0, MOST, false, GO_ON);
                taint.state(taint.reached(), 0, MOST, GO_ON);
            } catch (const std::out_of_range&) {
            }
            taint.warnings(0, MOST);
        },
        [&] { queries.refresh(); },
        [&] { queries.find_register_change(anywhere(), 0, 8, ~uint64_t{0}, true, GO_ON); },
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2 * jobs.size(); ++i)
        threads.emplace_back([&, i] {
            for (unsigned round = 0; round < ROUNDS; ++round) jobs[(i + round) % jobs.size()]();
        });
    threads.emplace_back([&] { taint.run(GO_ON); });
    threads.emplace_back([&] { encode(trace); });
    for (std::thread& thread : threads) thread.join();
    std::puts("done");
    return 0;
}
