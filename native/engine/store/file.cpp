// SPDX-License-Identifier: Apache-2.0
#include "store/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace reven {

namespace {

std::string system_message(const std::filesystem::path& path, const char* what, int error) {
    return std::string(what) + " " + path.string() + " failed: " + std::strerror(error);
}

template <typename T>
std::span<const uint8_t> bytes_of(const T& value) {
    return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

format::FileHeader header_of(format::FileKind kind) {
    format::FileHeader header{};
    std::memcpy(header.magic, format::FILE_MAGIC, sizeof header.magic);
    header.version = format::VERSION;
    header.kind = kind;
    return header;
}

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

AppendFile::AppendFile(const std::filesystem::path& directory, const char* name,
                       format::FileKind kind, const char* suffix)
    : path_(directory / (std::string(name) + suffix)),
      fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | (*suffix ? O_TRUNC : O_EXCL) | O_CLOEXEC,
                 0666)),
      kind_(kind) {
    if (fd_.get() < 0) throw TraceError(system_message(path_, "Creating", errno));
    append({bytes_of(header_of(kind))});
}

void AppendFile::append(std::initializer_list<std::span<const uint8_t>> parts) {
    std::vector<iovec> left;
    uint64_t total = 0;
    for (auto part : parts) {
        if (part.empty()) continue;
        left.push_back({const_cast<uint8_t*>(part.data()), part.size()});
        total += part.size();
    }
    for (size_t at = 0; at < left.size();) {
        ssize_t written = ::writev(fd_.get(), &left[at], static_cast<int>(left.size() - at));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("Writing", errno);
        auto done = static_cast<size_t>(written);
        for (; at < left.size() && done >= left[at].iov_len; at++) done -= left[at].iov_len;
        if (done > 0) {
            left[at].iov_base = static_cast<uint8_t*>(left[at].iov_base) + done;
            left[at].iov_len -= done;
        }
    }
    size_ += total;
}

uint32_t AppendFile::append_frame(std::span<const uint8_t> first, std::span<const uint8_t> rest) {
    size_t length = first.size() + rest.size();
    if (length == 0 || length > format::MAX_FRAME)
        throw TraceError("a frame is too large to write");
    format::FrameHeader header{format::FRAME_MAGIC, kind_, static_cast<uint32_t>(length), 0};
    uint32_t crc = crc32c(&header, offsetof(format::FrameHeader, crc));
    header.crc = crc32c(rest.data(), rest.size(), crc32c(first.data(), first.size(), crc));
    append({bytes_of(header), first, rest});
    return static_cast<uint32_t>(sizeof header + length);
}

void AppendFile::sync() {
    if (::fsync(fd_.get()) < 0) fail("Writing", errno);
}

void AppendFile::replace(const std::filesystem::path& directory, const char* name) {
    sync();
    const std::filesystem::path wanted = directory / name;
    if (::rename(path_.c_str(), wanted.c_str()) < 0) fail("Writing", errno);
    path_ = wanted;
}

void AppendFile::free_before(uint64_t offset) {
    constexpr uint64_t BLOCK = 4096;
    const uint64_t end = offset / BLOCK * BLOCK;
    if (end <= BLOCK) return;
    if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BLOCK,
                    static_cast<off_t>(end - BLOCK)) < 0)
        fail("Giving room back in", errno);
}

void AppendFile::fail(const char* what, int error) {
    // A torn frame would be cut off by the reader too; this only gives its room back.
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) < 0) error = error ? error : errno;
    throw TraceError(system_message(path_, what, error));
}

ReadFile::ReadFile(const std::filesystem::path& directory, const char* name, format::FileKind kind)
    : path_(directory / name),
      fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
    if (fd_.get() < 0 && errno == ENOENT)
        throw TraceError(directory.string() + " is not a trace: it has no " + name);
    // Who sends a trace may have put a link, a pipe or a device there.
    struct stat status {};
    if ((fd_.get() < 0 && errno == ELOOP) ||
        (fd_.get() >= 0 && ::fstat(fd_.get(), &status) == 0 && !S_ISREG(status.st_mode)))
        throw TraceError(path_.string() + " is no regular file, so it is not read");
    if (fd_.get() < 0) throw TraceError(system_message(path_, "Opening", errno));
    std::vector<uint8_t> bytes = read(0, sizeof(format::FileHeader));
    // One whose writer has only just begun, or was killed then, is empty.
    const format::FileHeader right = header_of(kind);
    const bool whole = bytes.size() == sizeof right;
    const auto begins = [&](uint32_t version) {
        format::FileHeader known = right;
        known.version = version;
        return std::equal(bytes.begin(), bytes.end(), bytes_of(known).begin());
    };
    if (!whole && (begins(format::VERSION) || begins(format::OLDEST))) return;
    if (!whole) throw TraceError(path_.string() + " is damaged: it has no whole header");
    auto header = read_as<format::FileHeader>(bytes.data());
    if (std::memcmp(header.magic, format::FILE_MAGIC, sizeof header.magic) != 0 ||
        header.kind != kind)
        throw TraceError(path_.string() +
                         " is damaged, or no file of a trace: its header is wrong");
    if (header.version < format::OLDEST || header.version > format::VERSION)
        throw TraceError(path_.string() + " has trace format version " +
                         std::to_string(header.version) + ", but this program reads versions " +
                         std::to_string(format::OLDEST) + " to " + std::to_string(format::VERSION) +
                         "; use " + (header.version > format::VERSION ? "a newer" : "the") +
                         " version of reven that reads it");
}

uint64_t ReadFile::size() const {
    struct stat status;
    if (::fstat(fd_.get(), &status) < 0) throw TraceError(system_message(path_, "Reading", errno));
    return static_cast<uint64_t>(status.st_size);
}

std::vector<uint8_t> ReadFile::read(uint64_t offset, uint64_t size) const {
    std::vector<uint8_t> bytes(size);
    size_t done = 0;
    while (done < size) {
        ssize_t count =
            ::pread(fd_.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw TraceError(system_message(path_, "Reading", errno));
        if (count == 0) break;
        done += static_cast<size_t>(count);
    }
    bytes.resize(done);
    return bytes;
}

std::span<const uint8_t> check_frame(std::span<const uint8_t> bytes, format::FileKind kind) {
    if (bytes.size() <= sizeof(format::FrameHeader)) return {};
    auto header = read_as<format::FrameHeader>(bytes.data());
    auto rest = bytes.subspan(sizeof header);
    if (header.magic != format::FRAME_MAGIC || header.kind != kind || header.length == 0 ||
        header.length > format::MAX_FRAME || header.length > rest.size())
        return {};
    uint32_t crc = crc32c(bytes.data(), offsetof(format::FrameHeader, crc));
    auto payload = rest.first(header.length);
    if (crc32c(payload.data(), payload.size(), crc) != header.crc) return {};
    return payload;
}

}  // namespace reven
