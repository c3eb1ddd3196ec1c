// SPDX-License-Identifier: Apache-2.0
#include "store/derived_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "store/format.h"

namespace reven {
namespace {

// 0 or what went wrong.
int write_all(int descriptor, uint64_t offset, std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t written =
            pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes = bytes.subspan(static_cast<size_t>(written));
        offset += static_cast<uint64_t>(written);
    }
    return 0;
}

// Who sends a trace may have put a link there, to a file that is not to be written, or a pipe.
int open_regular(const std::string& path, int flags) {
    const int descriptor = open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    struct stat status {};
    if (descriptor < 0 || (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)))
        return descriptor;
    close(descriptor);
    return -1;
}

std::string temporary_directory() {
    const char* chosen = std::getenv("TMPDIR");
    return chosen && *chosen ? chosen : "/tmp";
}

}  // namespace

DerivedFile::DerivedFile(const std::string& directory, const std::string& name)
    : directory_(directory),
      name_(name),
      descriptor_(open_regular(directory + "/" + name, O_RDONLY)) {}

DerivedFile::~DerivedFile() {
    if (descriptor_ >= 0) close(descriptor_);
}

uint32_t DerivedFile::trace_identity() const {
    // The checksum of the first segment: its registers and memory are no other recording's.
    struct {
        format::FileHeader file;
        format::FrameHeader frame;
    } start;
    const int segments = open_regular(directory_ + "/" + format::SEGMENT_FILE, O_RDONLY);
    if (segments < 0) return 0;
    const ssize_t count = pread(segments, &start, sizeof start, 0);
    close(segments);
    return count == sizeof start ? start.frame.crc : 0;
}

bool DerivedFile::drop_damaged(const std::string& directory, const std::string& name,
                               const Whole& whole) {
    DerivedFile file(directory, name);
    if (file.size() == 0) return false;
    const int writable = open_regular(directory + "/" + name, O_RDWR);
    if (writable < 0) {
        if (whole(file) == file.size()) return false;
        throw TraceError(name + " of " + directory +
                         " is damaged and cannot be written: delete it, it is made anew");
    }
    file.use(writable);
    // Who appends to it meanwhile is waited for.
    const Lock lock(file);
    const uint64_t size = whole(file);
    if (size == file.size()) return false;
    file.truncate(size);
    return true;
}

uint64_t DerivedFile::size() const {
    struct stat status {};
    if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) return 0;
    return static_cast<uint64_t>(status.st_size);
}

bool DerivedFile::read(uint64_t offset, std::span<uint8_t> out) const {
    while (!out.empty()) {
        const ssize_t count =
            pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        out = out.subspan(static_cast<size_t>(count));
        offset += static_cast<uint64_t>(count);
    }
    return true;
}

DerivedFile::Lock::Lock(const DerivedFile& file) : descriptor_(dup(file.descriptor_)) {
    while (flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
}

DerivedFile::Lock::~Lock() {
    flock(descriptor_, LOCK_UN);
    close(descriptor_);
}

void DerivedFile::use(int descriptor) {
    if (descriptor_ < 0) {
        descriptor_ = descriptor;
    } else {
        dup3(descriptor, descriptor_, O_CLOEXEC);
        close(descriptor);
    }
    writable_ = true;
}

bool DerivedFile::prepare(uint64_t valid) {
    if (writable_) return true;
    const int descriptor = open_regular(directory_ + "/" + name_, O_RDWR | O_CREAT);
    if (descriptor < 0) {
        use_temporary(valid);
        return true;
    }
    struct stat before {
    }, after{};
    const bool same =
        descriptor_ < 0 || (fstat(descriptor_, &before) == 0 && fstat(descriptor, &after) == 0 &&
                            before.st_dev == after.st_dev && before.st_ino == after.st_ino);
    use(descriptor);
    return same;
}

void DerivedFile::use_temporary(uint64_t valid) {
    std::string path = temporary_directory() + "/reven-" + name_ + "-XXXXXX";
    const int descriptor = mkostemp(path.data(), O_CLOEXEC);
    int error = descriptor < 0 ? errno : 0;
    if (descriptor >= 0) unlink(path.c_str());
    std::vector<uint8_t> bytes(std::min<uint64_t>(valid, 1 << 20));
    for (uint64_t done = 0; done < valid && error == 0; done += bytes.size()) {
        bytes.resize(std::min<uint64_t>(valid - done, bytes.size()));
        error = read(done, bytes) ? write_all(descriptor, done, bytes) : EIO;
    }
    if (error != 0) {
        if (descriptor >= 0) close(descriptor);
        throw TraceError("There is no place for " + name_ + ": neither " + directory_ + " nor " +
                         temporary_directory() + " can take it (" + std::strerror(error) +
                         "). Make room, or set TMPDIR to a directory that has some.");
    }
    use(descriptor);
    temporary_ = true;
}

void DerivedFile::truncate(uint64_t size) {
    if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0)
        throw TraceError(name_ + " could not be written: " + std::strerror(errno));
}

void DerivedFile::write(uint64_t offset, std::span<const uint8_t> bytes) {
    int error = write_all(descriptor_, offset, bytes);
    const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    if (is_full && !temporary_) {
        // What is complete stays for others; what was begun gives its room back.
        truncate(offset);
        use_temporary(offset);
        error = write_all(descriptor_, offset, bytes);
    }
    if (error == 0) return;
    truncate(offset);
    throw TraceError("There is no place for " + name_ + ": " + std::strerror(error) +
                     ". Make room in " + directory_ +
                     ", or set TMPDIR to a directory that has some.");
}

}  // namespace reven
