"""The framebuffer: painted by a bare-metal program that finds it in the device tree, seen from Python and the shell."""

import struct
import subprocess
import zlib

import pytest
import quire

# Looks for the property that no other node has, "stride", and takes the address from the `reg` of the node: the
# names of a tree's properties are offsets into its strings, so the words of the tree are searched for the size
# of the framebuffer, 64 * 48 * 4, which stands behind its address in `reg`.
PAINTER = """
    .globl _start
_start:
    mv t0, a1
    li t1, 0x00300000  // 64 * 48 * 4 as the tree's big-endian word
1:  lwu t2, 0(t0)
    addi t0, t0, 4
    bne t2, t1, 1b
    lwu t2, -12(t0)    // the address's lower half
    // to little-endian
    li t3, 0
    li t4, 4
2:  slli t3, t3, 8
    andi t5, t2, 255
    or t3, t3, t5
    srli t2, t2, 8
    addi t4, t4, -1
    bnez t4, 2b
    // pixel i gets the colour i * 0x010203
    li t0, 0
    li t1, 64 * 48
    li t2, 0x010203
    li t4, 0
3:  sw t4, 0(t3)
    add t4, t4, t2
    addi t3, t3, 4
    addi t0, t0, 1
    bne t0, t1, 3b
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
4:  j 4b
"""


@pytest.fixture(scope="module")
def painter(link_bare):
    return link_bare(PAINTER)


def expected(x, y):
    word = (y * 64 + x) * 0x010203 & 0xFFFFFF
    return [word >> 16, word >> 8 & 255, word & 255, 255]


def read_png(data):
    """Rows of bytes and the number of bytes a pixel of a PNG that was not interlaced."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8
            pixel = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw, rows, above = zlib.decompress(packed), [], bytes(width * pixel)
    for y in range(height):
        line = raw[y * (width * pixel + 1) : (y + 1) * (width * pixel + 1)]
        row = bytearray(line[1:])
        for i in range(len(row)):
            a = row[i - pixel] if i >= pixel else 0
            b, c = above[i], above[i - pixel] if i >= pixel else 0
            near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row[i] = row[i] + (0, a, b, (a + b) // 2, near)[line[0]] & 255
        rows.append(bytes(row))
        above = rows[-1]
    return rows, pixel


def test_the_screen_is_an_array(painter):
    with quire.Machine.bare(painter, screen="64x48") as m:
        assert not any(m.screen()[y, x, 0] for y in (0, 47) for x in (0, 63))
        assert m.run(max_insns=1_000_000).exit_status == 0
        screen = m.screen()
        assert screen.shape == (48, 64, 4)
        assert screen.readonly
        for x, y in ((0, 0), (1, 0), (0, 1), (63, 47), (17, 30)):
            assert [screen[y, x, i] for i in range(4)] == expected(x, y)
    assert screen[0, 1, 2] == 3, "the picture outlives the machine"


def test_a_pair_is_a_size_and_the_picture_is_a_copy(painter):
    with quire.Machine.bare(painter, screen=(64, 48)) as m:
        before = m.screen()
        m.run(max_insns=1_000_000)
        assert before[0, 1, 2] == 0
        assert m.screen()[0, 1, 2] == 3


def test_screenshot_is_a_png_of_the_same_pixels(painter, tmp_path):
    with quire.Machine.bare(painter, screen="64x48") as m:
        m.run(max_insns=1_000_000)
        m.screenshot(tmp_path / "screen.png")
        with pytest.raises(quire.FileError, match="nowhere"):
            m.screenshot("/nowhere/screen.png")
    rows, pixel = read_png((tmp_path / "screen.png").read_bytes())
    assert len(rows) == 48
    for x, y in ((0, 0), (1, 0), (63, 47), (17, 30)):
        assert list(rows[y][x * pixel : x * pixel + 3]) == expected(x, y)[:3]


def test_the_command_writes_a_screenshot_however_the_run_ends(quire_command, painter, tmp_path):
    for limit, status in (([], 0), (["--max-insns", "2000"], 124)):
        png = tmp_path / "screen.png"
        command = [quire_command, "bare", "--screen", "64x48", "--screenshot", png, *limit, painter]
        assert subprocess.run(command, timeout=60).returncode == status
        rows, pixel = read_png(png.read_bytes())
        assert list(rows[0][pixel : pixel + 3]) == expected(1, 0)[:3]
        png.unlink()


@pytest.mark.parametrize("words, complaint", [
    (["--screenshot", "x.png"], "--screenshot needs a screen"),
    (["--screen", "huge"], "'huge' is not a screen"),
    (["--screen", "0x0"], "a screen of 0x0 is impossible"),
    (["--screen", "8192x8192"], "does not fit"),
])
def test_bad_screens_are_refused_in_one_line(quire_command, painter, words, complaint, tmp_path):
    done = subprocess.run([quire_command, "bare", *words, painter], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_screen_says_how_to_get_one(painter):
    with quire.Machine.bare(painter) as m:
        with pytest.raises(quire.UsageError, match='screen="1024x768"'):
            m.screen()
        with pytest.raises(quire.UsageError, match='screen="1024x768"'):
            m.screenshot("x.png")
        assert m.troubles == []
