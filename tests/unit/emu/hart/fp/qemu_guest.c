/* Runs single instructions under qemu-riscv64 for bodies_qemu_test.cpp: argv[1] in, argv[2] out.
 *
 * In:  struct header, its `stubs` instruction words, its `cases` cases. Out: one struct result a case.
 * Stub n lies at kCode + 32 * n, so that the test knows the pc: fscsr x13; the instruction; addi x14, x14, 1 (which
 * a taken branch over 8 bytes skips); frcsr x11; ret. x12 holds the address of `memory`. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CODE ((uint32_t *)0x20000000)

struct header {
  uint32_t stubs, cases;
};
struct test_case {
  uint32_t stub, fcsr;
  uint64_t x10, x11, f10, f11, f12, memory[2];
};
struct result {
  uint64_t x10, f10, fcsr, not_taken, memory[2];
};

static void *read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) exit(3);
  fseek(f, 0, SEEK_END);
  size_t size = ftell(f);
  rewind(f);
  void *data = malloc(size);
  if (!data || fread(data, 1, size, f) != size) exit(3);
  fclose(f);
  return data;
}

static void run(const struct test_case *t, struct result *r) {
  uint64_t memory[2] __attribute__((aligned(16))) = {t->memory[0], t->memory[1]};
  register uint64_t x10 __asm__("x10") = t->x10;
  register uint64_t x11 __asm__("x11") = t->x11;
  register uint64_t x12 __asm__("x12") = (uint64_t)memory;
  register uint64_t x13 __asm__("x13") = t->fcsr;
  register uint64_t x14 __asm__("x14") = 0;
  register uint64_t x15 __asm__("x15") = (uint64_t)(CODE + 8 * t->stub);
  __asm__ volatile(
      "fld f10, 0(%[in])\n fld f11, 8(%[in])\n fld f12, 16(%[in])\n"
      "jalr x1, 0(x15)\n"
      "fsd f10, 0(%[out])\n"
      : "+r"(x10), "+r"(x11), "+r"(x14)
      : "r"(x12), "r"(x13), "r"(x15), [in] "r"(&t->f10), [out] "r"(&r->f10)
      : "x1", "f10", "f11", "f12", "memory");
  r->x10 = x10;
  r->fcsr = x11;
  r->not_taken = x14;
  r->memory[0] = memory[0];
  r->memory[1] = memory[1];
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const struct header *h = read_file(argv[1]);
  const uint32_t *words = (const uint32_t *)(h + 1);
  const struct test_case *cases = (const struct test_case *)(words + h->stubs);
  uint32_t *code = mmap(CODE, (size_t)h->stubs * 32, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (code != CODE) return 3;
  for (uint32_t n = 0; n < h->stubs; ++n) {
    uint32_t *stub = code + 8 * n;
    stub[0] = 0x00369073; /* fscsr x13 */
    stub[1] = words[n];
    stub[2] = 0x00170713; /* addi x14, x14, 1 */
    stub[3] = 0x003025f3; /* frcsr x11 */
    stub[4] = 0x00008067; /* ret */
  }
  __builtin___clear_cache((char *)code, (char *)(code + 8 * h->stubs));
  FILE *out = fopen(argv[2], "wb");
  if (!out) return 3;
  for (uint32_t n = 0; n < h->cases; ++n) {
    struct result r;
    run(&cases[n], &r);
    if (fwrite(&r, sizeof r, 1, out) != 1) return 3;
  }
  return fclose(out) ? 3 : 0;
}
