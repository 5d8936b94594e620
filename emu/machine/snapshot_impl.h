// What a snapshot holds: named sections, one a part of the machine, and an image of RAM.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "emu/mem/ram_image.h"
#include "quire/snapshot.h"

namespace quire {

/// Its contents are told by name (Impl::values).
inline constexpr const char* kHartSection = "hart0";

class Snapshot::Impl {
 public:
  struct Section {
    std::string name;
    std::vector<u8> state;
    bool operator==(const Section&) const = default;
  };
  /// A setting that a machine must share to be restored from the snapshot, in words.
  struct Setting {
    std::string name;
    std::string value;
    bool operator==(const Setting&) const = default;
  };
  struct Value {
    std::string name;
    u64 value;
    bool operator==(const Value&) const = default;
  };

  std::vector<Setting> settings;
  u64 icount = 0;
  u64 time_ns = 0;
  u64 pc = 0;
  std::vector<u64> digest_words;  ///< what Machine::digest() is made of beside RAM
  std::vector<Value> values;      ///< registers and counters, for people
  std::vector<Section> sections;
  RamImage ram{0};
  /// From a file: whether what is told of the state is what the state says is known once a machine has it.
  bool unchecked = false;
};

}  // namespace quire
