// SPDX-License-Identifier: Apache-2.0
#include "dwarf/unit_scan.h"

#include <string>
#include <unordered_map>

namespace reven {
namespace {

enum : uint32_t {
    TAG_CLASS = 0x02,
    TAG_ENUMERATION = 0x04,
    TAG_MEMBER = 0x0d,
    TAG_COMPILE_UNIT = 0x11,
    TAG_STRUCTURE = 0x13,
    TAG_TYPEDEF = 0x16,
    TAG_UNION = 0x17,
    TAG_BASE_TYPE = 0x24,
    TAG_SUBPROGRAM = 0x2e,
    TAG_VARIABLE = 0x34,
    TAG_NAMESPACE = 0x39,
    TAG_PARTIAL_UNIT = 0x3c,
    TAG_UNSPECIFIED_TYPE = 0x3b,
    TAG_TYPE_UNIT = 0x41,
    TAG_SKELETON_UNIT = 0x4a,
};

enum : uint16_t {
    AT_SIBLING = 0x01,
    AT_LOCATION = 0x02,
    AT_NAME = 0x03,
    AT_BYTE_SIZE = 0x0b,
    AT_LOW_PC = 0x11,
    AT_HIGH_PC = 0x12,
    AT_CONST_VALUE = 0x1c,
    AT_ABSTRACT_ORIGIN = 0x31,
    AT_DECLARATION = 0x3c,
    AT_SPECIFICATION = 0x47,
    AT_RANGES = 0x55,
    AT_LINKAGE_NAME = 0x6e,
    AT_STR_OFFSETS_BASE = 0x72,
    AT_ADDR_BASE = 0x73,
    AT_RNGLISTS_BASE = 0x74,
    AT_MIPS_LINKAGE_NAME = 0x2007,
};

constexpr unsigned DEEPEST = 256;

bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool is_type(uint32_t tag) {
    switch (tag) {
        case TAG_CLASS:
        case TAG_ENUMERATION:
        case TAG_STRUCTURE:
        case TAG_TYPEDEF:
        case TAG_UNION:
        case TAG_BASE_TYPE:
        case TAG_UNSPECIFIED_TYPE:
            return true;
        default:
            return false;
    }
}

// Whose children are looked at, and whose name is part of theirs.
bool is_scope(uint32_t tag) {
    return tag == TAG_NAMESPACE || tag == TAG_CLASS || tag == TAG_STRUCTURE || tag == TAG_UNION ||
           tag == TAG_COMPILE_UNIT || tag == TAG_PARTIAL_UNIT || tag == TAG_TYPE_UNIT ||
           tag == TAG_SKELETON_UNIT;
}

}  // namespace

uint64_t add_to_hash(uint64_t hash, std::string_view name) {
    for (size_t i = 0; i < name.size(); i++) {
        if (name[i] == ' ' &&
            (i == 0 || i + 1 == name.size() || !is_word(name[i - 1]) || !is_word(name[i + 1])))
            continue;
        hash = (hash ^ static_cast<uint8_t>(name[i])) * 0x100000001b3;
    }
    return hash;
}

class UnitScan {
   public:
    UnitScan(DebugIndex& index, const DwarfUnit& unit, const DwarfAbbreviations& abbreviations,
             std::unordered_set<uint64_t>& known, uint64_t& left)
        : index_(index),
          sections_(index.sections_),
          unit_(unit),
          abbreviations_(abbreviations),
          known_(known),
          left_(left) {}

    // The scopes of the unit; takes nothing into the index.
    std::vector<DebugScope> scopes() {
        std::vector<DebugScope> found;
        scopes_ = &found;
        DwarfReader reader(sections_.info.first(unit_.end), unit_.first_entry);
        if (reader.position() < unit_.end) scan(reader, HASH_START, 0);
        return found;
    }

    void run() {
        // A damaged unit names nothing: what it gave so far is taken back.
        const size_t types = index_.types_.size(), functions = index_.functions_.size(),
                     variables = index_.variables_.size(), code = index_.code_.size(),
                     in_order = index_.variables_in_order_.size();
        try {
            DwarfReader reader(sections_.info.first(unit_.end), unit_.first_entry);
            if (reader.position() < unit_.end) scan(reader, HASH_START, 0);
        } catch (const DamagedDebugInfo&) {
            index_.types_.resize(types);
            index_.functions_.resize(functions);
            index_.variables_.resize(variables);
            index_.code_.resize(code);
            index_.variables_in_order_.resize(in_order);
            throw;
        }
    }

   private:
    struct Entry {
        uint64_t offset = 0;
        const DwarfAbbreviation* abbreviation = nullptr;
        std::string_view name, linkage_name;
        DwarfValue low, high, ranges;
        uint64_t sibling = 0, origin = 0, size = 0;
        bool is_declaration = false, has_value = false;
    };

    // Reads one entry; false for the null entry that ends a list.
    bool read(DwarfReader& reader, Entry& entry) {
        entry = Entry{};
        entry.offset = reader.position();
        const uint64_t code = reader.uleb();
        if (code == 0) return false;
        entry.abbreviation = &abbreviations_.find(code);
        const bool is_unit = entry.offset == unit_.first_entry;
        DwarfValue name, linkage;
        for (const DwarfAttribute& attribute : entry.abbreviation->attributes) {
            const DwarfValue value = read_value(reader, unit_, attribute);
            switch (attribute.name) {
                case AT_SIBLING:
                    entry.sibling = value.number;
                    break;
                case AT_LOCATION:
                case AT_CONST_VALUE:
                    entry.has_value = true;
                    break;
                case AT_NAME:
                    name = value;
                    break;
                case AT_LINKAGE_NAME:
                case AT_MIPS_LINKAGE_NAME:
                    linkage = value;
                    break;
                case AT_BYTE_SIZE:
                    entry.size = value.number;
                    break;
                case AT_LOW_PC:
                    entry.low = value;
                    break;
                case AT_HIGH_PC:
                    entry.high = value;
                    break;
                case AT_RANGES:
                    entry.ranges = value;
                    break;
                case AT_DECLARATION:
                    entry.is_declaration = value.number != 0;
                    break;
                case AT_SPECIFICATION:
                case AT_ABSTRACT_ORIGIN:
                    if (value.kind == ValueKind::Reference) entry.origin = value.number;
                    break;
                case AT_STR_OFFSETS_BASE:
                    if (is_unit) strings_base_ = value.number;
                    break;
                case AT_ADDR_BASE:
                    if (is_unit) addresses_base_ = value.number;
                    break;
                case AT_RNGLISTS_BASE:
                    if (is_unit) rnglists_base_ = value.number;
                    break;
                default:
                    break;
            }
        }
        if (!is_unit) {
            entry.name = text(name);
            entry.linkage_name = text(linkage);
        } else {
            base_ = address(entry.low);
        }
        return true;
    }

    std::string_view text(const DwarfValue& value) const {
        if (value.kind == ValueKind::String) return value.text;
        if (value.kind != ValueKind::OtherString) return {};
        if (value.form == FORM_STRP) return DwarfReader(sections_.str, value.number).string();
        if (value.form == FORM_STRP_SUP || value.form == FORM_STRP_ALT) {
            if (sections_.common_str.empty()) return {};
            return DwarfReader(sections_.common_str, value.number).string();
        }
        if (value.form == FORM_LINE_STRP)
            return DwarfReader(sections_.line_str, value.number).string();
        const unsigned width = unit_.is_64_bit ? 8 : 4;
        DwarfReader offsets(sections_.str_offsets, strings_base_);
        offsets.skip(value.number * width);
        return DwarfReader(sections_.str, offsets.offset(unit_.is_64_bit)).string();
    }

    uint64_t address(const DwarfValue& value) const {
        if (value.kind == ValueKind::AddressIndex) return indexed_address(value.number);
        return value.number;
    }

    uint64_t indexed_address(uint64_t number) const {
        DwarfReader reader(sections_.addr, addresses_base_);
        reader.skip(number * 8);
        return reader.read<uint64_t>();
    }

    void scan(DwarfReader& reader, uint64_t scope, unsigned depth) {
        if (depth > DEEPEST) throw DamagedDebugInfo("its entries are nested too deeply");
        Entry entry;
        while (reader.position() < unit_.end) {
            if (!read(reader, entry)) return;
            const uint32_t tag = entry.abbreviation->tag;
            const bool is_unit = entry.offset == unit_.first_entry;
            const uint64_t inner = is_unit || scopes_ ? HASH_START : keep(entry, scope);
            if (entry.abbreviation->has_children) {
                if (is_scope(tag)) {
                    const size_t outer = path_.size();
                    const size_t number = scopes_ && !is_unit ? begin_scope(entry) : 0;
                    scan(reader, inner, depth + 1);
                    path_.resize(outer);
                    if (scopes_ && !is_unit) (*scopes_)[number].end = reader.position();
                } else {
                    step_over_children(reader, entry);
                }
            }
            if (is_unit) return;
        }
    }

    void step_over_children(DwarfReader& reader, const Entry& parent) {
        if (parent.sibling > reader.position() && parent.sibling <= unit_.end) {
            reader.skip(parent.sibling - reader.position());
            return;
        }
        for (unsigned open = 1; open > 0;) {
            if (reader.position() >= unit_.end) return;
            const uint64_t code = reader.uleb();
            if (code == 0) {
                open--;
                continue;
            }
            const DwarfAbbreviation& abbreviation = abbreviations_.find(code);
            for (const DwarfAttribute& attribute : abbreviation.attributes)
                read_value(reader, unit_, attribute);
            if (abbreviation.has_children) open++;
        }
    }

    size_t begin_scope(const Entry& entry) {
        const bool is_anonymous = entry.name.empty() && entry.abbreviation->tag == TAG_NAMESPACE;
        DebugIndex::spend(left_, path_.size() + entry.name.size() + 1);
        if (!path_.empty()) path_ += "::";
        path_ += is_anonymous ? std::string_view("(anonymous namespace)") : entry.name;
        scopes_->push_back({entry.offset, entry.offset, path_});
        return scopes_->size() - 1;
    }

    // Takes an entry into the index; gives the hash that its children's names begin with.
    uint64_t keep(const Entry& entry, uint64_t scope) {
        DebugIndex::spend(left_, entry.name.size() + 1);
        const uint32_t tag = entry.abbreviation->tag;
        uint64_t hash = scope;
        const std::string_view separator = scope == HASH_START ? "" : "::";
        if (!entry.name.empty()) {
            hash = add_to_hash(add_to_hash(scope, separator), entry.name);
        } else if (tag == TAG_NAMESPACE) {
            hash = add_to_hash(add_to_hash(scope, separator), "(anonymous namespace)");
        } else if (const auto found = declared_.find(entry.origin); found != declared_.end()) {
            hash = found->second;
        }
        const bool is_named = hash != scope;
        const DebugPlace place{entry.offset, unit_.offset, tag, entry.is_declaration};
        if (is_type(tag)) {
            if (is_named && entry.is_declaration) declared_.emplace(entry.offset, hash);
            if (is_named && !entry.is_declaration &&
                known_.insert(hash ^ (entry.size << 8 | tag) * 0x9e3779b97f4a7c15).second)
                index_.types_.push_back({hash, place});
        } else if (tag == TAG_SUBPROGRAM) {
            keep_function(entry, place);
        } else if (tag == TAG_VARIABLE || tag == TAG_MEMBER) {
            if (is_named && !entry.has_value) declared_.emplace(entry.offset, hash);
            if (is_named && entry.has_value && tag == TAG_VARIABLE) {
                index_.variables_.push_back({hash, place});
                index_.variables_in_order_.push_back(place);
            }
        }
        return hash;
    }

    void keep_function(const Entry& entry, const DebugPlace& place) {
        const std::string_view name = linkage_name(entry);
        DebugIndex::spend(left_, name.size());
        const bool has_code = keep_code(entry, place);
        if (name.empty()) return;
        const uint64_t hash = add_to_hash(HASH_START, name);
        // A header declares the same function in every unit.
        if (!has_code && !known_.insert(hash ^ TAG_SUBPROGRAM * 0x9e3779b97f4a7c15).second) return;
        index_.functions_.push_back({hash, place});
        index_.functions_.back().place.is_declaration = !has_code;
    }

    std::string_view linkage_name(const Entry& entry) {
        if (!entry.linkage_name.empty()) return entry.linkage_name;
        std::string_view name = entry.name;
        uint64_t origin = entry.origin;
        for (unsigned i = 0; i < LONGEST_CHAIN && origin != 0; i++) {
            // An entry of another unit needs that unit's abbreviations; compilers do not
            // write such ones for functions with code.
            if (origin < unit_.first_entry || origin >= unit_.end) break;
            DwarfReader reader(sections_.info.first(unit_.end), origin);
            Entry other;
            if (!read(reader, other)) break;
            if (!other.linkage_name.empty()) return other.linkage_name;
            if (name.empty()) name = other.name;
            origin = other.origin;
        }
        return name;
    }

    bool keep_code(const Entry& entry, const DebugPlace& place) {
        if (entry.ranges.kind == ValueKind::Number) {
            const size_t before = index_.code_.size();
            unit_.version >= 5 ? keep_rnglist(entry.ranges, place)
                               : keep_ranges(entry.ranges, place);
            return index_.code_.size() > before;
        }
        if (entry.low.kind == ValueKind::None || entry.high.kind == ValueKind::None) return false;
        const uint64_t low = address(entry.low);
        const uint64_t high =
            entry.high.kind == ValueKind::Number ? low + entry.high.number : address(entry.high);
        return keep_range(low, high, place);
    }

    // The linker leaves functions that it dropped at address 0 or near the end.
    bool keep_range(uint64_t low, uint64_t high, const DebugPlace& place) {
        DebugIndex::spend(left_, 1);
        if (low == 0 || low >= high) return false;
        index_.code_.push_back({low, high, place});
        return true;
    }

    void keep_ranges(const DwarfValue& value, const DebugPlace& place) {
        DwarfReader reader(sections_.ranges, value.number);
        uint64_t base = base_;
        while (true) {
            const uint64_t low = reader.read<uint64_t>(), high = reader.read<uint64_t>();
            if (low == 0 && high == 0) return;
            if (low == ~uint64_t{0}) {
                base = high;
            } else {
                keep_range(base + low, base + high, place);
            }
        }
    }

    void keep_rnglist(const DwarfValue& value, const DebugPlace& place) {
        uint64_t position = value.number;
        if (value.form == FORM_RNGLISTX) {
            DwarfReader offsets(sections_.rnglists, rnglists_base_);
            offsets.skip(value.number * (unit_.is_64_bit ? 8 : 4));
            position = rnglists_base_ + offsets.offset(unit_.is_64_bit);
        }
        DwarfReader reader(sections_.rnglists, position);
        uint64_t base = base_, low = 0;
        while (true) {
            switch (reader.read<uint8_t>()) {
                case 0:  // end_of_list
                    return;
                case 1:  // base_addressx
                    base = indexed_address(reader.uleb());
                    break;
                case 2:  // startx_endx
                    low = indexed_address(reader.uleb());
                    keep_range(low, indexed_address(reader.uleb()), place);
                    break;
                case 3:  // startx_length
                    low = indexed_address(reader.uleb());
                    keep_range(low, low + reader.uleb(), place);
                    break;
                case 4:  // offset_pair
                    low = base + reader.uleb();
                    keep_range(low, base + reader.uleb(), place);
                    break;
                case 5:  // base_address
                    base = reader.read<uint64_t>();
                    break;
                case 6:  // start_end
                    low = reader.read<uint64_t>();
                    keep_range(low, reader.read<uint64_t>(), place);
                    break;
                case 7:  // start_length
                    low = reader.read<uint64_t>();
                    keep_range(low, low + reader.uleb(), place);
                    break;
                default:
                    throw DamagedDebugInfo("an unknown entry of a range list");
            }
        }
    }

    DebugIndex& index_;
    const DebugSections& sections_;
    const DwarfUnit& unit_;
    const DwarfAbbreviations& abbreviations_;
    std::unordered_set<uint64_t>& known_;
    uint64_t& left_;
    std::unordered_map<uint64_t, uint64_t> declared_;  // offset to hash of the qualified name
    uint64_t strings_base_ = 8, addresses_base_ = 8, rnglists_base_ = 12;
    uint64_t base_ = 0;
    std::vector<DebugScope>* scopes_ = nullptr;
    std::string path_;
};

void scan_unit(DebugIndex& index, const DwarfUnit& unit, const DwarfAbbreviations& abbreviations,
               std::unordered_set<uint64_t>& known) {
    UnitScan(index, unit, abbreviations, known, index.left_).run();
}

std::vector<DebugScope> unit_scopes(const DebugSections& sections, const DwarfUnit& unit,
                                    const DwarfAbbreviations& abbreviations) {
    DebugIndex nothing(DebugSections{}, [](uint64_t, uint64_t) {});
    nothing.sections_ = sections;
    std::unordered_set<uint64_t> known;
    uint64_t left = DebugIndex::budget(sections);
    return UnitScan(nothing, unit, abbreviations, known, left).scopes();
}

}  // namespace reven
