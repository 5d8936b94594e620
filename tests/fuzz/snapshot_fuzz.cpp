// Any bytes as a snapshot file: refused in one line, or a machine that runs, and that can be saved again.
#include <cstdlib>
#include <memory>
#include <optional>

#include "tests/fuzz/snapshot_input.h"

namespace {

using namespace quire;
using namespace quire::fuzz;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// One machine for all inputs: what a refused snapshot leaves must be what was there.
struct World {
  std::filesystem::path drive = scratch_file("drive");
  std::filesystem::path file = scratch_file("snapshot");
  std::unique_ptr<Machine> machine;
  std::unique_ptr<Snapshot> start;

  World() {
    make_drive(drive);
    machine = std::make_unique<Machine>(snapshot_machine(drive.string()));
    start = std::make_unique<Snapshot>(worked(*machine));
  }
  ~World() {
    std::filesystem::remove(drive);
    std::filesystem::remove(file);
  }
};

World& world() {
  static World the_world;
  return the_world;
}

void write(const std::filesystem::path& path, std::span<const std::uint8_t> header,
           std::span<const std::uint8_t> rest) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(header.data()), static_cast<std::streamsize>(header.size()));
  file.write(reinterpret_cast<const char*>(rest.data()), static_cast<std::streamsize>(rest.size()));
}

/// The header that this build writes.
std::span<const std::uint8_t> header_of_ours() {
  static const std::vector<std::uint8_t> header = [] {
    const auto path = scratch_file("ours");
    world().start->save(path.string());
    std::vector<std::uint8_t> bytes(kSnapshotHeaderBytes);
    std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(bytes.data()), kSnapshotHeaderBytes);
    std::filesystem::remove(path);
    return bytes;
  }();
  return header;
}

std::vector<std::uint8_t> compressed(std::span<const std::uint8_t> contents) {
  std::vector<std::uint8_t> out(ZSTD_compressBound(contents.size()));
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  const std::size_t size = ZSTD_compress2(context, out.data(), out.size(), contents.data(), contents.size());
  ZSTD_freeCCtx(context);
  require(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

/// As many pages as the machine has, none of which is there.
void append_empty_ram(std::vector<std::uint8_t>& contents) {
  const std::uint64_t words[] = {world().start->ram_bytes() / 4096, ~std::uint64_t{0}};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words);
  contents.insert(contents.end(), bytes, bytes + sizeof words);
}

void require_one_line(const Error& error) {
  const std::string_view text = error.what();
  require(!text.empty() && text.find('\n') == std::string_view::npos &&
          (error.kind() == ErrorKind::kFile || error.kind() == ErrorKind::kUsage));
}

void use(const Snapshot& snapshot) {
  World& w = world();
  (void)snapshot.same(*w.start);
  if (snapshot.ram_bytes() == w.start->ram_bytes()) {
    (void)w.start->diff(snapshot);
  }
  try {
    w.machine->restore(snapshot);
  } catch (const Error& error) {
    require_one_line(error);
    require(w.machine->snapshot().same(*w.start));
    return;
  }
  require(w.machine->icount() == snapshot.icount());
  w.machine->run({.max_insns = 1000});
  (void)w.machine->snapshot();
  w.machine->restore(*w.start);
  require(w.machine->snapshot().same(*w.start));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  const std::string path = world().file.string();
  const auto kind = static_cast<SnapshotInput>(data[0] % kSnapshotInputs);
  if (kind == SnapshotInput::kFile) {
    write(path, rest, {});
  } else {
    std::vector<std::uint8_t> contents(rest.begin(), rest.end());
    if (kind == SnapshotInput::kState) {
      append_empty_ram(contents);
    }
    write(path, header_of_ours(), compressed(contents));
  }
  std::optional<Snapshot> snapshot;
  try {
    snapshot = Snapshot::load(path);
  } catch (const Error& error) {
    require_one_line(error);
    require(error.kind() == ErrorKind::kFile);
    return 0;
  } catch (const std::bad_alloc&) {
    return 0;
  }
  use(*snapshot);
  return 0;
}
