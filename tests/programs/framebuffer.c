// The screen, /dev/fb0: what it says of itself, pixels through write, read and a mapping, which fork shares; the
// mapping is whole from the start, is no part of the page cache, and ends where the screen ends.
// @no-qemu-user the device is the supervisor's
// @no-linux Debian's kernel for riscv64 has no driver for a simple framebuffer
// @no-virt that board has no screen
// @options --screen 320x200
//
// > 320x200, 32 bits, red at 16, line 1280, 256000 bytes, true colour 1
// > pixel by write: mapping sees 1
// > pixel by mapping: read sees 1
// > fork shares it: 1; after munmap by the child 1
// > faults for all 63 pages: 0, resident grows 0 kB
// > maps line: rw-s 0000000000 /dev/fb0
// > flags: pf io de dd
// > second page alone, at its offset: 1
// > read-only opening: write EBADF, shared writable mapping EACCES, mprotect EACCES
// > private: EINVAL; beyond the end EINVAL; DONTNEED EINVAL; growing EFAULT
// > moved: same pixel 1, old place SIGSEGV 1
// > the end: read 0, write ENOSPC, beyond EFBIG, partly 4
// > futex in it: shared EFAULT, private EAGAIN
// > same mode 0, another EINVAL, panned EINVAL, unknown ENOTTY
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPage = 4096 };

static const char *error(long result) { return result == -1 ? strerrorname_np(errno) : "ok"; }
static const char *map_error(void *result) { return result == MAP_FAILED ? strerrorname_np(errno) : "ok"; }

static long faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

static long resident_kb(void) {
  char line[256];
  long kb = -1;
  FILE *status = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, status)) sscanf(line, "VmRSS: %ld", &kb);
  fclose(status);
  return kb;
}

/// The line of the mapping, and its flags, from smaps.
static void show_mapping(const void *at) {
  char line[256], start[32], perms[8] = "", name[128] = "", offset[16] = "";
  int mine = 0;
  snprintf(start, sizeof start, "%lx-", (unsigned long)at);
  FILE *smaps = fopen("/proc/self/smaps", "r");
  while (fgets(line, sizeof line, smaps)) {
    if (strncmp(line, start, strlen(start)) == 0) {
      mine = 1;
      sscanf(line, "%*s %7s %15s %*s %*s %127s", perms, offset, name);
      printf("maps line: %s 00%s %s\n", perms, offset, name);
    } else if (mine && strncmp(line, "VmFlags:", 8) == 0) {
      printf("flags:");
      for (char *flag = strtok(line + 8, " \n"); flag; flag = strtok(NULL, " \n"))
        if (strstr("pf io de dd", flag)) printf(" %s", flag);
      printf("\n");
      mine = 0;
    }
  }
  fclose(smaps);
}

int main(void) {
  const int fd = open("/dev/fb0", O_RDWR);
  struct fb_var_screeninfo var;
  struct fb_fix_screeninfo fix;
  if (fd < 0 || ioctl(fd, FBIOGET_VSCREENINFO, &var) != 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fix) != 0) {
    puts("no screen");
    return 1;
  }
  printf("%ux%u, %u bits, red at %u, line %u, %u bytes, true colour %d\n", var.xres, var.yres, var.bits_per_pixel,
         var.red.offset, fix.line_length, fix.smem_len, fix.visual == FB_VISUAL_TRUECOLOR);
  const size_t bytes = fix.smem_len, mapped = (bytes + kPage - 1) / kPage * kPage;
  const long before_kb = resident_kb();
  volatile uint32_t *const pixels = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const uint32_t orange = 0xff8000, blue = 0x0000ff;
  uint32_t seen = 0;

  pwrite(fd, &orange, 4, 1280 * 10 + 40);
  printf("pixel by write: mapping sees %d\n", pixels[320 * 10 + 10] == orange);
  pixels[320 * 199 + 319] = blue;
  pread(fd, &seen, 4, bytes - 4);
  printf("pixel by mapping: read sees %d\n", seen == blue);

  const pid_t child = fork();
  if (child == 0) {
    pixels[5] = pixels[320 * 10 + 10] + 1;
    munmap((void *)pixels, bytes);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  printf("fork shares it: %d; after munmap by the child %d\n", pixels[5] == orange + 1,
         pixels[320 * 199 + 319] == blue);

  const long before = faults();
  for (size_t at = 0; at < mapped / 4; at += kPage / 4) pixels[at] = (uint32_t)at;
  const long taken = faults() - before;
  printf("faults for all %zu pages: %ld, resident grows %ld kB\n", mapped / kPage, taken,
         resident_kb() - before_kb > 200 ? resident_kb() - before_kb : 0);
  show_mapping((const void *)pixels);

  volatile uint32_t *const second = mmap(NULL, kPage, PROT_READ, MAP_SHARED, fd, kPage);
  printf("second page alone, at its offset: %d\n", second[0] == kPage / 4);

  const int reader = open("/dev/fb0", O_RDONLY);
  const char *const no_write = error(write(reader, &blue, 4));
  const char *const no_map = map_error(mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
  void *const watched = mmap(NULL, kPage, PROT_READ, MAP_SHARED, reader, 0);
  printf("read-only opening: write %s, shared writable mapping %s, ", no_write, no_map);
  printf("mprotect %s\n", error(mprotect(watched, kPage, PROT_READ | PROT_WRITE)));

  printf("private: %s; ", map_error(mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, fd, 0)));
  printf("beyond the end %s; ", map_error(mmap(NULL, mapped + kPage, PROT_READ, MAP_SHARED, fd, 0)));
  printf("DONTNEED %s; ", error(madvise((void *)pixels, kPage, MADV_DONTNEED)));
  printf("growing %s\n", map_error(mremap((void *)second, kPage, 2 * kPage, MREMAP_MAYMOVE)));

  void *const place = mmap(NULL, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  volatile uint32_t *const moved = mremap((void *)second, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  const int same = moved[0] == kPage / 4;
  const pid_t toucher = fork();
  if (toucher == 0) {
    (void)second[0];
    _exit(0);
  }
  int status = 0;
  waitpid(toucher, &status, 0);
  printf("moved: same pixel %d, old place SIGSEGV %d\n", same, WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);

  printf("the end: read %zd, ", pread(fd, &seen, 4, bytes));
  printf("write %s, ", error(pwrite(fd, &blue, 4, bytes)));
  printf("beyond %s, ", error(pwrite(fd, &blue, 4, bytes + 4)));
  printf("partly %zd\n", pwrite(fd, (uint32_t[2]){blue, blue}, 8, bytes - 4));

  volatile uint32_t *const word = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  printf("futex in it: shared %s, ", error(syscall(SYS_futex, word, FUTEX_WAIT, *word + 1, NULL)));
  printf("private %s\n", error(syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, *word + 1, NULL)));
  printf("same mode %d, ", ioctl(fd, FBIOPUT_VSCREENINFO, &var));
  var.xres = 640;
  printf("another %s, ", error(ioctl(fd, FBIOPUT_VSCREENINFO, &var)));
  var.xres = 320;
  var.yoffset = 1;
  printf("panned %s, ", error(ioctl(fd, FBIOPAN_DISPLAY, &var)));
  printf("unknown %s\n", error(ioctl(fd, 0x46ff, &var)));
  return 0;
}
