// execve: arguments, environment, descriptors, scripts, errors, files that lie; the program runs itself.
// @no-qemu-user qemu-user runs no script or program of another path by itself
// > exe is a path 1
// > execfn 1, random 1, pagesz 4096, hwcap 112d, clktck 100, secure 0, uid 0
// > vdso 1, phdr 1, entry 1
// > stack aligned 1
// > argc 5: <a b> <> <c>
// > env: <K=V> <EMPTY=>
// > fd 40 open, fd 41 closed
// > handled becomes default 1, ignored stays 1
// > mask kept 1
// > status 5
// > interpreted: <-one argument> </tmp/script> <given>
// > interpreted: <-one argument> </tmp/script> <-n> </tmp/nested> <given>
// > loop: ELOOP
// > no interpreter: ENOENT
// > empty: ENOEXEC
// > text: ENOEXEC
// > not executable: EACCES
// > absent: ENOENT
// > directory: EACCES
// > through a file: ENOTDIR
// > magic: ENOEXEC
// > machine: ENOEXEC
// > class: ENOEXEC
// > type: ENOEXEC
// > phentsize: ENOEXEC
// > phnum: ENOEXEC
// > phoff: ENOEXEC
// > cut short: ENOEXEC
// > being written: ETXTBSY
// > ran
// > too long: -1 E2BIG
// > bad pointers: -1 EFAULT, -1 EFAULT
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static void write_file(const char* path, const void* data, size_t n, int mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
  if (fd < 0 || write(fd, data, n) != (ssize_t)n) exit(9);
  fchmod(fd, (mode_t)mode);
  close(fd);
}

static void try_exec(const char* what, const char* path) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    char* argv[] = {(char*)path, "given", NULL};
    execv(path, argv);
    printf("%s: %s\n", what, strerrorname_np(errno));
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (status != 0) printf("%s: status %x\n", what, status);
}

static char* self;
static unsigned char* image;
static size_t image_bytes;

static void try_elf(const char* what, void (*change)(Elf64_Ehdr*, Elf64_Phdr*)) {
  unsigned char* copy = malloc(image_bytes);
  memcpy(copy, image, image_bytes);
  Elf64_Ehdr* header = (Elf64_Ehdr*)copy;
  Elf64_Phdr* segment = (Elf64_Phdr*)(copy + header->e_phoff);
  while (segment->p_type != PT_LOAD) ++segment;
  change(header, segment);
  write_file("/tmp/bad", copy, image_bytes, 0755);
  free(copy);
  try_exec(what, "/tmp/bad");
}
static void bad_magic(Elf64_Ehdr* h, Elf64_Phdr* p) { (void)p, h->e_ident[1] = 'X'; }
static void bad_machine(Elf64_Ehdr* h, Elf64_Phdr* p) { (void)p, h->e_machine = EM_X86_64; }
static void bad_class(Elf64_Ehdr* h, Elf64_Phdr* p) { (void)p, h->e_ident[EI_CLASS] = ELFCLASS32; }
static void bad_type(Elf64_Ehdr* h, Elf64_Phdr* p) { (void)p, h->e_type = ET_REL; }
static void bad_phentsize(Elf64_Ehdr* h, Elf64_Phdr* p) { (void)p, h->e_phentsize = 8; }
static void bad_phnum(Elf64_Ehdr* h, Elf64_Phdr* p) { (void)p, h->e_phnum = 0; }
static void bad_phoff(Elf64_Ehdr* h, Elf64_Phdr* p) { (void)p, h->e_phoff = ~0ul - 20; }

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "show") == 0) {
    printf("argc %d:", argc);
    for (int i = 2; i < argc; ++i) printf(" <%s>", argv[i]);
    printf("\nenv:");
    for (char** e = environ; *e; ++e) printf(" <%s>", *e);
    printf("\nfd 40 %s, fd 41 %s\n", fcntl(40, F_GETFD) < 0 ? "closed" : "open", fcntl(41, F_GETFD) < 0 ? "closed" : "open");
    struct sigaction usr1, usr2;
    sigaction(SIGUSR1, NULL, &usr1), sigaction(SIGUSR2, NULL, &usr2);
    printf("handled becomes default %d, ignored stays %d\n", usr1.sa_handler == SIG_DFL, usr2.sa_handler == SIG_IGN);
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("mask kept %d\n", sigismember(&mask, SIGHUP));
    return 5;
  }
  if (argc > 1 && strcmp(argv[1], "script") != 0 && strcmp(argv[1], "given") != 0 && argv[1][0] == '-') {
    printf("interpreted:");
    for (int i = 1; i < argc; ++i) printf(" <%s>", argv[i]);
    puts("");
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "given") == 0) {
    puts("ran");
    return 0;
  }
  self = "/proc/self/exe";
  char own_path[4096];
  ssize_t n = readlink(self, own_path, sizeof own_path - 1);
  own_path[n] = 0;
  printf("exe is a path %d\n", own_path[0] == '/' && access(own_path, X_OK) == 0);
  const char* execfn = (const char*)getauxval(AT_EXECFN);
  printf("execfn %d, random %d, pagesz %ld, hwcap %lx, clktck %ld, secure %ld, uid %ld\n", strstr(execfn, "exec") != NULL,
         getauxval(AT_RANDOM) != 0, getauxval(AT_PAGESZ), getauxval(AT_HWCAP), getauxval(AT_CLKTCK), getauxval(AT_SECURE),
         getauxval(AT_UID));
  const Elf64_Ehdr* vdso = (const Elf64_Ehdr*)getauxval(AT_SYSINFO_EHDR);
  printf("vdso %d, phdr %d, entry %d\n", vdso && memcmp(vdso->e_ident, ELFMAG, SELFMAG) == 0,
         ((Elf64_Phdr*)getauxval(AT_PHDR))->p_type != 0 && getauxval(AT_PHENT) == 56, getauxval(AT_ENTRY) != 0);
  printf("stack aligned %d\n", ((unsigned long)(argv - 1) & 15) == 0);

  signal(SIGUSR1, exit);
  signal(SIGUSR2, SIG_IGN);
  sigset_t mask;
  sigemptyset(&mask), sigaddset(&mask, SIGHUP);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  dup2(1, 40), dup3(1, 41, O_CLOEXEC);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    char* args[] = {"other name", "show", "a b", "", "c", NULL};
    char* env[] = {"K=V", "EMPTY=", NULL};
    execve(own_path, args, env);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  printf("status %d\n", WEXITSTATUS(status));

  char script[4200];
  int k = snprintf(script, sizeof script, "#! %s  -one argument \necho not this\n", own_path);
  write_file("/tmp/script", script, (size_t)k, 0755);
  try_exec("script", "/tmp/script");
  write_file("/tmp/nested", "#!/tmp/script -n\n", 17, 0755);
  try_exec("nested", "/tmp/nested");
  write_file("/tmp/loop", "#!/tmp/loop\n", 12, 0755);
  try_exec("loop", "/tmp/loop");
  write_file("/tmp/nowhere", "#!/tmp/absent\n", 14, 0755);
  try_exec("no interpreter", "/tmp/nowhere");
  write_file("/tmp/empty", "", 0, 0755);
  try_exec("empty", "/tmp/empty");
  write_file("/tmp/text", "just text\n", 10, 0755);
  try_exec("text", "/tmp/text");
  write_file("/tmp/plain", "#!/bin/sh\n", 10, 0644);
  try_exec("not executable", "/tmp/plain");
  try_exec("absent", "/tmp/absent");
  try_exec("directory", "/tmp");
  try_exec("through a file", "/tmp/text/x");

  int fd = open(own_path, O_RDONLY);
  struct stat st;
  fstat(fd, &st);
  image_bytes = (size_t)st.st_size;
  image = malloc(image_bytes);
  if (read(fd, image, image_bytes) != (ssize_t)image_bytes) return 1;
  close(fd);
  try_elf("magic", bad_magic);
  try_elf("machine", bad_machine);
  try_elf("class", bad_class);
  try_elf("type", bad_type);
  try_elf("phentsize", bad_phentsize);
  try_elf("phnum", bad_phnum);
  try_elf("phoff", bad_phoff);
  write_file("/tmp/bad", image, 40, 0755);
  try_exec("cut short", "/tmp/bad");

  write_file("/tmp/copy", image, image_bytes, 0755);
  fd = open("/tmp/copy", O_WRONLY);
  try_exec("being written", "/tmp/copy");
  close(fd);
  try_exec("copy", "/tmp/copy");
  char** many = malloc(300 * sizeof *many);
  char* string = malloc(100001);
  memset(string, 'a', 100000), string[100000] = 0;
  for (int i = 0; i < 299; ++i) many[i] = string;
  many[299] = NULL;
  printf("too long: %d %s\n", execv(own_path, many), strerrorname_np(errno));
  void* volatile bad = (void*)1;
  printf("bad pointers: %d %s", execve(bad, argv, environ), strerrorname_np(errno));
  printf(", %d %s\n", execve(own_path, bad, environ), strerrorname_np(errno));
  return 0;
}
