// SPDX-License-Identifier: Apache-2.0
#include "replay/trace.h"

#include <optional>
#include <stdexcept>

#include "base/error.h"

namespace reven {

TraceReader::TraceReader(const std::string& path, size_t cache_bytes)
    : path_(path), store_(path), blocks_(store_), views_(cache_bytes) {}

size_t TraceReader::register_file_size() {
    if (register_file_size_ == 0 && store_.segment_count() > 0)
        register_file_size_ = view(0)->register_file_size();
    return register_file_size_ ? register_file_size_.load() : size_t{REVEN_REGISTER_FILE_SIZE};
}

size_t TraceReader::segment_of_context(uint64_t context) const {
    size_t low = 0;
    size_t high = store_.segment_count();
    if (high == 0) throw TraceError("the trace holds no segment yet: nothing was recorded");
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (store_.segment(middle).first_transition <= context)
            low = middle;
        else
            high = middle;
    }
    return low;
}

std::shared_ptr<const SegmentView> TraceReader::load_view(size_t segment, Parts parts) const {
    return std::make_shared<const SegmentView>(store_.load(segment, parts));
}

std::shared_ptr<const SegmentView> TraceReader::view(size_t segment) {
    if (auto found = views_.find(segment)) return found;
    auto loaded = load_view(segment);
    views_.put(segment, loaded);
    return loaded;
}

namespace {

void describe_instruction(const reven_instruction& instruction, TransitionInfo& info) {
    info.pc = instruction.address;
    info.size = instruction.size;
    std::memcpy(info.code.data(), instruction.bytes, info.code.size());
}

// The instruction that a synchronous signal interrupted, if it was recorded.
void describe_faulting(const SegmentView& view, const RecordPoint& point, TransitionInfo& info) {
    if (!info.synchronous || point.position == 0) return;
    const Template& block = view.segment().block(point.position - 1);
    const int index = block.find_instruction(info.pc);
    if (index >= 0) describe_instruction(block.instructions[static_cast<size_t>(index)], info);
}

void describe_event(const SegmentView& view, const RecordPoint& point, uint32_t thread,
                    TransitionInfo& info) {
    const RecordView record = view.record(point);
    info.thread = info.next_thread = thread;
    switch (record.header->type) {
        case REVEN_SIGNAL: {
            const auto& signal = record.as<reven_signal>();
            info.kind = TransitionKind::Signal;
            info.pc = signal.ip;
            info.signal = signal.number;
            info.synchronous = signal.synchronous;
            break;
        }
        case REVEN_INTERRUPT: {
            const auto& interrupt = record.as<reven_interrupt>();
            info.kind = TransitionKind::Interrupt;
            info.pc = interrupt.ip;
            info.signal = interrupt.vector;
            info.synchronous = interrupt.synchronous;
            info.error_code = interrupt.error_code;
            info.handler = interrupt.handler;
            break;
        }
        case REVEN_SWITCH: {
            const auto& change = record.as<reven_switch>();
            info.kind = TransitionKind::Switch;
            info.pc = change.previous_ip;
            info.thread = change.previous_thread;
            info.next_thread = record.header->thread;
            break;
        }
        default: {
            const auto& end = record.as<reven_end>();
            info.kind = TransitionKind::EndSignal;
            info.pc = end.ip;
            info.signal = static_cast<uint32_t>(end.code);
            info.synchronous = end.synchronous;
        }
    }
    describe_faulting(view, point, info);
}

// Walks the transitions [start, stop) of a segment, both local.
void walk(const SegmentView& view, uint32_t start, uint32_t stop,
          const std::function<void(const TransitionInfo&)>& visit) {
    const auto& records = view.records();
    uint32_t execution = view.execution_at(start);
    size_t next = view.record_at(execution);
    uint32_t thread = view.thread_before(next);
    for (;; ++execution) {
        for (; next < records.size() && records[next].position <= execution; ++next) {
            const RecordView record = view.record(records[next]);
            const uint32_t at = records[next].context;
            if (is_transition(record) && at >= start && at < stop) {
                TransitionInfo info;
                describe_event(view, records[next], thread, info);
                visit(info);
            }
            if (record.header->type == REVEN_SWITCH) thread = record.header->thread;
        }
        if (execution == view.execution_count() || view.start(execution) >= stop) return;
        const auto& block = view.segment().block(execution);
        const uint32_t begin = view.start(execution);
        const uint32_t end = std::min(begin + view.retired(execution), stop);
        for (uint32_t at = std::max(begin, start); at < end; ++at) {
            TransitionInfo info;
            info.thread = info.next_thread = thread;
            describe_instruction(block.instructions[at - begin], info);
            visit(info);
        }
    }
}

}  // namespace

void TraceReader::for_transitions(uint64_t start, uint64_t stop,
                                  const std::function<void(const TransitionInfo&)>& visit) {
    if (start > stop || stop > transition_count()) throw std::out_of_range("no such transitions");
    if (start == stop) return;
    for (size_t segment = segment_of_context(start); segment < store_.segment_count(); ++segment) {
        const SegmentInfo info = store_.segment(segment);
        if (info.first_transition >= stop) return;
        if (info.transition_count == 0) continue;
        const uint64_t low = std::max(start, info.first_transition) - info.first_transition;
        const uint64_t high =
            std::min<uint64_t>(stop - info.first_transition, info.transition_count);
        walk(*view(segment), static_cast<uint32_t>(low), static_cast<uint32_t>(high), visit);
    }
}

TransitionInfo TraceReader::transition(uint64_t id) {
    if (id >= transition_count()) throw std::out_of_range("no such transition");
    TransitionInfo found;
    for_transitions(id, id + 1, [&](const TransitionInfo& info) { found = info; });
    return found;
}

uint64_t TraceReader::end_ip() {
    for (size_t segment = store_.segment_count(); segment-- > 0;) {
        const auto last = view(segment);
        for (auto point = last->records().rbegin(); point != last->records().rend(); ++point) {
            const RecordView record = last->record(*point);
            if (record.header->type == REVEN_END) return record.as<reven_end>().ip;
        }
        for (uint32_t execution = last->execution_count(); execution-- > 0;) {
            if (last->retired(execution) == 0) continue;
            const auto& block = last->segment().block(execution);
            const auto& instruction = block.instructions[last->retired(execution) - 1u];
            return instruction.address + instruction.size;
        }
    }
    return 0;
}

uint64_t TraceReader::pc_at(uint64_t context) {
    if (context >= transition_count()) return end_ip();
    return transition(context).pc;
}

void TraceReader::finish_view(RegisterView& view, uint64_t pc) {
    write_as(view.data() + REVEN_RIP, pc);
    write_as(view.data() + REVEN_RFLAGS,
             rflags(view.data(), register_file_size() > REVEN_REGISTER_FILE_SIZE));
}

void TraceReader::registers_at(
    std::span<const uint64_t> contexts,
    const std::function<void(size_t, uint32_t, const RegisterView&)>& visit) {
    RegisterView registers;
    std::shared_ptr<const SegmentView> segment;
    std::optional<RegisterCursor> cursor;
    size_t number = 0;
    for (size_t i = 0; i < contexts.size(); ++i) {
        const uint64_t context = contexts[i];
        if (context > transition_count()) throw std::out_of_range("no such context");
        const size_t wanted = segment_of_context(context);
        if (!segment || wanted != number) {
            number = wanted;
            segment = view(wanted);
            cursor.emplace(*segment, blocks_);
        }
        const auto local = static_cast<uint32_t>(context - segment->first_transition());
        const uint32_t thread = cursor->read(local, registers.data());
        finish_view(registers, pc_at(context));
        visit(i, thread, registers);
    }
}

uint32_t TraceReader::registers(uint64_t context, RegisterView& out) {
    uint32_t running = 0;
    registers_at({&context, 1}, [&](size_t, uint32_t thread, const RegisterView& registers) {
        running = thread;
        out = registers;
    });
    return running;
}

}  // namespace reven
