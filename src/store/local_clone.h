#pragma once

#include "base/async.h"
#include "store/backend.h"
#include "store/local_folder.h"

#include <optional>
#include <string>

namespace slipway::store {

// Copies one file into `folder` under a name that is not taken, by the cheapest means the file
// system has: a reflink, else copy_file_range, else reading and writing.
//
// The copy is written beside its place, made durable, and then named, so that nobody sees half of
// it. Before it is named its identity is saved as the checkpoint: whoever goes on from there finds
// it under either name. A bare extent gets its descriptor last: with it there, the disk is whole.
struct LocalClone {
    FileHandle source;
    std::uint64_t size_bytes = 0;
    Folder folder;
    std::string name;
    TaskId task;
    // Of a bare extent; the text names `name`. Empty: the file is all there is.
    std::string descriptor_name = {};
    std::string descriptor_text = {};

    // Errors: conflict when a name is taken, or the clone is another server's now; cancelled,
    // no_space, unavailable.
    awaitable<Result<Account>> run(
        BlockingPool& pool, std::string checkpoint, CloneProgress& progress
    );

private:
    struct Written {
        FileHandle::Identity identity;
        Account account;
    };

    // What an earlier run left: a finished copy, under its name or still beside it.
    struct Earlier {
        std::optional<Written> written;
        bool is_named = false;
    };

    [[nodiscard]] std::string temporary_name() const { return "." + task.str() + ".part"; }
    [[nodiscard]] std::string temporary_descriptor() const { return "." + task.str() + ".vmdk"; }
    Result<Earlier> find_earlier(const std::string& checkpoint);
    awaitable<Result<Written>> write(BlockingPool& pool, CloneProgress& progress);
    awaitable<Result<void>> copy(
        BlockingPool& pool, FileHandle& target, Account& account, CloneProgress& progress
    );
    [[nodiscard]] Result<void> publish(bool is_named);
    [[nodiscard]] Result<bool> is_described() const;
    static Result<Written> parse_checkpoint(const std::string& text);
    static std::string checkpoint_of(const Written& written);
    [[nodiscard]] Result<bool> is_there(
        const std::string& file, const FileHandle::Identity& identity
    ) const;
};

}  // namespace slipway::store
