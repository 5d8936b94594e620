// The small root file system every guest starts from.
#include "emu/launch/program_plan.h"

namespace quire {

GuestTree base_tree() {
  GuestTree tree;
  for (const char* directory :
       {"/bin", "/dev", "/etc", "/home", "/lib", "/mnt", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr/bin",
        "/usr/lib", "/usr/local/bin", "/usr/sbin", "/usr/share", "/var/lib", "/var/log"}) {
    tree.add_directory(directory);
  }
  tree.add_directory("/root", 0700);
  tree.add_directory("/tmp", 01777);
  tree.add_directory("/var/tmp", 01777);
  tree.add_text("/etc/passwd",
                "root:x:0:0:root:/root:/bin/sh\n"
                "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
                "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
  tree.add_text("/etc/group",
                "root:x:0:\n"
                "daemon:x:1:\n"
                "tty:x:5:\n"
                "nogroup:x:65534:\n");
  tree.add_text("/etc/hosts",
                "127.0.0.1\tlocalhost quire\n"
                "::1\tlocalhost\n");
  tree.add_text("/etc/hostname", "quire\n");
  tree.add_text("/etc/nsswitch.conf",
                "passwd: files\n"
                "group: files\n"
                "hosts: files\n"
                "services: files\n"
                "protocols: files\n");
  tree.add_text("/etc/services",
                "echo 7/tcp\necho 7/udp\ndomain 53/tcp\ndomain 53/udp\nhttp 80/tcp\nhttps 443/tcp\n");
  tree.add_text("/etc/protocols", "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\n");
  tree.add_text("/etc/shells", "/bin/sh\n");
  tree.add_text("/etc/os-release", "NAME=Quire\nID=quire\nPRETTY_NAME=\"Quire supervisor\"\n");
  return tree;
}

}  // namespace quire
