"""Initial RAM disks: cpio archives in the `newc` form (Linux, Documentation/driver-api/early-userspace/buffer-format.rst)."""

import gzip
import stat
from pathlib import Path


class Archive:
    """Files in the order they are added; parents are made where they are missing."""

    def __init__(self):
        self._entries = {}

    def directory(self, path):
        path = path.strip("/")
        if path and path not in self._entries:
            self.directory(path.rpartition("/")[0])
            self._entries[path] = (stat.S_IFDIR | 0o755, b"")
        return self

    def file(self, path, data, mode=0o644):
        path = path.strip("/")
        self.directory(path.rpartition("/")[0])
        self._entries[path] = (stat.S_IFREG | mode, data.encode() if isinstance(data, str) else bytes(data))
        return self

    def copy(self, host_path, path):
        host_path = Path(host_path)
        return self.file(path, host_path.read_bytes(), stat.S_IMODE(host_path.stat().st_mode))

    def symlink(self, path, target):
        path = path.strip("/")
        self.directory(path.rpartition("/")[0])
        self._entries[path] = (stat.S_IFLNK | 0o777, target.encode())
        return self

    def node(self, path, major, minor):
        """A character device; Linux opens /dev/console for init before init can mount anything."""
        path = path.strip("/")
        self.directory(path.rpartition("/")[0])
        self._entries[path] = (stat.S_IFCHR | 0o600, (major, minor))
        return self

    def to_bytes(self):
        """Compressed as initramfs tools do it; equal contents give equal bytes."""
        out = bytearray()
        for number, (path, (mode, data)) in enumerate(self._entries.items(), 1):
            device = data if isinstance(data, tuple) else (0, 0)
            _append(out, path, number, mode, b"" if isinstance(data, tuple) else data, device)
        _append(out, "TRAILER!!!", 0, 0, b"", (0, 0))
        return gzip.compress(bytes(out), 6, mtime=0)


def _append(out, path, inode, mode, data, device):
    name = path.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0]
    out += b"070701" + b"".join(b"%08X" % field for field in fields) + name
    out += bytes(-len(out) % 4)
    out += data
    out += bytes(-len(out) % 4)
