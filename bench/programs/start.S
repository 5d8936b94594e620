# Bare-metal start for the benchmark programs: a stack, floating point on, main(), then `tohost`.
    .section .text.start
    .globl _start
_start:
    la sp, stack_top
    li t0, 0x6000            # mstatus.FS = dirty
    csrs mstatus, t0
    call main
    slli a0, a0, 1
    ori a0, a0, 1            # HTIF: an odd value v ends with status v >> 1
    la t0, tohost
    sd a0, 0(t0)
    .globl finished
finished:
    j finished

    .section .tohost, "aw", @progbits
    .balign 64
    .globl tohost, fromhost
tohost:
    .dword 0
    .size tohost, 8
    .balign 64
fromhost:
    .dword 0
    .size fromhost, 8

    .bss
    .balign 16
    .space 65536
stack_top:
