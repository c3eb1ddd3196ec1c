// SPDX-License-Identifier: Apache-2.0
#include "taint_origin.h"

#include <algorithm>

#include "bytes.h"
#include "taint_moves.h"

namespace reven {
namespace {

constexpr uint64_t FLAGS_AT = uint64_t{REVEN_REGISTER_FILE_SIZE} * 8;

bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
    return a < b + b_size && b < a + a_size;
}

// Bytes of the register file that decide a place that is no memory.
struct FileRange {
    uint32_t offset;
    uint32_t size;
};

FileRange file_range(const TaintPlace& place) {
    if (place.address < FLAGS_AT) {
        const auto first = static_cast<uint32_t>(place.address / 8);
        const auto end = static_cast<uint32_t>((place.address + place.size + 7) / 8);
        return {first, end - first};
    }
    switch (place.address - FLAGS_AT) {
        case 10:
            return {REVEN_DFLAG, 8};
        case 18:
            return {REVEN_ACFLAG, 8};
        case 21:
            return {REVEN_IDFLAG, 8};
        default:
            return {REVEN_CC_OP, REVEN_DFLAG - REVEN_CC_OP};
    }
}

FileRange written_by(const reven_event& event) {
    if (event.kind == REVEN_EVENT_SET_REGISTER) return {event.offset, event.size};
    if (event.kind == REVEN_EVENT_SET_INDEXED) return {event.offset, event.size * event.x1};
    return {0, 0};
}

bool patches(const RecordView& record, const FileRange& range) {
    for (size_t at = 0; at + 8 <= record.header->size;) {
        const auto offset = read_as<uint16_t>(record.payload + at);
        const auto size = read_as<uint16_t>(record.payload + at + 2);
        if (overlap(offset, size, range.offset, range.size)) return true;
        at += 8 + ((size + 7u) & ~size_t{7});
    }
    return false;
}

// Follows a range of one thread's register file back through records and executions.
class RegisterSearch {
   public:
    enum Outcome { Nothing, Instruction, Kernel, Signal };

    RegisterSearch(const FileRange& range, uint32_t thread, BlockCache& blocks)
        : range_(range), thread_(thread), blocks_(blocks) {}

    uint64_t transition = 0;
    uint32_t syscall = NO_SYSCALL;

    // Through a segment, from a context of the trace that is not before it.
    Outcome run(const SegmentView& view, uint64_t context) {
        const uint64_t first = view.first_transition();
        const auto& points = view.records();
        size_t next = points.size();
        uint32_t running = view.thread_before(points.size());
        for (uint32_t execution = view.execution_count();; --execution) {
            for (; next > 0 && points[next - 1].position >= execution; --next) {
                const RecordView record = view.record(points[next - 1]);
                if (record.header->type == REVEN_SWITCH)
                    running = record.as<reven_switch>().previous_thread;
                if (first + points[next - 1].context + is_transition(record) > context) continue;
                if (const Outcome found = look(view, next - 1, record); found != Nothing)
                    return found;
            }
            if (execution == 0) return Nothing;
            const uint64_t start = first + view.start(execution - 1);
            if (running != thread_ || interrupted_ > 0 || start >= context) continue;
            const uint32_t id = view.segment().headers[execution - 1] >> REVEN_EXIT_BITS;
            const auto end = static_cast<uint32_t>(
                std::min<uint64_t>(view.retired(execution - 1), context - start));
            const auto& instructions = writers(id);
            const auto at = std::lower_bound(instructions.begin(), instructions.end(), end);
            if (at == instructions.begin()) continue;
            transition = start + *(at - 1);
            return Instruction;
        }
    }

   private:
    Outcome look(const SegmentView& view, size_t number, const RecordView& record) {
        transition = view.first_transition() + view.records()[number].context - 1;
        if (record.header->type == REVEN_THREAD_START && record.as<uint64_t>() == thread_) {
            thread_ = record.header->thread;
            return overlap(range_.offset, range_.size, REVEN_RAX, 8) ? Kernel : Nothing;
        }
        if (record.header->thread != thread_) return Nothing;
        switch (record.header->type) {
            case REVEN_SYSCALL_ENTER:
                if (record.as<uint64_t>() == RT_SIGRETURN) ++interrupted_;
                return Nothing;
            case REVEN_REGISTERS:
                if (interrupted_ > 0) {
                    --interrupted_;
                    return Nothing;
                }
                for (const uint32_t offset : HANDLER_ARGUMENTS)
                    if (overlap(range_.offset, range_.size, offset, 8)) return Signal;
                return Nothing;
            case REVEN_REGISTER_PATCH:
                syscall = syscall_of(view, number);
                return interrupted_ == 0 && syscall != RT_SIGRETURN && patches(record, range_)
                           ? Kernel
                           : Nothing;
            default:
                return Nothing;
        }
    }

    // Instructions of a block that write the range, ascending.
    const std::vector<uint32_t>& writers(uint32_t id) {
        const auto [at, is_new] = writers_.try_emplace(id);
        if (!is_new) return at->second;
        for (const reven_event& event : blocks_.get(id).body->events) {
            const FileRange written = written_by(event);
            if (overlap(written.offset, written.size, range_.offset, range_.size) &&
                (at->second.empty() || at->second.back() != event.instruction))
                at->second.push_back(event.instruction);
        }
        return at->second;
    }

    FileRange range_;
    uint32_t thread_;
    uint32_t interrupted_ = 0;  // by so many signals whose handlers returned
    BlockCache& blocks_;
    std::unordered_map<uint32_t, std::vector<uint32_t>> writers_;
};

bool is_memory_write(const reven_event& event) {
    return event.kind == REVEN_EVENT_STORE || event.kind == REVEN_EVENT_BULK_STORE ||
           event.kind == REVEN_EVENT_CAS || event.kind == REVEN_EVENT_CAS_HIGH;
}

}  // namespace

// An instruction of the trace with its values at hand.
struct OriginFinder::Instruction {
    std::shared_ptr<const SegmentView> view;
    uint32_t execution = 0;
    uint32_t number = 0;  // in the block
    uint64_t start = 0;   // transition of the block's first instruction
    RegisterView registers;
    const TaintBlock* flow = nullptr;

    Instruction(OriginFinder& finder, uint64_t transition) {
        TraceReader& trace = finder.queries_.trace();
        view = trace.view(trace.store().find_segment(transition));
        const auto local = static_cast<uint32_t>(transition - view->first_transition());
        if (view->event_at(local)) return;
        execution = view->execution_at(local);
        start = view->first_transition() + view->start(execution);
        number = static_cast<uint32_t>(transition - start);
        trace.registers(start, registers);
        flow = &finder.blocks_.get(view->segment().headers[execution] >> REVEN_EXIT_BITS);
        NoVisitor none;
        run(flow->values, view->segment().record(execution), registers.data(),
            finder.scratch_.data(), none);
    }
    template <typename Visit>
    void for_events(Visit visit) const {
        for (const reven_event& event : flow->body().events)
            if (event.instruction == number) visit(event);
    }
};

OriginFinder::Writer OriginFinder::last_register_write(uint64_t context, const TaintPlace& place,
                                                       const Progress& progress) {
    TraceReader& trace = queries_.trace();
    RegisterView registers;
    RegisterSearch search(file_range(place), trace.registers(context, registers), trace.blocks());
    const size_t last = trace.segment_of_context(context);
    for (size_t segment = last + 1; segment-- > 0;) {
        if (progress) progress(last - segment, last + 1);
        switch (search.run(*trace.load_view(segment, Parts::WithoutValues), context)) {
            case RegisterSearch::Instruction:
                return {search.transition, HopKind::Arithmetic};
            case RegisterSearch::Kernel:
                return {search.transition, HopKind::SyscallResult, search.syscall};
            case RegisterSearch::Signal:
                return {search.transition, HopKind::SignalFrame};
            default:
                break;
        }
    }
    return {};
}

bool OriginFinder::writes_memory(uint64_t transition, const TaintPlace& place) {
    const Instruction instruction(*this, transition);
    if (!instruction.flow) return false;
    const TaintRules rules(*instruction.flow, scratch_.data());
    bool found = false;
    instruction.for_events([&](const reven_event& event) {
        if (!is_memory_write(event)) return;
        const uint64_t high = event.kind == REVEN_EVENT_CAS_HIGH ? event.size : 0;
        found = found || overlap(rules.value(event.address) + high, event.size, place.address,
                                 place.size);
    });
    return found;
}

OriginFinder::Writer OriginFinder::last_memory_write(uint64_t context, const TaintPlace& place,
                                                     const Progress& progress) {
    Writer writer;
    AccessQuery query;
    query.stop = context;
    query.first_address = place.address;
    query.last_address = place.address + (place.size - 1);
    query.reads = false;
    query.forward = false;
    query.limit = 1;
    const auto found = queries_.accesses(query, progress);
    uint64_t written = 0;  // context
    if (!found.empty()) {
        writer.transition = found.front().transition;
        written = writer.transition + 1;
        writer.kind = writes_memory(writer.transition, place) ? HopKind::Arithmetic
                                                              : HopKind::SyscallInput;
    }
    const auto lock = queries_.need_index(progress);
    for (const auto& chunk : queries_.index().chunks())
        for (const IndexedRecord& record : chunk->records()) {
            if (record.context > context || record.context < written) continue;
            const uint8_t* payload = record.payload.data();
            if (record.type == REVEN_MAP) {
                const auto map = read_as<reven_map>(payload);
                if (!overlap(map.address, map.size, place.address, place.size)) continue;
                writer = {record.context - (record.context > 0),
                          record.context > 0 ? HopKind::Mapping : HopKind::Start};
                written = record.context;
            } else if (record.type == REVEN_REMAP) {
                const auto move = read_as<reven_remap>(payload);
                if (!overlap(move.to, move.size, place.address, place.size)) continue;
                writer = {record.context - 1, HopKind::KernelMove, NO_SYSCALL,
                          place.address - move.to + move.from};
                written = record.context;
            }
        }
    return writer;
}

bool OriginFinder::through_move(uint64_t transition, const TaintPlace& place, OriginHop& hop,
                                const Progress& progress) {
    if (!moves_known_) {
        moves_ = find_kernel_moves(queries_, progress);
        moves_known_ = true;
    }
    // A call's return stands in the context after it, whoever ran meanwhile.
    for (const auto& [key, moves] : moves_) {
        const auto& [context, thread, returns] = key;
        if (!returns || context <= transition) continue;
        if (context > transition + 1) break;
        for (const KernelMove& taken : moves) {
            if (!overlap(taken.to, taken.size, place.address, place.size)) continue;
            const uint64_t at = std::max(place.address, taken.to);
            const uint64_t stream = at - taken.to + taken.from;
            const uint64_t size = std::min(place.address + place.size, taken.to + taken.size) - at;
            // The last one to give these bytes before.
            const KernelMove* giver = nullptr;
            for (const auto& [other, given] : moves_) {
                if (std::get<2>(other) || std::get<0>(other) > context) continue;
                for (const KernelMove& one : given)
                    if (one.to <= stream && stream < one.to + one.size) {
                        giver = &one;
                        hop.context = std::get<0>(other);
                    }
            }
            if (!giver) return false;
            const uint64_t source = stream - giver->to + giver->from;
            const uint64_t most = giver->from + giver->size - source;
            hop.kind = HopKind::KernelMove;
            hop.before = TaintPlace{true, source, std::min(size, most)};
            return true;
        }
    }
    return false;
}

OriginHop OriginFinder::hop(uint64_t context, const TaintPlace& place, const Progress& progress) {
    for (;;) {
        const Writer writer = place.is_memory ? last_memory_write(context, place, progress)
                                              : last_register_write(context, place, progress);
        OriginHop result{writer.kind, writer.transition, place, {}, 0, {}, writer.syscall};
        if (writer.kind == HopKind::Arithmetic) {
            if (through_instruction(writer.transition, place, result)) return result;
            context = writer.transition;
            continue;
        }
        if (writer.kind == HopKind::KernelMove) {
            result.before = TaintPlace{true, writer.moved_from, place.size};
            result.context = writer.transition;
            return result;
        }
        if (writer.kind == HopKind::SyscallInput) {
            if (through_move(writer.transition, place, result, progress)) return result;
            const auto calls = queries_.syscalls(writer.transition, writer.transition + 1, 1);
            if (!calls.empty())
                result.syscall = static_cast<uint32_t>(calls.front().number);
            else
                result.kind = HopKind::SignalFrame;
        }
        return result;
    }
}

namespace {

// Which values an instruction only brings from one place to another.
class Moves {
   public:
    Moves(const TaintBlock& flow, const TaintRules& rules, uint32_t instruction)
        : nodes_(flow.body().nodes), rules_(rules), is_read_(nodes_.size()) {
        for (const TaintStep& step : flow.steps)
            if (step.instruction == instruction &&
                (step.kind == TaintStep::ReadRegister || step.kind == TaintStep::ReadIndexed))
                is_read_[step.number] = true;
    }

    bool only_moves(uint32_t number) const {
        const reven_node& node = nodes_[number];
        if (is_read_[number]) return true;
        switch (node.kind) {
            case REVEN_NODE_REGISTER:
                return true;
            case REVEN_NODE_SLOT:
                return node.b == REVEN_NO_NODE || only_moves(node.b);
            case REVEN_NODE_UNARY:
                return (node.op == REVEN_OP_TRUNCATE || node.op == REVEN_OP_ZERO_EXTEND ||
                        node.op == REVEN_OP_SIGN_EXTEND || node.op == REVEN_OP_HIGH_HALF ||
                        (node.op >= REVEN_OP_SAME_BITS &&
                         node.op <= REVEN_OP_VECTOR_ZERO_EXTEND)) &&
                       only_moves(node.a);
            case REVEN_NODE_BINARY:
                return (node.op == REVEN_OP_CONCATENATE || node.op == REVEN_OP_VECTOR_PAIR) &&
                       is_moved_or_constant(node.a) && is_moved_or_constant(node.b);
            case REVEN_NODE_SELECT:
                return rules_.has_value(node.c) &&
                       only_moves(rules_.value(node.c) & 1 ? node.a : node.b);
            case REVEN_NODE_FLOW:
                return node.op == REVEN_FLOW_CONCATENATE || node.op == REVEN_FLOW_EXTRACT ||
                       node.op == REVEN_FLOW_INSERT;
            default:
                return false;
        }
    }

   private:
    bool is_moved_or_constant(uint32_t number) const {
        return nodes_[number].kind == REVEN_NODE_CONSTANT || only_moves(number);
    }

    const std::vector<reven_node>& nodes_;
    const TaintRules& rules_;
    std::vector<bool> is_read_;
};

// Is a value made by the processor itself (a time stamp, an identification)?
bool is_made_up(const TaintBlock& flow, uint32_t number) {
    const auto& nodes = flow.body().nodes;
    const reven_node& node = nodes[number];
    if (node.kind == REVEN_NODE_SLOT && node.b != REVEN_NO_NODE) return is_made_up(flow, node.b);
    if (node.kind == REVEN_NODE_UNARY) return is_made_up(flow, node.a);
    return node.kind == REVEN_NODE_FLOW && node.a == REVEN_NO_NODE && node.b == REVEN_NO_NODE;
}

uint64_t bits_of(const TaintPlace& place) { return place.is_memory ? place.size * 8 : place.size; }

}  // namespace

bool OriginFinder::through_instruction(uint64_t transition, const TaintPlace& place,
                                       OriginHop& hop) {
    const Instruction instruction(*this, transition);
    if (!instruction.flow) return false;
    const TaintBlock& flow = *instruction.flow;
    const TaintRules rules(flow, scratch_.data());
    // What of the place it writes last, and from which node.
    TaintPlace written = place;
    uint32_t value = REVEN_NO_NODE;
    const FileRange range = place.is_memory ? FileRange{0, 0} : file_range(place);
    instruction.for_events([&](const reven_event& event) {
        if (!rules.is_set(event.guard)) return;
        if (place.is_memory && is_memory_write(event)) {
            const uint64_t high = event.kind == REVEN_EVENT_CAS_HIGH ? event.size : 0;
            const uint64_t address = rules.value(event.address) + high;
            if (!overlap(address, event.size, place.address, place.size)) return;
            const uint64_t end =
                std::min(address + event.size, place.address + place.size);
            written.address = std::max(address, place.address);
            written.size = end - written.address;
            const bool swaps = event.kind == REVEN_EVENT_CAS || event.kind == REVEN_EVENT_CAS_HIGH;
            value = swaps ? event.x2 : event.value;
        } else if (!place.is_memory) {
            const FileRange set = written_by(event);
            if (!overlap(set.offset, set.size, range.offset, range.size)) return;
            if (value == REVEN_NO_NODE || event.offset != REVEN_CC_OP) value = event.value;
            if (place.address >= FLAGS_AT) return;
            const uint64_t first = std::max<uint64_t>(place.address, set.offset * 8u);
            const uint64_t end = std::min<uint64_t>(place.address + place.size,
                                                    (set.offset + set.size) * 8u);
            written.address = first;
            written.size = end - first;
        }
    });
    if (value == REVEN_NO_NODE) return false;

    TaintState state(1);
    TaintJournal journal(state);
    TaintWalk walk(blocks_, state, journal);
    TagTaint& tag = state.tags[0];
    const uint32_t number = instruction.number;
    const auto operation = [&](uint32_t at) {
        return walk.flag_operation(*instruction.view, instruction.execution,
                                   instruction.registers.data(), at);
    };
    if (place.is_memory) {
        const std::vector<uint8_t> whole(written.size, 0xff);
        tag.memory.write(written.address, static_cast<uint32_t>(written.size), whole.data());
    } else if (place.address >= FLAGS_AT) {
        uint64_t flags = 0;
        for (uint64_t i = 0; i < place.size; ++i)
            flags |= uint64_t{1} << (place.address - FLAGS_AT + i);
        seed_flags(tag.registers, operation(number + 1), flags);
    } else {
        for (uint64_t bit = written.address; bit < written.address + written.size; ++bit)
            tag.registers[bit / 8] |= static_cast<uint8_t>(1 << (bit % 8));
    }
    state.find_live();
    walk.backward(*instruction.view, instruction.execution, instruction.registers.data(), number,
                  number + 1, instruction.start);
    std::vector<TaintItem> items;
    list_registers(state, operation(number), items);
    list_memory(state, 0, 64, items);

    std::vector<TaintPlace> sources;
    for (const TaintItem& item : items)
        sources.push_back({item.is_memory, item.address, item.size});
    const auto is_overwritten = [&](const TaintPlace& source) {
        return source.is_memory == place.is_memory &&
               overlap(source.address, source.size, place.address, place.size);
    };
    std::stable_sort(sources.begin(), sources.end(), [&](const auto& a, const auto& b) {
        if (bits_of(a) != bits_of(b)) return bits_of(a) > bits_of(b);
        if (a.is_memory != b.is_memory) return a.is_memory;
        return !is_overwritten(a) && is_overwritten(b);
    });
    hop.after = written;
    hop.transition = transition;
    hop.context = transition;
    if (written.address > place.address)
        hop.others.push_back({place.is_memory, place.address, written.address - place.address});
    const uint64_t end = place.address + place.size, written_end = written.address + written.size;
    if (written_end < end)
        hop.others.push_back({place.is_memory, written_end, end - written_end});
    if (sources.empty()) {
        hop.kind = is_made_up(flow, value) ? HopKind::Processor : HopKind::Constant;
        return true;
    }
    hop.before = sources.front();
    hop.others.insert(hop.others.end(), sources.begin() + 1, sources.end());
    if (place.address >= FLAGS_AT && !place.is_memory)
        hop.kind = HopKind::Arithmetic;
    else if (!Moves(flow, rules, number).only_moves(value) || sources.size() > 1)
        hop.kind = HopKind::Arithmetic;
    else if (hop.before->is_memory == place.is_memory)
        hop.kind = HopKind::Copy;
    else
        hop.kind = place.is_memory ? HopKind::Store : HopKind::Load;
    return true;
}

std::vector<OriginHop> OriginFinder::find(uint64_t context, const TaintPlace& place, size_t limit,
                                          const Progress& progress) {
    std::lock_guard lock(mutex_);
    std::vector<OriginHop> hops;
    TaintPlace now = place;
    while (hops.size() < limit) {
        hops.push_back(hop(context, now, progress));
        if (hops.back().ends()) break;
        now = *hops.back().before;
        context = hops.back().context;
    }
    return hops;
}

}  // namespace reven
