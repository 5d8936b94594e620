// Reading files of the host whole, with errors that name file and cause.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quire {

struct HostFile {
  std::vector<std::uint8_t> data;
  std::uint32_t permissions;  ///< st_mode & 07777
};

/// Error(kFile) when it is missing, not a regular file, unreadable, or too large to be handed over.
HostFile read_host_file(const std::string& path);

/// The same, with nothing instead of an error; for places that are only tried.
std::optional<HostFile> try_read_host_file(const std::string& path);

}  // namespace quire
