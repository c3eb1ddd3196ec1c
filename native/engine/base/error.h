// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace reven {

// The trace (or stream) is missing, damaged, or of another version.
struct TraceError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace reven
