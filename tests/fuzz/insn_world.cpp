#include "tests/fuzz/insn_world.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "emu/base/assert.h"
#include "emu/hart/csr.h"
#include "emu/interp/interpreter.h"
#include "tests/unit/emu/mem/page_tables.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif
#if QUIRE_JIT
#include "emu/jit/translator.h"
#endif

namespace quire::fuzz {
namespace {

constexpr u64 kMaxBudget = 2048;
constexpr std::array kRamSizes = {256ULL << 10, 512ULL << 10, 1ULL << 20, 4ULL << 20};
constexpr u64 kLargeRam = 16ULL << 20;

// Not the machine's own 4096 entries: small ones evict, and cost less to compare.
constexpr TlbConfig kTlbs[] = {{128, 4, TlbPolicy::kDefault}, {16, 2, TlbPolicy::kDefault},
                               {2, 1, TlbPolicy::kDefault},   {4, 4, TlbPolicy::kLru},
                               {8, 2, TlbPolicy::kFifo},      {8, 4, TlbPolicy::kRandom}};

constexpr std::array kLines = {Interrupt::kSupervisorSoftware, Interrupt::kMachineSoftware,
                               Interrupt::kSupervisorTimer,    Interrupt::kMachineTimer,
                               Interrupt::kSupervisorExternal, Interrupt::kMachineExternal};

/// Handlers that go on after the instruction that trapped, so that long runs stay in a lower privilege.
constexpr u64 kHandlers = kRamBase + 20 * kPageBytes;
constexpr std::array<u32, 4> kMachineHandler = {0x3410'2ff3,   // csrr x31, mepc
                                                0x004f'8f93,   // addi x31, x31, 4
                                                0x341f'9073,   // csrw mepc, x31
                                                0x3020'0073};  // mret
constexpr std::array<u32, 4> kSupervisorHandler = {0x1410'2ff3, 0x004f'8f93, 0x141f'9073, 0x1020'0073};
constexpr u64 kSupervisorHandlerAt = kHandlers + sizeof kMachineHandler;

TlbConfig tlb_of(const Header& header) { return kTlbs[header.tlb % std::size(kTlbs)]; }

u64 table_start(const Plan& plan) { return kRamBase + plan.ram_bytes() / 2; }

/// An address worth using: mostly in a few pages, so that accesses meet, that share a set of small TLBs; or
/// near the code, the tables, an edge of RAM, the device.
u64 odd_address(const Plan& plan, Random& random) {
  constexpr u64 kHotPages = kRamBase + 24 * kPageBytes;
  const u64 near = random.below(64) - 32;
  switch (random.below(10)) {
    case 0:
      return plan.code_start().value + random.below(plan.code.size() + 1);
    case 1:
      return align_down(plan.code_start().value, kPageBytes) + random.below(8) * kPageBytes + near;
    case 2:
      return table_start(plan) + random.below(8 * kPageBytes);
    case 3:
      return kDeviceBase + random.below(4) * 8 + random.below(2);
    case 4:
      return kRamBase + random.below(2) * plan.ram_bytes() + near;
    case 5:
      return kRamBase + random.below(plan.ram_bytes());
    default:
      return kHotPages + random.below(4) * 8 * kPageBytes + random.below(96) +
             random.below(2) * (kPageBytes - 48);
  }
}

u64 odd_number(const Plan& plan, Random& random) {
  // Aligned ones too, for atomics.
  if (random.one_in(2)) return odd_address(plan, random) & ~(random.one_in(2) ? u64{7} : 0);
  switch (random.below(4)) {
    case 0:
      return random.below(64) - 32;
    case 1:
      return random.next();
    case 2:
      return random.next() >> random.below(64) | u64{random.one_in(2)} << 63;
    default:
      return static_cast<u64>(static_cast<i64>(static_cast<i32>(random.next())));
  }
}

/// NaN-boxed singles and doubles of every class, halves of either.
u64 odd_float(Random& random) {
  const u64 raw = random.next();
  constexpr std::array<u64, 8> kExponents = {0, 1, 1023, 1022, 1075, 2046, 2047, 1023 - 26};
  constexpr std::array<u32, 8> kExponents32 = {0, 1, 127, 126, 150, 254, 255, 127 - 13};
  switch (random.below(5)) {
    case 0:
      return raw;
    case 1:
      return (raw & 0x800f'ffff'ffff'ffff) | kExponents[random.below(8)] << 52;
    case 2:
      return (raw & 0x8000'0000'0000'0001) | kExponents[random.below(8)] << 52;
    case 3:
      return 0xffff'ffff'0000'0000 | (raw & 0x807f'ffff) | kExponents32[random.below(8)] << 23;
    default:
      return 0xffff'ffff'0000'0000 | (raw & 0x8000'0001) | kExponents32[random.below(8)] << 23;
  }
}

/// Translated at once, or the second time: plans are short.
std::unique_ptr<HartEngine> make_engine(EngineKind kind, Hart& hart, const Plan& plan) {
#if QUIRE_JIT
  if (kind == EngineKind::kTranslator)
    return std::make_unique<jit::Translator>(
        hart, jit::TranslatorSettings{.code_bytes = 2 << 20,
                                      .threshold = plan.header.world_seed % 3 == 0 ? 1U : 0U});
#else
  QUIRE_ASSERT(kind == EngineKind::kInterpreter && plan.budget <= kMaxBudget);
#endif
  return std::make_unique<Interpreter>(hart);
}

std::vector<Event> make_events(const Plan& plan, Random& random) {
  std::vector<Event> events;
  for (unsigned n = plan.header.events % 8; n > 0; --n) {
    Event event{random.below(plan.budget + 1),
                static_cast<Event::Kind>(random.below(3)),
                kLines[random.below(kLines.size())],
                !random.one_in(3),
                kRamBase + random.below(plan.ram_bytes() - 64),
                random.one_in(3),
                {}};
    // Half of the transfers go where the code is.
    if (!plan.code.empty() && random.one_in(2))
      event.address = plan.code_start().value + random.below(plan.code.size());
    event.data.resize(1 + random.below(16));
    for (u8& byte : event.data) byte = static_cast<u8>(random.next());
    events.push_back(std::move(event));
  }
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.at_icount < b.at_icount; });
  return events;
}

}  // namespace

Plan Plan::parse(std::span<const u8> input) {
  Plan plan;
  const usize header_bytes = std::min(input.size(), sizeof(Header));
  std::memcpy(&plan.header, input.data(), header_bytes);
  input = input.subspan(header_bytes);
  // All of it must fit between its place and the page tables.
  input = input.first(std::min<usize>(input.size(), 64 << 10));
  plan.code.assign(input.begin(), input.end());
  plan.budget = plan.header.budget % kMaxBudget;
  Random random(plan.header.world_seed ^ 0x6576'656e'7473);
  plan.events = make_events(plan, random);
  return plan;
}

u64 Plan::ram_bytes() const {
  // The large one is rare: it costs most to compare.
  return header.ram == 0xff ? kLargeRam : kRamSizes[header.ram % kRamSizes.size()];
}

PhysAddr Plan::code_start() const { return PhysAddr(kRamBase + kPageBytes + header.place % 32 * 128 + 126); }

World::World(const Plan& plan, EngineKind engine)
    : has_firmware_((plan.header.mode & 4) != 0),
      ram_(PhysAddr(kRamBase), plan.ram_bytes()),
      bus_(ram_),
      hart_(std::make_unique<Hart>(0, bus_, tlb_of(plan.header), *this)),
      engine_(make_engine(engine, *hart_, plan)) {
  bus_.add_device(PhysAddr(kDeviceBase), kDeviceBytes, this);
  if (!plan.code.empty()) ram_.write(plan.code_start(), plan.code);
  set_registers(plan);
  set_csrs(plan);
  set_pmp(plan);
  set_paging(plan);
  constexpr std::array kPrivileges = {Privilege::kMachine, Privilege::kSupervisor, Privilege::kUser,
                                      Privilege::kUser};
  hart_->state().privilege = kPrivileges[plan.header.mode % 4];
  hart_->state().pc = plan.code_start().value;
  hart_->sync();
}

void World::set_registers(const Plan& plan) {
  Random random(plan.header.registers_seed);
  HartState& state = hart_->state();
  for (unsigned r = 1; r < 32; ++r) state.x[r] = odd_number(plan, random);
  for (u64& f : state.f) f = odd_float(random);
}

/// Everything is allowed below M-mode, or, with a bit of the plan, all but some bytes near the code.
void World::set_pmp(const Plan& plan) {
  Pmp& pmp = hart_->mmu().pmp();
  if ((plan.header.mode & 8) == 0) return pmp.allow_everything();
  Random random(plan.header.world_seed ^ 0x504d50);
  const u64 code = align_down(plan.code_start().value, kPageBytes);
  for (unsigned entry = 0; entry < 3; ++entry) {
    pmp.set_address(entry, (code + random.next() % (3 * kPageBytes)) >> 2);
    const u8 lock = random.next() % 4 == 0 ? u8{Pmp::kLocked} : u8{0};
    pmp.set_config(entry,
                   static_cast<u8>(lock | (random.next() & (Pmp::kMode | Pmp::kExecute)) | Pmp::kRead));
  }
  pmp.set_address(3, ~u64{0});
  pmp.set_config(3, Pmp::kRead | Pmp::kWrite | Pmp::kExecute | Pmp::kMode);
}

void World::set_csrs(const Plan& plan) {
  Random random(plan.header.world_seed);
  const auto set = [this](Csr csr, u64 value) {
    const bool exists = hart_->write_csr(number_of(csr), value);
    QUIRE_ASSERT(exists);
  };
  // Other handlers lie in the code itself.
  const auto handler = [&] {
    return (plan.code_start().value + random.below(plan.code.size() + 1)) & ~u64{2};
  };
  std::memcpy(ram_.host(PhysAddr(kHandlers)), kMachineHandler.data(), sizeof kMachineHandler);
  std::memcpy(ram_.host(PhysAddr(kSupervisorHandlerAt)), kSupervisorHandler.data(),
              sizeof kSupervisorHandler);
  u64 status = random.next();
  if (!random.one_in(8)) status |= kStatusFs;
  if (!random.one_in(4)) status &= ~u64{kStatusMprv};
  set(Csr::mstatus, status);
  set(Csr::mtvec, random.one_in(4) ? handler() : kHandlers);
  set(Csr::stvec, random.one_in(4) ? handler() : kSupervisorHandlerAt);
  set(Csr::mepc, handler());
  set(Csr::sepc, handler());
  set(Csr::medeleg, random.next());
  set(Csr::mideleg, random.next());
  set(Csr::mie, random.next());
  set(Csr::mip, random.one_in(4) ? random.next() : 0);
  set(Csr::mcounteren, random.next());
  set(Csr::scounteren, random.next());
  set(Csr::fcsr, random.next() % 5 << 5 | (random.next() & 0x1f));
}

void World::set_paging(const Plan& plan) {
  if (plan.header.paging % 3 == 0) return;
  Random random(~u64{plan.header.world_seed});
  test::PageTables tables(ram_, PhysAddr(table_start(plan)));
  const auto flags = [&]() -> u64 {
    u64 all = test::kAll;
    if (plan.header.mode % 4 == 1) all &= ~u64{kPteUser};  // what the code runs as can fetch
    return all;
  };
  // Mostly right flags, with a bit or two turned.
  const auto odd_flags = [&] {
    u64 chosen = flags();
    if (random.one_in(3)) chosen ^= u64{1} << random.below(8);
    if (random.one_in(8)) chosen ^= u64{1} << random.below(8);
    if (random.one_in(64)) chosen |= u64{1} << 63;
    return chosen;
  };
  if (plan.header.paging % 3 == 1) {
    tables.map(kRamBase, kRamBase, flags(), 2);
    tables.map(0, 0, flags(), 2);
    tables.map(kRamBase + (1ULL << 30), kRamBase, odd_flags(), 2);
  } else {
    const u64 pages = std::min<u64>(plan.ram_bytes() >> kPageShift, 512);
    for (u64 page = 0; page < pages; ++page) {
      const u64 va = kRamBase + page * kPageBytes;
      const bool straight = page < 16 && !random.one_in(8);
      const u64 target = straight ? va : kRamBase + random.below(pages) * kPageBytes;
      tables.map(va, target, page < 4 ? flags() : odd_flags());
    }
    tables.map(kHandlers, kHandlers, test::kAll & ~u64{kPteUser});
    tables.map(kDeviceBase, kDeviceBase, odd_flags());
    // The same memory again, by superpages that may be misaligned or out of RAM.
    tables.map(kRamBase + (2ULL << 30), kRamBase + random.below(2) * kPageBytes, odd_flags(), 1);
    tables.map(kRamBase + (2ULL << 30) + level_bytes(1), kRamBase + random.below(16) * level_bytes(1),
               odd_flags(), 1);
  }
  const u64 asid = random.below(4);
  const bool exists = hart_->write_csr(number_of(Csr::satp), tables.satp(asid).raw);
  QUIRE_ASSERT(exists);
}

void World::act(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kLine:
      hart_->set_interrupt(event.line, event.asserted);
      break;
    case Event::Kind::kDma: {
      const u64 reserved = hart_->state().reservation;
      const bool over_it = event.at_reservation && reserved != HartState::kNoReservation;
      bus_.write(over_it ? reserved + event.address % 24 - 12 : event.address, event.data);
      break;
    }
    case Event::Kind::kExitRequest:
      hart_->request_exit();
      break;
  }
}

std::vector<u64> World::state() {
  std::vector<u64> words;
  hart_->append_architectural_state(words);
  words.push_back(seen_);
  words.push_back(hart_->mip());
  words.push_back(hart_->exit_requested() ? 1 : 0);
  // Where no access is answered elsewhere, the counts are exact too.
  const Tlb& tlb = hart_->mmu().tlb();
  if (tlb.sees_every_access()) {
    const TlbStats& stats = tlb.stats();
    words.insert(words.end(), {stats.hits, stats.misses, stats.walks, stats.evictions});
  }
  return words;
}

void World::note(u64 what, u64 value) {
  check_host_float();
  const HartState& state = hart_->state();
  for (const u64 word : {what, value, state.icount, state.pc}) {
    seen_ = std::rotl((seen_ ^ word) * 0x9e37'79b9'7f4a'7c15, 29);
  }
}

/// Whatever the guest rounds like, code outside the hart has the host's own setting.
void World::check_host_float() const {
#ifdef __x86_64__
  constexpr unsigned kMaskedToNearest = 0x1f80;
  constexpr unsigned kStickyFlags = 0x3f;
  QUIRE_ASSERT((_mm_getcsr() & ~kStickyFlags) == kMaskedToNearest);
#endif
}

u64 World::time() {
  note(1, 0);
  return hart_->state().icount / 100;
}

bool World::sbi_call(HartState& state) {
  note(2, state.x[17]);
  if (!has_firmware_ || (state.x[17] & 1) != 0) return false;
  if ((state.x[17] & 2) != 0) hart_->mmu().fence_all();
  state.x[10] = state.icount;
  state.x[11] = state.x[17];
  return true;
}

u64 World::read(u64 offset, unsigned size) {
  QUIRE_ASSERT(std::has_single_bit(size) && size <= 8 && is_aligned(offset, size) &&
               offset + size <= kDeviceBytes);
  note(offset << 8 | size, 0);
  return hart_->state().icount * 0x0101'0101'0101'0101;
}

void World::write(u64 offset, unsigned size, u64 value) {
  QUIRE_ASSERT(std::has_single_bit(size) && size <= 8 && is_aligned(offset, size) &&
               offset + size <= kDeviceBytes);
  QUIRE_ASSERT(size == 8 || value >> (8 * size) == 0);
  note(offset << 8 | size | 0x80, value);
  switch (offset % 32 / 8) {
    case 0:
      hart_->set_interrupt(kLines[value % kLines.size()], (value & 0x80) == 0);
      break;
    case 1:
      hart_->request_exit();
      break;
    case 2: {
      u8 bytes[sizeof value];
      std::memcpy(bytes, &value, sizeof value);
      bus_.write(kRamBase + value % ram_.size_bytes(), bytes);  // refused where it would run past the end
      break;
    }
    default:
      break;
  }
}

}  // namespace quire::fuzz
