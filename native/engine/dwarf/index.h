// SPDX-License-Identifier: Apache-2.0
// Where the named things of a binary's DWARF information are: one pass over .debug_info, so
// that only what somebody asks for has to be read in detail.
// Source: DWARF 5, §7.5 "Format of Debugging Information"; versions 2 to 5.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/progress.h"
#include "dwarf/forms.h"

namespace reven {

using Section = std::span<const uint8_t>;

// Contents of the sections; empty where the file has none.
struct DebugSections {
    Section info, abbrev, str, line_str, str_offsets, addr, ranges, rnglists;
    Section common_str;  // .debug_str of the file that it shares parts with
};

// A debugging information entry.
struct DebugPlace {
    uint64_t offset;  // in .debug_info
    uint64_t unit;    // offset of its unit's header
    uint32_t tag;
    bool is_declaration;
};

// A namespace or class: the entries in [begin, end) of .debug_info have `name::` before theirs.
struct DebugScope {
    uint64_t begin, end;
    std::string name;
};

// Names of types and variables are qualified, `space::Type<int>`; spaces that do not part two
// words do not count. Of several equal definitions in different units the first is kept.
class DebugIndex {
   public:
    // `progress` gets bytes done and in all. A damaged unit is left out. The sections must
    // live as long as the index.
    DebugIndex(const DebugSections& sections, const Progress& progress);

    // Definitions of types with that name.
    std::vector<DebugPlace> types(std::string_view name) const;
    // Functions with that linkage name; definitions first.
    std::vector<DebugPlace> functions(std::string_view name) const;
    // Definitions of variables outside of functions.
    std::vector<DebugPlace> variables(std::string_view name) const;
    std::vector<DebugPlace> unit_variables(uint64_t unit) const;
    // The function (not inlined) whose code holds the address.
    std::optional<DebugPlace> function_at(uint64_t address) const;
    // The namespaces and classes of a unit by ascending `begin`; read from the sections anew.
    std::vector<DebugScope> scopes(uint64_t unit) const;

    size_t unit_count() const { return unit_count_; }
    size_t damaged_unit_count() const { return damaged_unit_count_; }

   private:
    friend class UnitScan;
    friend void scan_unit(DebugIndex&, const DwarfUnit&, const DwarfAbbreviations&,
                          std::unordered_set<uint64_t>&);
    friend std::vector<DebugScope> unit_scopes(const DebugSections&, const DwarfUnit&,
                                               const DwarfAbbreviations&);

    struct Named {
        uint64_t hash;
        DebugPlace place;
    };
    struct Code {
        uint64_t low, high;  // [low, high)
        DebugPlace place;
    };

    // Bytes of names, and entries of ranges and abbreviations, that are looked at: a few bytes of
    // debug information can refer to the same megabytes again and again. Throws DamagedDebugInfo
    // when there have been too many for its size.
    static uint64_t budget(const DebugSections& sections);
    static void spend(uint64_t& left, uint64_t work);

    // Throws DamagedDebugInfo.
    const DwarfAbbreviations& abbreviations(uint64_t offset) const;
    static std::vector<DebugPlace> find(const std::vector<Named>& all, std::string_view name);
    void finish();

    DebugSections sections_;
    mutable std::map<uint64_t, DwarfAbbreviations> abbreviations_;
    std::vector<Named> types_, functions_, variables_;
    std::vector<DebugPlace> variables_in_order_;
    std::vector<Code> code_;
    uint64_t left_ = 0;
    size_t unit_count_ = 0;
    size_t damaged_unit_count_ = 0;
};

}  // namespace reven
