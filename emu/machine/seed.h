// Streams of bytes derived from a run's seed, one independent stream a purpose.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace quire {

/// The number a purpose starts its own generator from.
std::uint64_t derive_seed(std::uint64_t seed, std::string_view purpose);
std::vector<std::uint8_t> seed_bytes(std::uint64_t seed, std::string_view purpose, std::size_t count_bytes);

}  // namespace quire
