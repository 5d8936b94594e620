// The loops that touch user memory. A table of address ranges tells the trap handler where to go on
// when a fault in them cannot be repaired: word loops fall back to bytes, which stop at the exact one.
// Words are loaded misaligned where the two ends differ: the platform's loads do that in hardware.
#include "asm_offsets.h"

.macro may_fault begin, end, fixup
  .pushsection .user_access_table, "a"
  .balign 8
  .dword \begin, \end, \fixup
  .popsection
.endm

.macro allow_user
  li t6, SSTATUS_SUM
  csrs sstatus, t6
.endm

  .text
  // u64 user_copy(void* to, const void* from, u64 bytes): returns the bytes that were not copied.
  .globl user_copy
user_copy:
  allow_user
  li t5, 16
  bltu a2, t5, copy_bytes
copy_words:
1:
  andi t0, a0, 7
  beqz t0, 2f
  lbu t1, 0(a1)
  sb t1, 0(a0)
  addi a0, a0, 1
  addi a1, a1, 1
  addi a2, a2, -1
  j 1b
2:
  li t5, 64
  bltu a2, t5, 4f
3:
  ld t0, 0(a1)
  ld t1, 8(a1)
  ld t2, 16(a1)
  ld t3, 24(a1)
  ld t4, 32(a1)
  ld a3, 40(a1)
  ld a4, 48(a1)
  ld a5, 56(a1)
  sd t0, 0(a0)
  sd t1, 8(a0)
  sd t2, 16(a0)
  sd t3, 24(a0)
  sd t4, 32(a0)
  sd a3, 40(a0)
  sd a4, 48(a0)
  sd a5, 56(a0)
  addi a0, a0, 64
  addi a1, a1, 64
  addi a2, a2, -64
  bgeu a2, t5, 3b
4:
  li t5, 8
  bltu a2, t5, copy_bytes
5:
  ld t0, 0(a1)
  sd t0, 0(a0)
  addi a0, a0, 8
  addi a1, a1, 8
  addi a2, a2, -8
  bgeu a2, t5, 5b
copy_bytes:
  beqz a2, copy_done
6:
  lbu t1, 0(a1)
  sb t1, 0(a0)
  addi a0, a0, 1
  addi a1, a1, 1
  addi a2, a2, -1
  bnez a2, 6b
copy_done:
  csrc sstatus, t6
  mv a0, a2
  ret
  may_fault copy_words, copy_bytes, copy_bytes
  may_fault copy_bytes, copy_done, copy_done

  // u64 user_clear(void* to, u64 bytes): returns the bytes that were not cleared.
  .globl user_clear
user_clear:
  allow_user
clear_words:
1:
  andi t0, a0, 7
  beqz t0, 2f
  beqz a1, clear_done
  sb zero, 0(a0)
  addi a0, a0, 1
  addi a1, a1, -1
  j 1b
2:
  li t5, 64
  bltu a1, t5, 4f
3:
  sd zero, 0(a0)
  sd zero, 8(a0)
  sd zero, 16(a0)
  sd zero, 24(a0)
  sd zero, 32(a0)
  sd zero, 40(a0)
  sd zero, 48(a0)
  sd zero, 56(a0)
  addi a0, a0, 64
  addi a1, a1, -64
  bgeu a1, t5, 3b
4:
clear_bytes:
  beqz a1, clear_done
5:
  sb zero, 0(a0)
  addi a0, a0, 1
  addi a1, a1, -1
  bnez a1, 5b
clear_done:
  csrc sstatus, t6
  mv a0, a1
  ret
  may_fault clear_words, clear_bytes, clear_bytes
  may_fault clear_bytes, clear_done, clear_done

  // {u64 length, u64 faulted} user_string(char* to, const char* from, u64 capacity)
  .globl user_string
user_string:
  allow_user
  li t0, 0
string_loop:
  bgeu t0, a2, string_done
  add t1, a1, t0
  lbu t2, 0(t1)
  add t1, a0, t0
  sb t2, 0(t1)
  beqz t2, string_done
  addi t0, t0, 1
  j string_loop
string_done:
  li a1, 0
string_end:
  csrc sstatus, t6
  mv a0, t0
  ret
string_fault:
  li a1, 1
  j string_end
  may_fault string_loop, string_done, string_fault

  // {u64 value, u64 faulted} user_load_u32(const u32* from)
  .globl user_load_u32
user_load_u32:
  allow_user
load_begin:
  lwu a0, 0(a0)
load_end:
  li a1, 0
  csrc sstatus, t6
  ret
word_fault:
  li a1, 1
  csrc sstatus, t6
  ret
  may_fault load_begin, load_end, word_fault

  // {u64 old, u64 faulted} user_compare_exchange_u32(u32* at, u32 expected, u32 desired)
  .globl user_compare_exchange_u32
user_compare_exchange_u32:
  allow_user
  sext.w a1, a1
exchange_begin:
  lr.w.aqrl t0, (a0)
  bne t0, a1, exchange_end
  sc.w.rl t1, a2, (a0)
  bnez t1, exchange_begin
exchange_end:
  slli a0, t0, 32
  srli a0, a0, 32
  li a1, 0
  csrc sstatus, t6
  ret
  may_fault exchange_begin, exchange_end, word_fault
