// SPDX-License-Identifier: Apache-2.0
// A file of derived data in a trace directory: deletable, extended by appending,
// by one process at a time. Where the directory cannot be written or its disk is
// full, an unnamed temporary file takes its place for as long as the trace is open.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace reven {

class DerivedFile {
   public:
    // Opens what there is, for reading.
    DerivedFile(const std::string& directory, const std::string& name);
    ~DerivedFile();
    DerivedFile(const DerivedFile&) = delete;
    DerivedFile& operator=(const DerivedFile&) = delete;

    // Tells the trace in the directory apart from others: of what it begins with. 0: it has
    // nothing yet.
    uint32_t trace_identity() const;
    // Drops what follows the first `whole(file)` bytes, for everybody; true if there was
    // anything. Throws TraceError if there is and it cannot be dropped.
    using Whole = std::function<uint64_t(const DerivedFile&)>;
    static bool drop_damaged(const std::string& directory, const std::string& name,
                             const Whole& whole);

    // Bytes now; 0 if there is no file.
    uint64_t size() const;
    // False if they are not all there.
    bool read(uint64_t offset, std::span<uint8_t> out) const;

    // Other processes that want to write wait until the lock is gone.
    class Lock {
       public:
        explicit Lock(const DerivedFile& file);
        ~Lock();
        Lock(const Lock&) = delete;
        Lock& operator=(const Lock&) = delete;

       private:
        int descriptor_;
    };
    // Makes the file writable; a temporary one gets the first `valid` bytes of the one it
    // replaces. False if it is another file than before, none of whose contents were
    // read. Throws TraceError when there is no place.
    [[nodiscard]] bool prepare(uint64_t valid);
    // Needs the lock. Drops what follows the first `size` bytes.
    void truncate(uint64_t size);
    // Needs the lock. Everything before `offset` is valid. Throws TraceError when
    // there is no place.
    void write(uint64_t offset, std::span<const uint8_t> bytes);

   private:
    void use(int descriptor);
    void use_temporary(uint64_t valid);

    std::string directory_;
    std::string name_;
    // Never another number once open, so that reading goes on while the file is replaced.
    int descriptor_ = -1;
    bool writable_ = false;
    bool temporary_ = false;
};

}  // namespace reven
