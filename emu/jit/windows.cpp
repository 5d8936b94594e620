#include "emu/jit/windows.h"

#include "emu/jit/code_memory.h"

namespace quire::jit {

WindowTable* make_windows(CodeMemory& memory, usize count, u16 block_offset, bool on_trial) {
  void* const room = memory.take_data(sizeof(WindowTable) + count * sizeof(Window));
  if (room == nullptr) return nullptr;
  WindowTable* const table = static_cast<WindowTable*>(room);
  *table = {.key = 0, .count = count, .runs = 0, .block_offset = block_offset, .on_trial = on_trial};
  for (Window& window : table->windows()) {
    window.start = Window::kNowhere;
    window.patience = on_trial ? kWindowPatience : kSettledPatience;
  }
  return table;
}

}  // namespace quire::jit
