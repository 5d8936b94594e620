// Shows what a program on a terminal sees: whether its streams are terminals, lines, signals, the window.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts;
static void on_interrupt(int signo) { interrupts += signo == SIGINT; }
static volatile sig_atomic_t resizes;
static void on_resize(int signo) { resizes += signo == SIGWINCH; }
static void show_size(void) {
  struct winsize size = {0};
  ioctl(0, TIOCGWINSZ, &size);
  printf("window %dx%d after %d\n", size.ws_row, size.ws_col, resizes);
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "facts";
  char line[256];
  setvbuf(stdout, NULL, _IONBF, 0);
  struct winsize size = {0};
  ioctl(0, TIOCGWINSZ, &size);
  if (!strcmp(mode, "facts")) {
    printf("tty %d%d%d name %s window %dx%d term %s\n", isatty(0), isatty(1), isatty(2), ttyname(0), size.ws_row,
           size.ws_col, getenv("TERM"));
    while (printf("? ") && fgets(line, sizeof line, stdin)) printf("got %s", line);
    printf("end\n");
  } else if (!strcmp(mode, "catch")) {
    signal(SIGINT, on_interrupt);
    printf("ready\n");
    while (interrupts < 1) {
    }
    printf("caught\n");
  } else if (!strcmp(mode, "resize")) {
    struct sigaction action = {.sa_handler = on_resize};
    sigaction(SIGWINCH, &action, NULL);
    show_size();
    for (int seen = 0; resizes < 2 && seen < 2; seen += 1) {
      if (argc > 2) {
        while (resizes <= seen) {
        }
      } else {
        read(0, line, 1);  // EINTR
      }
      show_size();
    }
  } else if (!strcmp(mode, "sleep")) {
    printf("ready\n");
    sleep(1);
    printf("woke\n");
  } else {
    if (!strcmp(mode, "ignore")) signal(SIGINT, SIG_IGN);
    printf("ready\n");
    for (;;) {
    }
  }
  return 0;
}
