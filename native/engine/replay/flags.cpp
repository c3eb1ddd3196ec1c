// SPDX-License-Identifier: Apache-2.0
//
// The thunk (operation, two operands, old flags) is VEX's, whose numbering is
// taken over as it is: VEX/priv/guest_amd64_defs.h, AMD64G_CC_OP_*. What each
// operation does to the flags: Intel SDM, volume 2.
#include "replay/flags.h"

#include <bit>
#include <cstring>

#include "event_stream.h"

namespace reven {
namespace {

constexpr uint64_t CARRY = 1 << 0, PARITY = 1 << 2, ADJUST = 1 << 4, ZERO = 1 << 6, SIGN = 1 << 7,
                   DIRECTION = 1 << 10, OVERFLOW = 1 << 11;
constexpr uint64_t ARITHMETIC = CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW;

// Operations come in groups of four: 8, 16, 32 and 64 bits.
enum Group { ADD, SUB, ADC, SBB, LOGIC, INC, DEC, SHL, SHR, ROL, ROR, UMUL, SMUL, GROUPS };
enum Single {
    ANDN32 = 53,
    ANDN64,
    BLSI32,
    BLSI64,
    BLSMSK32,
    BLSMSK64,
    BLSR32,
    BLSR64,
    ADCX32,
    ADCX64,
    ADOX32,
    ADOX64
};

struct Thunk {
    uint64_t operation, first, second, old;
};

uint64_t flag(bool set, uint64_t bit) { return set ? bit : 0; }

class Evaluator {
   public:
    Evaluator(const Thunk& thunk, uint32_t bits)
        : thunk_(thunk),
          bits_(bits),
          mask_(bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1),
          first_(thunk.first & mask_),
          second_(thunk.second & mask_) {}

    uint64_t arithmetic(Group group) const {
        const uint64_t carry_in = thunk_.old & CARRY;
        switch (group) {
            case ADD:
                return sum(first_, second_, 0);
            case ADC:
                return sum(first_, (thunk_.second ^ carry_in) & mask_, carry_in);
            case SUB:
                return difference(first_, second_, 0);
            case SBB:
                return difference(first_, (thunk_.second ^ carry_in) & mask_, carry_in);
            case LOGIC:
                return of_result(first_);
            case INC:
                return carry_in | of_result(first_) | flag((first_ & 15) == 0, ADJUST) |
                       flag(first_ == sign_bit(), OVERFLOW);
            case DEC:
                return carry_in | of_result(first_) | flag((first_ & 15) == 15, ADJUST) |
                       flag(first_ == sign_bit() - 1, OVERFLOW);
            case SHL:
                return of_result(first_) | flag(is_negative(second_), CARRY) |
                       flag(is_negative(first_ ^ second_), OVERFLOW);
            case SHR:
                return of_result(first_) | flag(second_ & 1, CARRY) |
                       flag(is_negative(first_ ^ second_), OVERFLOW);
            case ROL:
                return rotated(first_ & 1, is_negative(first_) != ((first_ & 1) != 0));
            case ROR:
                return rotated(is_negative(first_),
                               is_negative(first_) != is_negative(first_ << 1));
            case UMUL: {
                const auto product = static_cast<unsigned __int128>(first_) * second_;
                return of_product(static_cast<uint64_t>(product),
                                  static_cast<uint64_t>(product >> bits_) & mask_, 0);
            }
            default: {
                const auto product = static_cast<__int128>(extended(first_)) * extended(second_);
                const auto low = static_cast<uint64_t>(product) & mask_;
                return of_product(low, static_cast<uint64_t>(product >> bits_) & mask_,
                                  is_negative(low) ? mask_ : 0);
            }
        }
    }

    // BMI1: AF and PF are undefined by the architecture and read as 0 here.
    uint64_t bit_manipulation(bool carry, bool zero_is_defined = true) const {
        return flag(carry, CARRY) | flag(zero_is_defined && first_ == 0, ZERO) |
               flag(is_negative(first_), SIGN);
    }

    bool source_is_zero() const { return second_ == 0; }

    // ADCX, ADOX: one flag is the carry, the others stay.
    uint64_t carry_chain(uint64_t bit) const {
        const uint64_t carry_in = (thunk_.old & bit) ? 1 : 0;
        const uint64_t right = (thunk_.second ^ carry_in) & mask_;
        const uint64_t result = (first_ + right + carry_in) & mask_;
        const bool carry = carry_in ? result <= first_ : result < first_;
        return (thunk_.old & ARITHMETIC & ~bit) | flag(carry, bit);
    }

   private:
    uint64_t sign_bit() const { return uint64_t{1} << (bits_ - 1); }
    bool is_negative(uint64_t value) const { return value & sign_bit(); }
    int64_t extended(uint64_t value) const {
        return static_cast<int64_t>(value << (64 - bits_)) >> (64 - bits_);
    }

    uint64_t of_result(uint64_t result) const {
        return flag(std::popcount(result & 0xff) % 2 == 0, PARITY) | flag(result == 0, ZERO) |
               flag(is_negative(result), SIGN);
    }
    uint64_t sum(uint64_t left, uint64_t right, uint64_t carry_in) const {
        const uint64_t result = (left + right + carry_in) & mask_;
        const bool carry = carry_in ? result <= left : result < left;
        return of_result(result) | flag(carry, CARRY) | ((result ^ left ^ right) & ADJUST) |
               flag(is_negative(~(left ^ right) & (left ^ result)), OVERFLOW);
    }
    uint64_t difference(uint64_t left, uint64_t right, uint64_t borrow_in) const {
        const uint64_t result = (left - right - borrow_in) & mask_;
        const bool borrow = borrow_in ? left <= right : left < right;
        return of_result(result) | flag(borrow, CARRY) | ((result ^ left ^ right) & ADJUST) |
               flag(is_negative((left ^ right) & (left ^ result)), OVERFLOW);
    }
    uint64_t rotated(bool carry, bool overflow) const {
        return (thunk_.old & ARITHMETIC & ~(CARRY | OVERFLOW)) | flag(carry, CARRY) |
               flag(overflow, OVERFLOW);
    }
    uint64_t of_product(uint64_t low, uint64_t high, uint64_t high_without_overflow) const {
        const bool overflow = high != high_without_overflow;
        return of_result(low & mask_) | flag(overflow, CARRY | OVERFLOW);
    }

    const Thunk& thunk_;
    uint32_t bits_;
    uint64_t mask_, first_, second_;
};

uint64_t arithmetic_flags(const Thunk& thunk) {
    const uint64_t operation = thunk.operation;
    if (operation == 0) return thunk.first & ARITHMETIC;
    if (operation <= 4 * GROUPS)
        return Evaluator(thunk, 8u << ((operation - 1) & 3))
            .arithmetic(static_cast<Group>((operation - 1) / 4));
    const Evaluator evaluate(thunk, (operation - ANDN32) % 2 == 0 ? 32 : 64);
    switch (operation) {
        case ANDN32:
        case ANDN64:
            return evaluate.bit_manipulation(false);
        case BLSI32:
        case BLSI64:
            return evaluate.bit_manipulation(!evaluate.source_is_zero());
        case BLSMSK32:
        case BLSMSK64:
            return evaluate.bit_manipulation(evaluate.source_is_zero(), false);
        case BLSR32:
        case BLSR64:
            return evaluate.bit_manipulation(evaluate.source_is_zero());
        case ADCX32:
        case ADCX64:
            return evaluate.carry_chain(CARRY);
        case ADOX32:
        case ADOX64:
            return evaluate.carry_chain(OVERFLOW);
        default:
            return 0;
    }
}

}  // namespace

uint64_t rflags(const uint8_t* registers, bool is_machine) {
    const auto field = [&](uint32_t offset) {
        uint64_t value;
        std::memcpy(&value, registers + offset, sizeof value);
        return value;
    };
    constexpr uint64_t FIXED = 1 << 1, INTERRUPTS = 1 << 9, ALIGNMENT = 1 << 18,
                       IDENTIFICATION = 1 << 21;
    // TF, IF, IOPL, NT, RF, VM, VIF, VIP
    constexpr uint64_t SYSTEM =
        1 << 8 | INTERRUPTS | 3 << 12 | 1 << 14 | 1 << 16 | 1 << 17 | 1 << 19 | 1 << 20;
    return arithmetic_flags({field(REVEN_CC_OP), field(REVEN_CC_DEP1), field(REVEN_CC_DEP2),
                             field(REVEN_CC_NDEP)}) |
           FIXED | (is_machine ? field(REVEN_RFLAGS) & SYSTEM : INTERRUPTS) |
           flag(field(REVEN_DFLAG) == ~uint64_t{0}, DIRECTION) |
           flag(field(REVEN_ACFLAG) & 1, ALIGNMENT) | flag(field(REVEN_IDFLAG) & 1, IDENTIFICATION);
}

}  // namespace reven
