// SPDX-License-Identifier: Apache-2.0
#include "base/zstd.h"

#include <new>
#include <stdexcept>

// The part of libzstd's stable interface that is used (zstd.h of zstd 1.5): every
// Debian has the library, few have its headers.
extern "C" {
typedef struct ZSTD_CCtx_s ZSTD_CCtx;
typedef struct ZSTD_DCtx_s ZSTD_DCtx;
ZSTD_CCtx* ZSTD_createCCtx(void);
size_t ZSTD_freeCCtx(ZSTD_CCtx*);
ZSTD_DCtx* ZSTD_createDCtx(void);
size_t ZSTD_freeDCtx(ZSTD_DCtx*);
size_t ZSTD_compressCCtx(ZSTD_CCtx*, void* to, size_t capacity, const void* from, size_t size,
                         int level);
size_t ZSTD_decompressDCtx(ZSTD_DCtx*, void* to, size_t capacity, const void* from, size_t size);
size_t ZSTD_compressBound(size_t size);
unsigned long long ZSTD_getFrameContentSize(const void* from, size_t size);
unsigned ZSTD_isError(size_t code);
const char* ZSTD_getErrorName(size_t code);
}

namespace reven {

Compressor::Compressor(int level) : context_(ZSTD_createCCtx()), level_(level) {
    if (!context_) throw std::bad_alloc();
}

Compressor::~Compressor() { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context_)); }

size_t Compressor::append(std::span<const uint8_t> bytes, std::vector<uint8_t>& out) {
    if (size_t bound = ZSTD_compressBound(bytes.size()); frame_.size() < bound)
        frame_.resize(bound);
    size_t size = ZSTD_compressCCtx(static_cast<ZSTD_CCtx*>(context_), frame_.data(), frame_.size(),
                                    bytes.data(), bytes.size(), level_);
    if (ZSTD_isError(size)) throw std::runtime_error(ZSTD_getErrorName(size));
    out.insert(out.end(), frame_.data(), frame_.data() + size);
    return size;
}

bool decompress(std::span<const uint8_t> frame, uint8_t* out, size_t size) {
    struct Context {
        ZSTD_DCtx* context = ZSTD_createDCtx();
        ~Context() { ZSTD_freeDCtx(context); }
    };
    thread_local Context context;
    if (!context.context) throw std::bad_alloc();
    return ZSTD_decompressDCtx(context.context, out, size, frame.data(), frame.size()) == size;
}

std::optional<std::vector<uint8_t>> unpack(std::span<const uint8_t> frame, size_t size) {
    if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != size) return std::nullopt;
    std::vector<uint8_t> bytes(size);
    if (!decompress(frame, bytes.data(), size)) return std::nullopt;
    return bytes;
}

}  // namespace reven
