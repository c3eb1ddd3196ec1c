// SPDX-License-Identifier: Apache-2.0
// The pass over one unit of .debug_info.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "dwarf/index.h"

namespace reven {

constexpr unsigned LONGEST_CHAIN = 8;  // of specification and abstract origin
constexpr uint64_t HASH_START = 0xcbf29ce484222325;

// FNV-1a over the name, without spaces that part no two words.
uint64_t add_to_hash(uint64_t hash, std::string_view name);

// Takes the unit's named things into the index; all or, with DamagedDebugInfo, nothing.
// `known` holds what earlier units defined.
void scan_unit(DebugIndex& index, const DwarfUnit& unit, const DwarfAbbreviations& abbreviations,
               std::unordered_set<uint64_t>& known);

// The namespaces and classes of a unit by ascending `begin`. Throws DamagedDebugInfo.
std::vector<DebugScope> unit_scopes(const DebugSections& sections, const DwarfUnit& unit,
                                    const DwarfAbbreviations& abbreviations);

}  // namespace reven
