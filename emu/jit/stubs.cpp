// Where C++ is called, the pinned registers are written to HartState before and read from it afterwards:
// callees see and change the state as it is. rsp is a multiple of 16 in blocks.
#include "emu/jit/stubs.h"

#include "emu/base/assert.h"
#include "emu/jit/emit.h"
#include "emu/jit/host_registers.h"

namespace quire::jit {
namespace {

using asmjit::Imm;
using asmjit::Label;

constexpr x86::Gp kSaved[] = {x86::rbx, x86::rbp, x86::r12, x86::r13, x86::r14, x86::r15};
/// The spill slots, and what aligns rsp after the return address and six pushes.
constexpr i32 kFrameBytes = kSpillSlots * 8 + 8;
static_assert((kFrameBytes + 7 * 8) % 16 == 0);

class StubWriter {
 public:
  StubWriter(x86::Assembler& as, const Callees& callees) : as_(as), callees_(callees) {}

  void write() {
    for (Label* label : {&enter, &call, &link, &cold, &miss, &too_long, &leave, &go_})
      *label = as_.newLabel();
    write_enter();
    write_call();
    write_call_out(link, x86::rcx, reinterpret_cast<const void*>(callees_.link));
    write_call_out(cold, x86::rax, reinterpret_cast<const void*>(callees_.cold));
    write_call_out(miss, x86::rax, reinterpret_cast<const void*>(callees_.miss));
    write_call_out(too_long, x86::rax, reinterpret_cast<const void*>(callees_.too_long));
    write_go();
    write_leave();
  }

  Label enter, call, link, cold, miss, too_long, leave;

 private:
  void write_enter() {
    as_.bind(enter);
    for (const x86::Gp& host : kSaved) as_.push(host);
    as_.sub(x86::rsp, kFrameBytes);
    as_.lea(kState, x86::ptr(x86::rdi, kStateBias));
    as_.mov(x86::rax, x86::rsi);
    as_.jmp(go_);
  }

  /// Called with the site; the callee may want to return here, or elsewhere.
  void write_call() {
    as_.bind(call);
    store_pinned();
    as_.sub(x86::rsp, 8);
    call_out(x86::rcx, reinterpret_cast<const void*>(callees_.call));
    as_.add(x86::rsp, 8);
    const Label elsewhere = as_.newLabel();
    as_.test(x86::rax, x86::rax);
    as_.jnz(elsewhere);
    load_pinned();
    as_.ret();
    as_.bind(elsewhere);
    as_.add(x86::rsp, 8);
    as_.jmp(go_);
  }

  void write_call_out(const Label& entry, x86::Gp argument, const void* callee) {
    as_.bind(entry);
    store_pinned();
    call_out(argument, callee);
    as_.jmp(go_);
  }

  /// To the code at rax, with all that generated code keeps in registers.
  void write_go() {
    as_.bind(go_);
    as_.mov(x86::rcx, state_field(offsetof(HartState, engine), 8));
    as_.mov(kLeft, x86::qword_ptr(x86::rcx, offsetof(Runtime, left)));
    load_pinned();
    as_.jmp(x86::rax);
  }

  void write_leave() {
    as_.bind(leave);
    as_.add(x86::rsp, kFrameBytes);
    for (usize i = std::size(kSaved); i-- > 0;) as_.pop(kSaved[i]);
    as_.ret();
  }

  void call_out(x86::Gp argument, const void* callee) {
    as_.mov(x86::rsi, argument);
    as_.lea(x86::rdi, x86::ptr(kState, -kStateBias));
    as_.mov(x86::rdx, kLeft);
    as_.mov(x86::rax, Imm(reinterpret_cast<u64>(callee)));
    as_.call(x86::rax);
  }

  void store_pinned() {
    for (const Pinned& p : kPinned) as_.mov(x_home(p.guest), p.host);
  }
  void load_pinned() {
    for (const Pinned& p : kPinned) as_.mov(p.host, x_home(p.guest));
  }

  x86::Assembler& as_;
  const Callees& callees_;
  Label go_;
};

}  // namespace

Stubs make_stubs(CodeMemory& memory, const Callees& callees) {
  Emission emission(memory);
  StubWriter writer(emission.assembler(), callees);
  writer.write();
  const auto address = [&](const Label& label) -> const void* {
    return memory.run_address(emission.offset_of(label));
  };
  Stubs stubs{.enter = nullptr,
              .call = address(writer.call),
              .link = address(writer.link),
              .cold = address(writer.cold),
              .miss = address(writer.miss),
              .too_long = address(writer.too_long),
              .leave = address(writer.leave)};
  stubs.enter =
      reinterpret_cast<void (*)(HartState*, const void*)>(reinterpret_cast<u64>(address(writer.enter)));
  const bool written = emission.finish();
  QUIRE_ASSERT(written);
  memory.keep_stubs();
  return stubs;
}

}  // namespace quire::jit
