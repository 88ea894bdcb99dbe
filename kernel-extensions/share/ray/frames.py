"""Frames on a pipe: both lengths as u32le, a header as JSON, a payload."""

import json
import struct

MAX_HEADER_BYTES = 1 << 20
MAX_PAYLOAD_BYTES = 1 << 30
_LENGTHS = "<II"


def _read_exactly(stream, length):
    data = bytearray(length)
    view = memoryview(data)
    filled = 0
    while filled < length:
        count = stream.readinto(view[filled:])
        if not count:
            raise EOFError
        filled += count
    return bytes(data)


def read_frame(stream):
    """Returns (header, payload); raises EOFError at the end, ValueError for lengths out of bounds."""
    header_length, payload_length = struct.unpack(_LENGTHS, _read_exactly(stream, 8))
    if header_length > MAX_HEADER_BYTES or payload_length > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a frame of {header_length} + {payload_length} bytes is too long")
    header = json.loads(_read_exactly(stream, header_length))
    return header, _read_exactly(stream, payload_length)


def write_frame(stream, header, payload=b""):
    text = json.dumps(header).encode()
    stream.write(struct.pack(_LENGTHS, len(text), len(payload)) + text)
    if payload:
        stream.write(payload)
    stream.flush()
