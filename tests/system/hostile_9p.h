// A 9P2000.L client that lies, for hostile_virtio.c: messages of every kind that no honest one would send.
//
// The share holds what test_devices.py puts there: `inside` ("honest"), `dir/`, and links that lead out of
// it: `out` to the directory beside it, `outfile` to the file `secret` in there, `up` to "..", `root` to "/".
// What may never come is named at each attack; besides, every answer has to have the form of one (exchange).
enum { NINEP = 9, MESSAGE_BYTES = 8192, ERROR_REPLY = 7, NO_FID = ~0U };
enum {
  T_STATFS = 8,
  T_LOPEN = 12,
  T_LCREATE = 14,
  T_SYMLINK = 16,
  T_MKNOD = 18,
  T_RENAME = 20,
  T_READLINK = 22,
  T_GETATTR = 24,
  T_SETATTR = 26,
  T_XATTRWALK = 30,
  T_XATTRCREATE = 32,
  T_READDIR = 40,
  T_FSYNC = 50,
  T_LOCK = 52,
  T_GETLOCK = 54,
  T_LINK = 70,
  T_MKDIR = 72,
  T_RENAMEAT = 74,
  T_UNLINKAT = 76,
  T_VERSION = 100,
  T_AUTH = 102,
  T_ATTACH = 104,
  T_FLUSH = 108,
  T_WALK = 110,
  T_READ = 116,
  T_WRITE = 118,
  T_CLUNK = 120,
  T_REMOVE = 122
};
enum {
  READ_ONLY = 0,
  READ_WRITE = 2,
  TRUNCATE = 01000,
  EXCLUSIVE = 0200,
  DIRECTORY = 0200000,
  REMOVE_DIR = 0x200
};
enum { EMSGSIZE = 90, EROFS = 30, ENOTDIR = 20, ENOENT = 2 };
static const u8 kTypes[] = {T_STATFS,   T_LOPEN,   T_LCREATE, T_SYMLINK,   T_MKNOD,       T_RENAME,
                            T_READLINK, T_GETATTR, T_SETATTR, T_XATTRWALK, T_XATTRCREATE, T_READDIR,
                            T_FSYNC,    T_LOCK,    T_GETLOCK, T_LINK,      T_MKDIR,       T_RENAMEAT,
                            T_UNLINKAT, T_VERSION, T_AUTH,    T_ATTACH,    T_FLUSH,       T_WALK,
                            T_READ,     T_WRITE,   T_CLUNK,   T_REMOVE};

static u8 *const message = buffer, *const reply = buffer + 32768;
static u32 reply_room = MESSAGE_BYTES;
static u32 message_len;
static const char* broken;  // what went wrong first, if anything did

static void must(int condition, const char* what) {
  if (!condition && !broken) broken = what;
}
static u32 word(const u8* at) { return at[0] | at[1] << 8 | at[2] << 16 | (u32)at[3] << 24; }
static void add(u64 value, u32 bytes) {
  for (; bytes > 0; --bytes, value >>= 8) message[message_len++] = (u8)value;
}
static void add_text(const char* text, u32 len) {
  add(len, 2);
  for (; len > 0; --len) message[message_len++] = (u8)*text++;
}
static u32 length(const char* text) {
  u32 len = 0;
  while (text[len]) ++len;
  return len;
}

// Rings once for the chain that is in place; the bytes written to `reply`.
static u32 ring(void) {
  memset(reply, 0, 64);
  u16 before = used.idx;
  offer(0), notify(0);
  for (u32 patience = 0; *(volatile u16*)&used.idx == before && patience < 10000000; ++patience)
    if (dev[STATUS] & NEEDS_RESET) return 0;
  must(used.idx == (u16)(before + 1), "one answer a message");
  return used.ring[before % QUEUE].len;
}

// `len` bytes of `message`, as they are; errno of the answer, 0 when it is none, ~0 when there is no answer.
static u32 exchange(u32 len) {
  desc[0] = part((u64)message, len, NEXT, 1);
  desc[1] = part((u64)reply, reply_room, WRITE, 0);
  u32 got = ring();
  if (got == 0) return ~0U;
  must(got >= 7 && got <= reply_room && word(reply) == got, "size of the answer");
  must(reply[5] == message[5] && reply[6] == message[6], "tag of the answer");
  must(reply[4] == ERROR_REPLY || reply[4] == message[4] + 1, "type of the answer");
  must(reply[4] != ERROR_REPLY || got == 11, "form of an error");
  return reply[4] == ERROR_REPLY ? word(reply + 7) : 0;
}

// Fields by letters: b, w, d, q numbers of 1, 2, 4, 8 bytes, s a text.
static u32 ask(u8 type, const char* fields, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, fields);
  message_len = 4;
  add(type, 1), add(7, 2);
  for (; *fields; ++fields) {
    const char* text;
    switch (*fields) {
      case 'b':
        add(__builtin_va_arg(list, u32), 1);
        break;
      case 'w':
        add(__builtin_va_arg(list, u32), 2);
        break;
      case 'd':
        add(__builtin_va_arg(list, u32), 4);
        break;
      case 'q':
        add(__builtin_va_arg(list, u64), 8);
        break;
      default:
        text = __builtin_va_arg(list, const char*), add_text(text, length(text));
    }
  }
  __builtin_va_end(list);
  u32 len = message_len;
  message_len = 0, add(len, 4), message_len = len;
  return exchange(len);
}

static u32 walk1(u32 from, u32 to, const char* name) { return ask(T_WALK, "ddws", from, to, 1, name); }
static u32 walk2(u32 from, u32 to, const char* a, const char* b) {
  return ask(T_WALK, "ddwss", from, to, 2, a, b);
}
static u32 names_found(void) { return reply[7] | reply[8] << 8; }
static u32 attach(u32 fid) { return ask(T_ATTACH, "ddssd", fid, NO_FID, "nobody", "", 0); }
static u32 session(void) {
  reply_room = MESSAGE_BYTES;
  return ask(T_VERSION, "ds", MESSAGE_BYTES, "9P2000.L") || attach(0);
}
// Through `fid`: is it a file that begins so?
static int reads(u32 fid, char first) {
  return !ask(T_LOPEN, "dd", fid, READ_ONLY) && !ask(T_READ, "dqd", fid, 0UL, 16) && word(reply + 7) > 0 &&
         reply[11] == first;
}
static int is_writable(void) {
  u32 error = ask(T_MKDIR, "dsdd", 0, "probe", 0755, 0);
  ask(T_UNLINKAT, "dsd", 0, "probe", REMOVE_DIR);
  return error != EROFS;
}

static int ninep_still_works(void) { return !session() && !walk1(0, 1, "inside") && reads(1, 'h'); }

// --- the attacks -----------------------------------------------------------------------------------

static void sizes_that_lie(void) {
  static const u32 kSizes[] = {0, 1, 6, 7, 8, 11, 4096, MESSAGE_BYTES, 1 << 20, 0x7fffffff, ~0U};
  for (u32 t = 0; t < sizeof kTypes; ++t)
    for (u32 i = 0; i < sizeof kSizes / 4; ++i) {
      memset(message, 0, 64);
      message_len = 0, add(kSizes[i], 4), add(kTypes[t], 1), add(9, 2);
      for (u32 len = 0; len < 40; len += 3)
        if (len != kSizes[i] && len != 0) must(exchange(len) != 0, "a size that lies is refused");
    }
  for (u32 type = 0; type < 256; ++type) ask((u8)type, ""), ask((u8)type, "qqqq", ~0UL, ~0UL, ~0UL, ~0UL);
}
static void texts_that_lie(void) {
  for (u32 len = 0; len < 0xffff; len = len * 2 + 1) {
    must(ask(T_WALK, "ddwwb", 0, 5, 1, len, 'x') != 0, "a text beyond its message");
    must(ask(T_VERSION, "dwb", MESSAGE_BYTES, len + 2, '9') != 0, "a version beyond its message");
    must(ask(T_LCREATE, "dwb", 0, len, 'x') != 0, "a name beyond its message");
  }
  static const u32 kCounts[] = {2, 16, 17, 255, 0x7fff, 0xffff};
  for (u32 i = 0; i < 6; ++i)
    must(ask(T_WALK, "ddws", 0, 5, kCounts[i], "dir") != 0, "names that are not there");
  must(ask(T_WRITE, "dqdd", 0, 0UL, ~0U, 0) != 0 && ask(T_WRITE, "dqdd", 0, 0UL, 5, 0) != 0,
       "data that is not there");
  static char name[70000];
  static const u32 kLengths[] = {255, 256, 4095, 4096, 8000, 30000};
  for (u32 i = 0; i < 6; ++i) {
    memset(name, 'n', kLengths[i]), name[kLengths[i]] = 0;
    must(walk1(0, 5, name) != 0, "no file has this name");
    ask(T_MKDIR, "dsdd", 0, name, 0755, 0), ask(T_UNLINKAT, "dsd", 0, name, REMOVE_DIR);
    ask(T_SYMLINK, "dssd", 0, "long", name, 0), ask(T_UNLINKAT, "dsd", 0, "long", 0);
  }
}
static void no_session(void) {
  dev[STATUS] = 0;
  start(~0UL & ~(1UL << 29)), set_up(0), go();
  for (u32 i = 0; i < sizeof kTypes; ++i)
    if (kTypes[i] != T_VERSION)
      must(ask(kTypes[i], "qqqq", 0UL, 0UL, 0UL, 0UL) != 0, "a request before the version");
  must(attach(0) != 0, "an attach before the version");
}
static void versions(void) {
  static const u32 kSizes[] = {0, 1, 7, 11, 23, 24, 100, 4095};
  for (u32 i = 0; i < 8; ++i)
    must(ask(T_VERSION, "ds", kSizes[i], "9P2000.L") != 0, "messages too small to be any");
  must(!walk1(0, 1, "inside"), "a version that is refused ends no session");
  must(!ask(T_VERSION, "ds", ~0U, "9P2000.L") && word(reply + 7) < 1U << 30, "messages of 4 GiB");
  must(ask(T_CLUNK, "d", 1) != 0 && ask(T_GETATTR, "dq", 0, ~0UL) != 0, "fids of an older session");
  must(!ask(T_VERSION, "ds", MESSAGE_BYTES, "9P3000.X") && attach(0) != 0, "a version that nobody speaks");
  must(!ask(T_VERSION, "ds", 4096, "9P2000.L") && !attach(0) && !walk1(0, 1, "inside"),
       "a session of small messages");
  ask(T_LOPEN, "dd", 1, READ_ONLY);
  must(!ask(T_READ, "dqd", 1, 0UL, ~0U) && word(reply) <= 4096, "an answer over the agreed size");
  for (u32 i = 0; i < 8000; ++i) message[i + 64] = 'x';
  message_len = 0, add(8000, 4), add(T_VERSION, 1), add(7, 2);
  must(exchange(8000) != 0, "a message over the agreed size");
}
static void unknown_fids(void) {
  static const u32 kFids[] = {1, 77, 0x7fffffff, NO_FID};
  for (u32 f = 0; f < 4; ++f)
    for (u32 i = 0; i < sizeof kTypes; ++i)
      if (kTypes[i] != T_VERSION && kTypes[i] != T_FLUSH)
        must(ask(kTypes[i], "dqqqqq", kFids[f], 0UL, 0UL, 0UL, 0UL, 0UL) != 0 &&
                 ask(kTypes[i], "d", kFids[f]) != 0,
             "a fid that nobody has");
  must(attach(0) != 0 && attach(NO_FID) != 0, "an attach to a fid in use");
  must(ask(T_ATTACH, "ddssd", 3, 0, "nobody", "", 0) != 0, "an attach with authentication");
  must(walk1(0, NO_FID, "dir") != 0, "no fid as a new one");
}
// Leading up and out: there is nothing above the root, and links are not followed.
static void walks_out(void) {
  static const char* const kNames[] = {
      "..", ".", "", "/", "/etc", "../outside", "dir/../../outside", "inside/", "//", "./inside"};
  for (u32 i = 0; i < 10; ++i) {
    ask(T_CLUNK, "d", 5);
    if (i != 0) must(walk1(0, 5, kNames[i]) != 0, "a walk by a path");
    if (!walk2(0, 5, kNames[i], "outside")) must(names_found() < 2, "a walk to what is beside the share");
    must(ask(T_ATTACH, "ddssd", 6, NO_FID, "nobody", i == 0 ? "../outside" : kNames[i], 0) != 0 || i == 2 ||
             i == 3 || i == 8,
         "an attach beside the share");
    ask(T_CLUNK, "d", 6);
  }
  must(!ask(T_WALK, "ddwsssss", 0, 8, 5, "dir", "..", "..", "..", "inside") && reads(8, 'h'),
       "up stays within the share");
  message_len = 0, add(0, 4), add(T_WALK, 1), add(7, 2), add(0, 4), add(5, 4), add(1, 2),
  add_text("inside\0x", 8);
  u32 len = message_len;
  message_len = 0, add(len, 4);
  must(exchange(len) != 0, "a name with a NUL");
}
static void links_out(void) {
  static const char* const kLinks[] = {"out", "outfile", "up", "root"};
  for (u32 i = 0; i < 4; ++i) {
    u32 fid = 10 + i;
    must(!walk1(0, fid, kLinks[i]), "a link can be walked to");
    if (!walk2(0, 20, kLinks[i], i == 3 ? "etc" : "secret")) must(names_found() < 2, "a walk through a link");
    ask(T_CLUNK, "d", 20);
    must(ask(T_LOPEN, "dd", fid, READ_ONLY) != 0 && ask(T_LOPEN, "dd", fid, READ_WRITE | TRUNCATE) != 0 &&
             ask(T_LOPEN, "dd", fid, DIRECTORY) != 0,
         "a link is opened");
    must(ask(T_READ, "dqd", fid, 0UL, 100) != 0 && ask(T_READDIR, "dqd", fid, 0UL, 100) != 0,
         "a link is read");
    must(ask(T_LCREATE, "dsddd", fid, "made", READ_WRITE, 0644, 0) != 0, "a file made in a link");
    must(ask(T_MKDIR, "dsdd", fid, "made", 0755, 0) != 0 &&
             ask(T_SYMLINK, "dssd", fid, "made", "x", 0) != 0 &&
             ask(T_MKNOD, "dsdddd", fid, "made", 0100644, 0, 0, 0) != 0 &&
             ask(T_LINK, "dds", fid, 0, "made") != 0,
         "a name made in a link");
    must(ask(T_UNLINKAT, "dsd", fid, "secret", 0) != 0 &&
             ask(T_RENAMEAT, "dsds", fid, "secret", 0, "stolen") != 0 &&
             ask(T_RENAMEAT, "dsds", 0, "inside", fid, "given") != 0,
         "a name changed through a link");
    must(ask(T_SETATTR,
             "ddddd"
             "qqqqq",
             fid, 8, 0, 0, 0, 0UL, 0UL, 0UL, 0UL, 0UL) != 0,
         "a link's size");
    ask(T_SETATTR,
        "ddddd"
        "qqqqq",
        fid, 1, 0777, 0, 0, 0UL, 0UL, 0UL, 0UL, 0UL);
    ask(T_XATTRCREATE, "dsqd", fid, "user.x", 1UL, 0), ask(T_WRITE, "dqdb", fid, 0UL, 1, 'x'),
        ask(T_CLUNK, "d", fid);
    // Over O_CREAT, without O_EXCL, what is there is opened: not what a link names.
    walk1(0, 30, "."), ask(T_WALK, "ddw", 0, 30, 0);
    must(ask(T_LCREATE, "dsddd", 30, kLinks[i], READ_WRITE | TRUNCATE, 0644, 0) != 0,
         "a file made over a link");
    ask(T_CLUNK, "d", 30);
  }
}
// A directory in which fids stand goes away, and a link that leads out takes its name.
static void links_in_place_of_directories(void) {
  if (!is_writable()) return;
  must(!ask(T_MKDIR, "dsdd", 0, "d", 0755, 0) && !walk1(0, 1, "d") &&
           !ask(T_MKDIR, "dsdd", 1, "e", 0755, 0) && !walk2(0, 2, "d", "e"),
       "directories are made");
  must(!ask(T_RENAMEAT, "dsds", 0, "d", 0, "d2"), "a directory is moved");
  must(!ask(T_SYMLINK, "dssd", 0, "d", "../outside", 0), "a link takes its place");
  must(walk1(2, 3, "secret") != 0 && (walk2(2, 4, "..", "secret") || names_found() < 2),
       "a fid under a link");
  ask(T_MKDIR, "dsdd", 2, "made", 0755, 0), ask(T_UNLINKAT, "dsd", 2, "made", REMOVE_DIR);
  ask(T_UNLINKAT, "dsd", 1, "secret", 0), ask(T_RENAMEAT, "dsds", 1, "secret", 0, "stolen");
  must(ask(T_RENAMEAT, "dsds", 0, "d2", 2, "loop") != 0, "a directory moved into itself");
  must(ask(T_RENAME, "dds", 0, 1, "root2") != 0 && ask(T_REMOVE, "d", 0) != 0,
       "the root is moved, or removed");
  attach(0);
  must(!ask(T_UNLINKAT, "dsd", 0, "d", 0) && !ask(T_RENAMEAT, "dsds", 0, "d2", 0, "d"), "it is moved back");
  must(!walk1(0, 6, "d") && !ask(T_UNLINKAT, "dsd", 6, "e", REMOVE_DIR) && !ask(T_REMOVE, "d", 6),
       "and removed");
  must(ask(T_MKDIR, "dsdd", 2, "orphan", 0755, 0) != 0 && walk1(2, 7, "..") < ~0U,
       "a directory that is gone");
  for (u32 fid = 1; fid < 9; ++fid) ask(T_CLUNK, "d", fid);
}
static void names_that_lead_out(void) {
  static const char* const kNames[] = {"..", ".", "", "/etc/x", "../outside/x", "dir/x", "a/", "/"};
  for (u32 i = 0; i < 8; ++i) {
    const char* name = kNames[i];
    ask(T_WALK, "ddw", 0, 1, 0);
    must(ask(T_LCREATE, "dsddd", 1, name, READ_WRITE, 0644, 0) != 0 &&
             ask(T_MKDIR, "dsdd", 0, name, 0755, 0) != 0 && ask(T_SYMLINK, "dssd", 0, name, "x", 0) != 0 &&
             ask(T_MKNOD, "dsdddd", 0, name, 0100644, 0, 0, 0) != 0 &&
             ask(T_MKNOD, "dsdddd", 0, name, 020644, 1, 3, 0) != 0 && ask(T_LINK, "dds", 0, 1, name) != 0,
         "a name made beside the share");
    must(ask(T_RENAMEAT, "dsds", 0, "inside", 0, name) != 0 &&
             ask(T_RENAMEAT, "dsds", 0, name, 0, "x") != 0 && ask(T_RENAME, "dds", 1, 0, name) != 0,
         "a name moved out of the share, or in");
    must(ask(T_UNLINKAT, "dsd", 0, name, 0) != 0 && ask(T_UNLINKAT, "dsd", 0, name, REMOVE_DIR) != 0 &&
             ask(T_UNLINKAT, "dsd", 0, name, ~0U) != 0,
         "a name removed beside the share");
    ask(T_CLUNK, "d", 1);
  }
  must(ask(T_MKNOD, "dsdddd", 0, "null", 020666, 1, 3, 0) != 0, "a device node is made");
}
static void huge_counts(void) {
  static const u64 kOffsets[] = {0, 1, 1UL << 31, ~0UL >> 1, 1UL << 63, ~0UL};
  walk1(0, 1, "inside"), ask(T_LOPEN, "dd", 1, READ_ONLY);
  ask(T_WALK, "ddw", 0, 2, 0), ask(T_LOPEN, "dd", 2, DIRECTORY);
  for (u32 i = 0; i < 6; ++i)
    for (u32 count = 1; count != 0; count = count == ~0U ? 0 : count > 1U << 30 ? ~0U : count * 7) {
      if (!ask(T_READ, "dqd", 1, kOffsets[i], count))
        must(word(reply) <= MESSAGE_BYTES, "a read over the message");
      if (!ask(T_READDIR, "dqd", 2, kOffsets[i], count))
        must(word(reply) <= MESSAGE_BYTES, "a listing over the message");
    }
  if (!is_writable()) return;
  ask(T_WALK, "ddw", 0, 3, 0), ask(T_LCREATE, "dsddd", 3, "far", READ_WRITE, 0644, 0);
  must(ask(T_WRITE, "dqdb", 3, ~0UL, 1, 'x') != 0 && ask(T_WRITE, "dqdb", 3, ~0UL >> 1, 1, 'x') != 0,
       "a write at the end of all");
  ask(T_SETATTR,
      "ddddd"
      "qqqqq",
      3, 8, 0, 0, 0, ~0UL, 0UL, 0UL, 0UL, 0UL);
  ask(T_SETATTR,
      "ddddd"
      "qqqqq",
      3, ~0U, ~0U, ~0U, ~0U, 0UL, ~0UL, ~0UL, ~0UL, ~0UL);
  ask(T_XATTRCREATE, "dsqd", 3, "user.big", ~0UL, 0), ask(T_XATTRCREATE, "dsqd", 3, "trusted.x", 1UL, 0);
  ask(T_UNLINKAT, "dsd", 0, "far", 0);
}
static void fids_without_end(void) {
  u32 fid = 1, error = 0;
  for (; fid < 100000 && !error; ++fid) error = ask(T_WALK, "ddw", 0, fid, 0);
  must(error != 0, "fids have an end");
  error = 0;
  for (u32 i = 1; i < fid && !error; ++i) error = ask(T_LOPEN, "dd", i, READ_ONLY);
  must(error != 0, "open files have an end");
  must(!session(), "a new session frees them all");
}
static void fids_used_again(void) {
  must(!walk1(0, 1, "inside") && walk1(0, 1, "dir") != 0 && walk1(1, 0, "x") != 0,
       "a walk onto a fid in use");
  must(!walk1(0, 2, "dir") && !ask(T_WALK, "ddws", 2, 2, 1, "..") && !ask(T_LOPEN, "dd", 2, READ_ONLY),
       "a walk onto itself");
  must(ask(T_WALK, "ddws", 2, 2, 1, "dir") != 0 && ask(T_LOPEN, "dd", 2, READ_ONLY) != 0,
       "an open fid walks away");
  must(ask(T_XATTRWALK, "dds", 2, 2, "") != 0 && ask(T_XATTRWALK, "dds", 2, 1, "") != 0,
       "attributes on a fid in use");
  must(!ask(T_CLUNK, "d", 1) && ask(T_CLUNK, "d", 1) != 0 && ask(T_REMOVE, "d", 1) != 0,
       "a fid is given back twice");
  must(!ask(T_XATTRWALK, "dds", 0, 4, "") && ask(T_LOPEN, "dd", 4, READ_ONLY) != 0,
       "a list of attributes is opened");
  ask(T_WRITE, "dqdb", 4, 0UL, 1, 'x'), ask(T_READDIR, "dqd", 4, 0UL, 100), ask(T_READ, "dqd", 4, ~0UL, 100);
}
// A file goes while fids stand on it, open and not, and while its directory is being listed.
static void removed_in_use(void) {
  if (!is_writable()) return;
  must(!ask(T_MKDIR, "dsdd", 0, "gone", 0755, 0) && !walk1(0, 1, "gone") && !walk1(0, 2, "gone"),
       "a directory is made");
  must(!ask(T_LCREATE, "dsddd", 2, "file", READ_WRITE | EXCLUSIVE, 0644, 0), "a file is made");
  walk2(0, 3, "gone", "file"), walk2(0, 4, "gone", "file"), ask(T_WALK, "ddw", 1, 5, 0),
      ask(T_LOPEN, "dd", 5, READ_ONLY);
  ask(T_READDIR, "dqd", 5, 0UL, 30);
  must(!ask(T_REMOVE, "d", 3) && ask(T_REMOVE, "d", 4) != 0, "a file is removed twice");
  must(!ask(T_WRITE, "dqdb", 2, 0UL, 1, 'x') && !ask(T_READ, "dqd", 2, 0UL, 9),
       "an open file that is removed");
  must(!ask(T_REMOVE, "d", 1) && ask(T_LINK, "dds", 0, 2, "back") < ~0U, "its directory is removed");
  ask(T_UNLINKAT, "dsd", 0, "back", 0);
  ask(T_READDIR, "dqd", 5, 1UL, 100), ask(T_READDIR, "dqd", 5, 0UL, 100);
  must(walk1(5, 6, "file") != 0 && walk2(5, 7, "..", "outside") <= ~0U, "a walk from what is removed");
}
// Header and fields byte by byte, an answer byte by byte, and answers for which there is no room.
static void across_descriptors(void) {
  ask(T_WALK, "ddw", 0, 1, 0);
  u32 len = message_len;
  for (u32 first = 1; first < len; ++first) {
    message[11] = (u8)(first + 50);
    u16 at = 0;
    for (u32 i = 0; i < len && at < 24; ++at) {
      u32 piece = i == 0 ? first % 5 + 1 : at == 23 || len - i < 2 ? len - i : 1;
      desc[at] = part((u64)message + i, piece, NEXT, (u16)(at + 1)), i += piece;
    }
    for (u16 byte = 0; byte < 12; ++byte, ++at)
      desc[at] =
          part((u64)reply + byte, byte < 11 ? 1 : 100, (u16)(WRITE | (byte < 11 ? NEXT : 0)), (u16)(at + 1));
    must(ring() == 9 && reply[4] == T_WALK + 1 && word(reply) == 9, "a message in pieces");
    ask(T_CLUNK, "d", first + 50), ask(T_WALK, "ddw", 0, 1, 0);
  }
  for (u32 i = 0; i < sizeof kTypes; ++i)
    for (reply_room = 0; reply_room < 40; ++reply_room) ask(kTypes[i], "dqq", 1, 0UL, 0UL);
  session();
  for (reply_room = 0; reply_room < 20; ++reply_room)  // one without an answer is not done
    ask(T_WALK, "ddw", 0, 3, 0), ask(T_MKDIR, "dsdd", 0, "unseen", 0755, 0),
        ask(T_SYMLINK, "dssd", 0, "unseen", "x", 0), ask(T_MKNOD, "dsdddd", 0, "unseen", 0100644, 0, 0, 0);
  for (reply_room = 11; reply_room < 24; ++reply_room)
    ask(T_LCREATE, "dsddd", 3, "unseen", READ_WRITE, 0644, 0);
  reply_room = MESSAGE_BYTES;
  must(walk1(0, 4, "unseen") != 0, "what is refused for want of room has been done");
  ask(T_UNLINKAT, "dsd", 0, "unseen", REMOVE_DIR), ask(T_UNLINKAT, "dsd", 0, "unseen", 0);
}
static void answer_over_the_question(void) {
  for (u32 shift = 0; shift < 24; ++shift) {
    ask(T_WALK, "ddw", 0, 1, 0);
    desc[0] = part((u64)message, message_len, NEXT, 1);
    desc[1] = part((u64)message + shift, 4096, WRITE, 0);
    ring();
    ask(T_CLUNK, "d", 1);
  }
}
static void locks_without_end(void) {
  walk1(0, 1, "inside"), ask(T_LOPEN, "dd", 1, READ_ONLY);
  static char client[3000];
  memset(client, 'c', sizeof client - 1);
  for (u32 i = 0; i < 6000; ++i) {
    if (i % 1000 == 999) client[(i / 1000) * 500] = 0;
    ask(T_LOCK, "dbdqqds", 1, i % 2, ~0U, (u64)i * 3, i % 3 ? 1UL : ~0UL - i, i, i % 100 ? "me" : client);
  }
  for (u32 type = 0; type < 5; ++type) ask(T_GETLOCK, "dbqqds", 1, type, ~0UL, ~0UL, 1, "me");
  must(!ask(T_CLUNK, "d", 1), "locks go with their fid");
}
static void messages_of_noise(void) {
  static const char* const kNames[] = {"inside", "dir", "out", "outfile", "..", "x", "y", "root", "up", ""};
  for (u32 round = 0; round < 4000; ++round) {
    message_len = 4;
    add(kTypes[any() % sizeof kTypes], 1), add(any(), 2);
    for (u32 field = 0, count = (u32)(any() % 7); field < count; ++field) {
      const char* name = kNames[any() % 10];
      if (any() % 3 == 0)
        add_text(name, length(name));
      else
        add(any() % 4 ? any() % 6 : any(), 1U << any() % 4);
    }
    u32 len = message_len;
    message_len = 0, add(any() % 50 ? len : any(), 4);
    u32 type = message[4];
    exchange(len);
    if (type == T_VERSION) session();
  }
}

static const struct {
  const char* name;
  void (*run)(void);
} kMessages[] = {
    {"sizes that lie", sizes_that_lie},
    {"texts that lie", texts_that_lie},
    {"no session", no_session},
    {"versions", versions},
    {"unknown fids", unknown_fids},
    {"walks out", walks_out},
    {"links out", links_out},
    {"links in place of directories", links_in_place_of_directories},
    {"names that lead out", names_that_lead_out},
    {"huge counts", huge_counts},
    {"fids without end", fids_without_end},
    {"fids used again", fids_used_again},
    {"removed in use", removed_in_use},
    {"across descriptors", across_descriptors},
    {"answer over the question", answer_over_the_question},
    {"locks without end", locks_without_end},
    {"messages of noise", messages_of_noise},
};
