// SPDX-License-Identifier: Apache-2.0
#include "stream/resolve.h"

#include "base/bytes.h"
#include "stream/control.h"

namespace reven {

namespace {

constexpr uint32_t EXIT_MASK = (1u << REVEN_EXIT_BITS) - 1;
constexpr uint64_t NOWHERE = 0;

// Instructions that an execution completed, when nothing cut it.
size_t retired(const Template& block, uint32_t k) {
    if (k == 0) return block.instructions.size();
    return k <= block.exits.size() ? block.exits[k - 1].retired : 0;
}

void append_record(std::vector<uint8_t>& control, const reven_record& header, const void* payload) {
    put_bytes(control, &header, sizeof header);
    put_bytes(control, payload, header.size);
    control.resize((control.size() + 7) & ~size_t{7});
}

}  // namespace

Segment outline(const Batch& batch, const TemplateTable& templates) {
    Segment segment;
    segment.info.first_execution = batch.first_execution;
    segment.info.execution_count = static_cast<uint32_t>(batch.headers.size());
    segment.headers = batch.headers;
    segment.control = batch.control;
    segment.template_index.resize(batch.headers.size());
    segment.value_offsets.resize(batch.headers.size());
    thread_local std::vector<uint32_t> index;  // by id: in segment.templates, plus one
    const uint32_t count = templates.count();
    if (index.size() <= count) index.resize(count + size_t{1} + 4096);
    size_t offset = 0;
    bool known = true;
    for (size_t i = 0; i < batch.headers.size(); i++) {
        uint32_t id = batch.headers[i] >> REVEN_EXIT_BITS;
        if (id > count || index[id] == 0) {
            const Template* block = id > count ? nullptr : templates.find(id);
            if (!(known = block != nullptr)) break;
            segment.templates.push_back({block, 0, 0});
            index[id] = static_cast<uint32_t>(segment.templates.size());
        }
        uint32_t local = index[id] - 1;
        segment.template_index[i] = static_cast<uint16_t>(local);
        segment.value_offsets[i] = static_cast<uint32_t>(offset);
        segment.templates[local].count++;
        offset += segment.templates[local].block->values_size;
    }
    for (const auto& used : segment.templates) index[used.block->id] = 0;
    if (!known) throw TraceError("the recorder's stream refers to a template it has not sent");
    if (offset != batch.values.size())
        throw TraceError("the recorder's values do not match its block executions");
    return segment;
}

const Template& Resolver::block(uint32_t header) const {
    const Template* found = templates_.find(header >> REVEN_EXIT_BITS);
    if (!found) throw TraceError("the recorder's stream refers to a template it has not sent");
    return *found;
}

uint64_t Resolver::last_address(const std::vector<uint32_t>& headers, uint32_t run,
                                uint32_t end) const {
    for (uint32_t i = end; i > run; i--) {
        const Template& at = block(headers[i - 1]);
        if (size_t count = retired(at, headers[i - 1] & EXIT_MASK))
            return at.instructions[count - 1].address;
    }
    auto known = last_retired_.find(thread_);
    return known == last_retired_.end() ? NOWHERE : known->second;
}

void Resolver::end_run(const std::vector<uint32_t>& headers, uint32_t run, uint32_t end) {
    if (uint64_t address = last_address(headers, run, end)) last_retired_[thread_] = address;
}

uint32_t Resolver::resolve_repeat(const std::vector<uint32_t>& headers, uint32_t run,
                                  uint32_t execution) {
    uint32_t header = headers[execution];
    const Template& at = block(header);
    uint32_t k = header & EXIT_MASK;
    if (k > at.exits.size()) throw TraceError("a block is left at an exit that it does not have");
    const Exit& exit = at.exits[k - 1];
    bool ends_repeat = exit.flags == REVEN_EXIT_REPEAT_END && exit.instruction == 0 &&
                       last_address(headers, run, execution) == at.instructions[0].address;
    return ends_repeat ? (header & ~EXIT_MASK) | REVEN_NOTHING : header;
}

void Resolver::resolve(Batch& batch) {
    auto& headers = batch.headers;
    uint32_t run = 0;        // where the current thread's run begins
    uint32_t execution = 0;  // resolved so far
    bool open = false;       // the last execution may still turn out to be cut
    auto advance = [&](uint32_t until) {
        if (until > execution) open = true;
        for (; execution < until; execution++)
            if (headers[execution] & EXIT_MASK)
                headers[execution] = resolve_repeat(headers, run, execution);
    };
    auto cut = [&](uint32_t synchronous, uint64_t ip) {
        if (open && synchronous && block(headers[execution - 1]).find_instruction(ip) >= 0) {
            headers[execution - 1] = (headers[execution - 1] & ~EXIT_MASK) | REVEN_CUT;
            uint64_t address = last_address(headers, run, execution);
            // The instructions before the fault completed.
            const Template& at = block(headers[execution - 1]);
            int count = at.find_instruction(ip);
            if (count > 0) address = at.instructions[static_cast<size_t>(count - 1)].address;
            if (address) last_retired_[thread_] = address;
            run = execution;
        }
        open = false;
    };
    for (RecordCursor at(batch.control); !at.done(); at.next()) {
        RecordView record = at.view();
        advance(static_cast<uint32_t>(record.header->position - batch.first_execution));
        switch (record.header->type) {
            case REVEN_KEY_FRAME:
                if (execution == 0) thread_ = record.header->thread;
                break;
            case REVEN_SIGNAL:
                cut(record.as<reven_signal>().synchronous, record.as<reven_signal>().ip);
                break;
            case REVEN_END:
                cut(record.as<reven_end>().synchronous, record.as<reven_end>().ip);
                break;
            case REVEN_INTERRUPT:
                open = false;  // what it cut short is a template of its own
                break;
            case REVEN_SWITCH:
                end_run(headers, run, execution);
                thread_ = record.header->thread;
                run = execution;
                open = false;
                break;
            default:
                break;
        }
    }
    advance(static_cast<uint32_t>(headers.size()));
    end_run(headers, run, execution);
}

bool cut_at_limit(Batch& batch, const Segment& outlined, uint64_t limit) {
    uint32_t executions = outlined.execution_count();
    uint32_t thread = 0;
    uint64_t done = 0;
    uint32_t execution = 0;
    auto end_after = [&](size_t control_size, uint32_t kept, uint64_t ip, uint32_t synchronous) {
        batch.headers.resize(kept);
        size_t values = kept < executions ? outlined.value_offsets[kept] : batch.values.size();
        batch.values = batch.values.first(values);
        batch.control.resize(control_size);
        reven_end end{REVEN_END_LIMIT, 0, synchronous, thread, ip};
        append_record(batch.control, {REVEN_END, thread, batch.first_execution + kept, sizeof end},
                      &end);
        return true;
    };
    auto address_after = [&](uint32_t at) {
        return at < executions ? outlined.block(at).instructions[0].address : NOWHERE;
    };
    RecordCursor at(batch.control);
    while (true) {
        uint32_t until = executions;
        size_t control_size = batch.control.size();
        if (!at.done()) {
            RecordView record = at.view();
            until = static_cast<uint32_t>(record.header->position - batch.first_execution);
            control_size =
                static_cast<size_t>(record.payload - batch.control.data()) - sizeof(reven_record);
        }
        for (; execution < until; execution++) {
            uint32_t retired = outlined.retired[execution];
            if (done == limit)
                return end_after(control_size, execution, address_after(execution), 0);
            if (done + retired > limit) {
                const Template& block = outlined.block(execution);
                uint64_t ip = block.instructions[limit - done].address;
                batch.headers[execution] = (block.id << REVEN_EXIT_BITS) | REVEN_CUT;
                return end_after(control_size, execution + 1, ip, 1);
            }
            done += retired;
        }
        if (at.done()) return false;
        RecordView record = at.view();
        if (is_transition(record)) {
            if (done == limit) {
                uint64_t ip = NOWHERE;
                if (record.header->type == REVEN_SIGNAL) ip = record.as<reven_signal>().ip;
                if (record.header->type == REVEN_INTERRUPT) ip = record.as<reven_interrupt>().ip;
                if (record.header->type == REVEN_SWITCH) ip = record.as<reven_switch>().previous_ip;
                if (record.header->type == REVEN_END) ip = record.as<reven_end>().ip;
                return end_after(control_size, execution, ip, 0);
            }
            done++;
        }
        if (record.header->type == REVEN_KEY_FRAME || record.header->type == REVEN_SWITCH)
            thread = record.header->thread;
        at.next();
    }
}

}  // namespace reven
