// Where C++ is called, the pinned registers are written to HartState before and read from it afterwards:
// callees see and change the state as it is.
//
// The host's stack while blocks run, downwards: the registers of the caller of `enter`; the return addresses
// that guest calls have left (kReturnsBytes, ending with that of `returned`); the frames of C++. rsp is among
// the return addresses in blocks, and below all of them in C++.
#include "emu/jit/stubs.h"

#include "emu/base/assert.h"
#include "emu/jit/emit.h"
#include "emu/jit/fetch_x86.h"
#include "emu/jit/host_registers.h"
#include "emu/jit/system_stubs.h"

namespace quire::jit {
namespace {

using asmjit::Imm;
using asmjit::Label;

constexpr x86::Gp kSaved[] = {x86::rbx, x86::rbp, x86::r12, x86::r13, x86::r14, x86::r15};
/// Between the return addresses and the frames of C++: what is written below rsp without moving it.
constexpr i32 kBelowReturns = 256;

x86::Mem runtime_field(x86::Gp runtime, usize offset) {
  return x86::qword_ptr(runtime, static_cast<i32>(offset));
}

class StubWriter {
 public:
  StubWriter(x86::Assembler& as, const Callees& callees) : as_(as), callees_(callees) {}

  void write() {
    for (Label* label : {&enter, &call, &call_last, &link, &cold, &miss, &dispatch, &too_long, &apart, &leave,
                         &go_, &returned_})
      *label = as_.newLabel();
    write_enter();
    write_call();
    write_call_out(call_last, x86::rcx, reinterpret_cast<const void*>(callees_.call));
    write_call_out(link, x86::rcx, reinterpret_cast<const void*>(callees_.link));
    write_call_out(cold, x86::rax, reinterpret_cast<const void*>(callees_.cold));
    write_call_out(miss, x86::rax, reinterpret_cast<const void*>(callees_.miss));
    write_call_out(too_long, x86::rax, reinterpret_cast<const void*>(callees_.too_long));
    write_call_out(apart, x86::rax, reinterpret_cast<const void*>(callees_.apart));
    write_dispatch();
    write_go();
    write_leave();
    system = write_system_stubs(as_, call_last, miss);
  }

  Label enter, call, call_last, link, cold, miss, dispatch, too_long, apart, leave;
  SystemLabels system;

 private:
  void write_enter() {
    constexpr i32 kReturns = static_cast<i32>(kReturnsBytes);
    as_.bind(enter);
    for (const x86::Gp& host : kSaved) as_.push(host);
    as_.lea(kState, x86::ptr(x86::rdi, kStateBias));
    get_runtime();
    as_.mov(runtime_field(x86::rcx, offsetof(Runtime, caller)), x86::rsp);
    as_.lea(x86::rdx, x86::ptr(x86::rsp, -2 * kReturns));
    as_.and_(x86::rdx, -kReturns);
    as_.lea(x86::rax, x86::ptr(x86::rdx, -kBelowReturns));
    as_.mov(runtime_field(x86::rcx, offsetof(Runtime, callees)), x86::rax);
    as_.add(x86::rdx, kReturns - 8);
    as_.mov(runtime_field(x86::rcx, offsetof(Runtime, returns)), x86::rdx);
    as_.mov(runtime_field(x86::rcx, offsetof(Runtime, no_returns)), x86::rdx);
    as_.lea(x86::rax, x86::ptr(returned_));
    as_.mov(x86::qword_ptr(x86::rdx), x86::rax);
    as_.mov(x86::rax, x86::rsi);
    as_.jmp(go_);
  }

  /// Called with the site; the callee may want to return here, or elsewhere. That is a return as well, so
  /// that those that follow are predicted as they should be.
  void write_call() {
    as_.bind(call);
    store_pinned();
    as_.lea(x86::rax, x86::ptr(x86::rsp, 8));
    as_.mov(x86::rbx, x86::rsp);
    call_out(x86::rax, x86::rcx, reinterpret_cast<const void*>(callees_.call));
    const Label elsewhere = as_.newLabel();
    as_.test(x86::rax, x86::rax);
    as_.jnz(elsewhere);
    as_.mov(x86::rsp, x86::rbx);
    load_pinned();
    as_.ret();
    as_.bind(elsewhere);
    get_back();
    as_.push(x86::rax);
    load_pinned();
    as_.ret();
  }

  void write_call_out(const Label& entry, x86::Gp argument, const void* callee) {
    as_.bind(entry);
    store_pinned();
    call_out(x86::rsp, argument, callee);
    as_.jmp(go_);
  }

  /// As LowerX86::jump_indirect(). A return that finds no address of a call comes by `returned_`.
  void write_dispatch() {
    const Label known = as_.newLabel();
    const Label unknown = as_.newLabel();
    as_.bind(returned_);
    as_.sub(x86::rsp, 8);
    as_.bind(dispatch);
    split_target(as_);
    as_.je(known);
    enter_page(as_, unknown);
    as_.bind(known);
    as_.jmp(code_in_page());
    as_.bind(unknown);
    as_.or_(x86::rax, x86::rcx);
    as_.jmp(miss);
  }

  /// To the code at rax, with all that generated code keeps in registers.
  void write_go() {
    as_.bind(go_);
    get_back();
    load_pinned();
    as_.jmp(x86::rax);
  }

  void write_leave() {
    as_.bind(leave);
    get_runtime();
    as_.mov(x86::rsp, runtime_field(x86::rcx, offsetof(Runtime, caller)));
    for (usize i = std::size(kSaved); i-- > 0;) as_.pop(kSaved[i]);
    as_.ret();
  }

  /// From C++, which has changed how much is left and perhaps whereto calls return.
  void get_back() {
    get_runtime();
    as_.mov(kLeft, runtime_field(x86::rcx, offsetof(Runtime, left)));
    as_.mov(x86::rsp, runtime_field(x86::rcx, offsetof(Runtime, returns)));
  }

  void get_runtime() { as_.mov(x86::rcx, state_field(offsetof(HartState, engine), 8)); }

  /// On the stack of C++, where rsp stays; `returns` is what it was.
  void call_out(x86::Gp returns, x86::Gp argument, const void* callee) {
    as_.mov(x86::rsi, argument);
    as_.lea(x86::rdi, x86::ptr(kState, -kStateBias));
    as_.mov(x86::rdx, kLeft);
    get_runtime();
    as_.mov(runtime_field(x86::rcx, offsetof(Runtime, returns)), returns);
    as_.mov(x86::rsp, runtime_field(x86::rcx, offsetof(Runtime, callees)));
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
  Label go_, returned_;
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
              .call_last = address(writer.call_last),
              .link = address(writer.link),
              .cold = address(writer.cold),
              .miss = address(writer.miss),
              .dispatch = address(writer.dispatch),
              .too_long = address(writer.too_long),
              .apart = address(writer.apart),
              .leave = address(writer.leave),
              .ecall = address(writer.system.ecall),
              .sret = address(writer.system.sret),
              .status = address(writer.system.status)};
  stubs.enter =
      reinterpret_cast<void (*)(HartState*, const void*)>(reinterpret_cast<u64>(address(writer.enter)));
  const bool written = emission.finish();
  QUIRE_ASSERT(written);
  memory.keep_stubs();
  return stubs;
}

}  // namespace quire::jit
