// SPDX-License-Identifier: Apache-2.0
// Files of a trace: appending, and reading at an offset.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/format.h"

namespace reven {

// Owns a file descriptor.
class Descriptor {
   public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    int get() const { return fd_; }

   private:
    int fd_;
};

// The files of a trace being written. What fails throws TraceError, after cutting
// the file back to its last whole frame.
class AppendFile {
   public:
    // Creates the file, which must not exist, with its header.
    // `suffix`: of a file that will replace() the one of that name, and may exist.
    AppendFile(const std::filesystem::path& directory, const char* name, format::FileKind kind,
               const char* suffix = "");

    uint64_t size() const { return size_; }
    void append(std::initializer_list<std::span<const uint8_t>> parts);
    // Appends a frame whose payload is the parts; returns the frame's size.
    uint32_t append_frame(std::span<const uint8_t> first, std::span<const uint8_t> rest = {});
    void sync();
    // Takes the place of another file.
    void replace(const std::filesystem::path& directory, const char* name);
    // Gives the room of the bytes between the header and `offset` back; they read as zeros.
    void free_before(uint64_t offset);

   private:
    [[noreturn]] void fail(const char* what, int error);

    std::filesystem::path path_;
    Descriptor fd_;
    format::FileKind kind_;
    uint64_t size_ = 0;
};

class ReadFile {
   public:
    // Opens the file and checks its header. Throws TraceError.
    ReadFile(const std::filesystem::path& directory, const char* name, format::FileKind kind);

    uint64_t size() const;  // now
    // Reads up to `size` bytes. Throws TraceError when the system cannot.
    std::vector<uint8_t> read(uint64_t offset, uint64_t size) const;
    const std::filesystem::path& path() const { return path_; }

   private:
    std::filesystem::path path_;
    Descriptor fd_;
};

// Checks the frame at the start of `bytes`. Returns its payload; an empty one,
// which no frame has, if it is not whole and right.
std::span<const uint8_t> check_frame(std::span<const uint8_t> bytes, format::FileKind kind);

}  // namespace reven
