// What the fuzzer of snapshot files and the maker of its seeds share: a small machine, and how inputs are
// read.
//
// A file is compressed with a checksum, behind which no mutation would come: most inputs are what is inside.
#pragma once

#include <unistd.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "quire/error.h"
#include "quire/machine.h"
#include "quire/snapshot.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire::fuzz {

/// An input's first byte.
enum class SnapshotInput : std::uint8_t {
  kFile,      ///< the rest is a file
  kContents,  ///< the rest is what a file of the current format holds, compressed
  kState,     ///< the same up to the pages of RAM, of which there are none: where most of the parsing is
};
constexpr std::uint8_t kSnapshotInputs = 3;

constexpr std::size_t kSnapshotHeaderBytes = 16;

/// In memory, so that no disk sets the pace.
inline std::filesystem::path scratch_file(const std::string& name) {
  const std::filesystem::path memory = "/dev/shm";
  const std::filesystem::path folder =
      std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  return folder / ("quire-fuzz-" + std::to_string(::getpid()) + "-" + name);
}

/// With a device of each kind that can be saved. `drive` is a file that is there.
inline Config snapshot_machine(const std::string& drive) {
  using namespace test;
  Config config =
      config_for(BootMode::kBare, {addi(t0, t0, 1), lui(t2, 1), add(t1, t1, t2), sd(t0, t1, 0), jump(-16)});
  config.ram_bytes = 16 << 20;
  config.drives = {{.path = drive, .snapshot = true}};
  config.screen = ScreenSize{64, 64};
  return config;
}

inline void make_drive(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  file << std::string(64 << 10, 'd');
}

/// The machine before its snapshot of some use: pages written, registers set, a timer on its way.
inline Snapshot worked(Machine& machine) {
  machine.hart().set_x(test::t1, 0x80100000);
  machine.run({.max_insns = 20});
  return machine.snapshot();
}

}  // namespace quire::fuzz
