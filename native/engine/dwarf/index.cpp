// SPDX-License-Identifier: Apache-2.0
#include "dwarf/index.h"

#include <algorithm>
#include <unordered_set>

#include "dwarf/unit_scan.h"

namespace reven {
DebugIndex::DebugIndex(const DebugSections& sections, const Progress& progress)
    : sections_(sections), left_(budget(sections)) {
    std::unordered_set<uint64_t> known;
    uint64_t position = 0;
    const uint64_t size = sections.info.size();
    while (position < size) {
        progress(position, size);
        DwarfUnit unit;
        try {
            DwarfReader reader(sections.info, position);
            read_unit_header(reader, size, unit);
            unit_count_++;
            if (!abbreviations_.count(unit.abbreviations))
                spend(left_, 8 * DwarfAbbreviations::size(sections_.abbrev, unit.abbreviations));
            scan_unit(*this, unit, abbreviations(unit.abbreviations), known);
        } catch (const DamagedDebugInfo&) {
            damaged_unit_count_++;
        }
        if (unit.end <= position) break;
        position = unit.end;
    }
    finish();
}

uint64_t DebugIndex::budget(const DebugSections& sections) {
    constexpr uint64_t ALWAYS = 64 << 20;
    // Of large programs, less than 8 for each byte are needed.
    constexpr uint64_t FOR_EACH_BYTE = 64;
    return ALWAYS + FOR_EACH_BYTE * (sections.info.size() + sections.abbrev.size());
}

void DebugIndex::spend(uint64_t& left, uint64_t work) {
    if (work > left) {
        left = 0;
        throw DamagedDebugInfo("it says too much for its size");
    }
    left -= work;
}

void DebugIndex::finish() {
    const auto by_hash = [](const Named& a, const Named& b) { return a.hash < b.hash; };
    std::stable_sort(types_.begin(), types_.end(), by_hash);
    std::stable_sort(variables_.begin(), variables_.end(), by_hash);
    std::stable_sort(functions_.begin(), functions_.end(), [](const Named& a, const Named& b) {
        return a.hash != b.hash ? a.hash < b.hash : a.place.is_declaration < b.place.is_declaration;
    });
    std::stable_sort(code_.begin(), code_.end(),
                     [](const Code& a, const Code& b) { return a.low < b.low; });
    types_.shrink_to_fit();
    variables_.shrink_to_fit();
    functions_.shrink_to_fit();
    code_.shrink_to_fit();
}

std::vector<DebugPlace> DebugIndex::find(const std::vector<Named>& all, std::string_view name) {
    const uint64_t hash = add_to_hash(HASH_START, name);
    auto at = std::lower_bound(all.begin(), all.end(), hash,
                               [](const Named& one, uint64_t wanted) { return one.hash < wanted; });
    std::vector<DebugPlace> found;
    for (; at != all.end() && at->hash == hash; ++at) found.push_back(at->place);
    return found;
}

std::vector<DebugPlace> DebugIndex::types(std::string_view name) const {
    return find(types_, name);
}

std::vector<DebugPlace> DebugIndex::functions(std::string_view name) const {
    return find(functions_, name);
}

std::vector<DebugPlace> DebugIndex::variables(std::string_view name) const {
    return find(variables_, name);
}

std::vector<DebugPlace> DebugIndex::unit_variables(uint64_t unit) const {
    auto at =
        std::lower_bound(variables_in_order_.begin(), variables_in_order_.end(), unit,
                         [](const DebugPlace& one, uint64_t wanted) { return one.unit < wanted; });
    std::vector<DebugPlace> found;
    for (; at != variables_in_order_.end() && at->unit == unit; ++at) found.push_back(*at);
    return found;
}

const DwarfAbbreviations& DebugIndex::abbreviations(uint64_t offset) const {
    return abbreviations_.try_emplace(offset, sections_.abbrev, offset).first->second;
}

std::vector<DebugScope> DebugIndex::scopes(uint64_t unit) const {
    try {
        DwarfReader reader(sections_.info, unit);
        DwarfUnit header;
        read_unit_header(reader, sections_.info.size(), header);
        return unit_scopes(sections_, header, abbreviations(header.abbreviations));
    } catch (const DamagedDebugInfo&) {
        return {};
    }
}

std::optional<DebugPlace> DebugIndex::function_at(uint64_t address) const {
    auto at = std::upper_bound(code_.begin(), code_.end(), address,
                               [](uint64_t wanted, const Code& one) { return wanted < one.low; });
    // Functions do not nest, but ones that the linker merged start at one address.
    for (unsigned i = 0; at != code_.begin() && i < LONGEST_CHAIN; i++) {
        --at;
        if (address < at->high) return at->place;
    }
    return std::nullopt;
}

}  // namespace reven
