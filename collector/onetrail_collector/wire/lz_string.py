"""lz-string's compressToBase64, which older browser clients use: LZ78 over UTF-16, in bits.

The stream's codes are as many bits wide as the dictionary needs, the lowest bit first. Two codes
announce a character that is new, of 8 or of 16 bits, and one the end.
(https://pieroxy.net/blog/pages/lz-string/index.html)
"""

import base64
import binascii

MAX_PACKED_CHARS = 262_144  # it is read code by code: more would hold up the event loop

_WIDTH_OF_NEW = {0: 8, 1: 16}  # by code
_END = 2


class StreamError(ValueError):
    """The text is not what lz-string writes; the message says why."""


def decompress(packed: bytes, *, max_chars: int) -> str:
    """What was compressed, of at most `max_chars`; raises StreamError."""
    if len(packed) > MAX_PACKED_CHARS:
        raise StreamError(f"it has {len(packed)} characters; the limit is {MAX_PACKED_CHARS}")
    units = "".join(_entries(_Bits(packed), max_chars))
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Bits:
    """Numbers of any width, one after the other."""

    def __init__(self, packed: bytes) -> None:
        digits = packed.rstrip(b"=")  # it may write three, and one digit before them
        try:
            stream = base64.b64decode(digits + b"A" * (-len(digits) % 4), validate=True)
        except (binascii.Error, ValueError) as error:
            raise StreamError(f"it is not base64: {error}") from None
        self._bits = f"{int.from_bytes(stream):0{8 * len(stream)}b}"
        self._place = 0

    def take(self, width: int) -> int:
        place, self._place = self._place, self._place + width
        if self._place > len(self._bits):
            raise StreamError("it ends too early")
        return int(self._bits[place : self._place][::-1], 2)


def _entries(bits: _Bits, max_chars: int) -> list[str]:
    known = ["", "", ""]  # the codes that mean something else
    found: list[str] = []
    before, size = "", 0
    width, room = 2, 1  # room: how many more entries that width has
    while True:
        code = bits.take(width)
        if code == _END:
            return found
        if code in _WIDTH_OF_NEW:
            known.append(chr(bits.take(_WIDTH_OF_NEW[code])))
            code = len(known) - 1
            room -= 1
            if not room:
                room, width = 1 << width, width + 1
        if code < len(known):
            entry = known[code]
        elif code == len(known) and before:
            entry = before + before[0]
        else:
            raise StreamError(f"code {code} means nothing yet")
        size += len(entry)
        if size > max_chars:
            raise StreamError(f"it holds more than {max_chars} characters")
        found.append(entry)
        if before:
            known.append(before + entry[0])
            room -= 1
            if not room:
                room, width = 1 << width, width + 1
        before = entry
