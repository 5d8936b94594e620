// The public views of a hart and of RAM (quire/machine.h), with the checks that the inside leaves out.
#pragma once

#include <utility>

#include "emu/hart/hart.h"
#include "emu/mem/ram.h"
#include "quire/machine.h"

namespace quire {

class HartAccess final : public HartView {
 public:
  explicit HartAccess(Hart& hart) : hart_(hart) {}
  u64 pc() const override { return hart_.state().pc; }
  void set_pc(u64 value) override;
  u64 x(unsigned index) const override;
  void set_x(unsigned index, u64 value) override;
  u64 f(unsigned index) const override;
  void set_f(unsigned index, u64 value) override;
  u64 csr(unsigned number) const override;
  void set_csr(unsigned number, u64 value) override;
  Privilege privilege() const override { return hart_.state().privilege; }
  void set_privilege(Privilege value) override;

 private:
  Hart& hart_;
};

class RamAccess final : public MemoryView {
 public:
  explicit RamAccess(Ram& ram) : ram_(ram) {}
  u64 base() const override { return ram_.base().value; }
  u64 size_bytes() const override { return ram_.size_bytes(); }
  void read(u64 address, std::span<u8> out) const override;
  void write(u64 address, std::span<const u8> data) override;
  std::span<const u8> bytes() const override { return std::as_const(ram_).bytes(); }

 private:
  void check(u64 address, u64 count_bytes) const;

  Ram& ram_;
};

/// A walk without side effects, told in public terms.
Walk walk_for_people(const Ram& ram, VirtAddr va, Access access, const MemoryMode& mode);

}  // namespace quire
