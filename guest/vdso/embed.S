// The linked vDSO as bytes of the kernel image.
  .section .rodata.vdso, "a"
  .balign 8
  .globl vdso_image_start
  .globl vdso_image_end
vdso_image_start:
  .incbin VDSO_IMAGE
vdso_image_end:
