// The first instructions: entered by the firmware in S-mode at the image's physical address with the
// MMU off, a0 = hart id, a1 = physical address of the device tree (Linux' boot protocol for riscv64).
// Leaves for kernel_main at the linked address, on the boot stack, under a table that maps all memory writable.
#include "asm_offsets.h"

  .section .text.boot, "ax"
  .globl image_first_instruction
image_first_instruction:
  csrw sie, zero
  csrw sscratch, zero
  // Addresses are pc-relative, so they are physical until the jump below.
  la t0, bss_start
  la t1, bss_end
1:
  bgeu t0, t1, 2f
  sd zero, 0(t0)
  addi t0, t0, 8
  j 1b
2:
  la t0, boot_root_table
  srli t0, t0, 12
  li t1, 8 << 60               // Sv39
  or t0, t0, t1
  li t1, -256 << 30            // kLinearMapBase
  la t2, 3f
  add t2, t2, t1
  sfence.vma
  csrw satp, t0
  jr t2
3:
  la tp, g_boot_hart
  la t0, trap_entry
  csrw stvec, t0
  la sp, boot_stack_top
  call kernel_main
  unimp

  // Identity for the page this code runs from until the jump, and the linear map in 1 GiB leaves.
  .section .data.page_aligned, "aw"
  .balign 4096
boot_root_table:
  .quad 0, 0, (0x80000000 >> 2) | 0xcf
  .fill KERNEL_ROOT_FIRST - 3, 8, 0
  .set gib, 0
  .rept LINEAR_MAP_GIB
  .quad (gib << 28) | 0xef
  .set gib, gib + 1
  .endr
  .fill 512 - KERNEL_ROOT_FIRST - LINEAR_MAP_GIB, 8, 0

  .section .noinit, "aw", @nobits
  .balign STACK_BYTES * 2
  .space STACK_BYTES           // the guard half of the slot; unmapped by the final table
  .globl boot_stack_base, boot_stack_top
boot_stack_base:
  .space STACK_BYTES
boot_stack_top:
  .globl emergency_stack_top
  .space 4096
emergency_stack_top:
