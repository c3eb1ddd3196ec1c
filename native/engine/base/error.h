// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace reven {

// The trace (or stream) is missing, damaged, or of another version.
struct TraceError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Derived data that is damaged: it can be dropped and made anew.
struct DamagedIndex : TraceError {
    using TraceError::TraceError;
};

}  // namespace reven
