r"""Messages between grader and worker: a length, then plain data in msgpack.

Nothing that arrives is ever executed, imported or unpickled: it becomes numbers, strings, lists,
dicts and arrays whose dtype, shape and size have been checked.
"""

import math
import struct
from collections.abc import Callable

import msgpack
import numpy as np
from numpy.random import PCG64, Generator

LARGEST_FRAME = 32 * 2**20
MOST_PARTS = 400_000  # numbers, words and lists in a message; an array is one
LONGEST_TEXT = 20_000
MOST_OF_NOTHING = 10_000  # an axis of an array without entries
DEEPEST = 20
LONGEST_NUMBER = 400  # digits of an int beyond 64 bits
HEADER = struct.Struct(">I")
DTYPES = frozenset(
    np.dtype(kind).newbyteorder("<").str
    for kind in "?bhilqBHILQefdFD"  # no objects, no text
)


class ProtocolError(ValueError):
    r"""A message is too large, malformed or unexpected."""


def encode(value: object, other: Callable[[object], list], depth: int = 0) -> object:
    r"""Turn a value into data that msgpack can carry.

    Args:
        value: anything; numbers, strings, lists, tuples, dicts, slices, arrays and numpy generators
            can be sent.
        other: returns a stand-in for anything else, a list that begins with a tag.
        depth: how deep the value lies inside another.
    """
    if depth > DEEPEST:
        raise ProtocolError("a value is nested too deeply")
    if value is None or type(value) in (bool, float):
        return value
    if type(value) is str:
        if len(value) > LONGEST_TEXT:
            raise ProtocolError(f"a text is longer than {LONGEST_TEXT:,} characters")
        return value
    if type(value) is int:
        if -(2**63) <= value < 2**63:
            return value
        return ["int", str(value)] if value.bit_length() < 3 * LONGEST_NUMBER else other(value)
    if type(value) in (list, tuple):
        return [type(value).__name__, [encode(item, other, depth + 1) for item in value]]
    if type(value) is dict:
        pairs = [[encode(part, other, depth + 1) for part in pair] for pair in value.items()]
        return ["dict", pairs]
    if type(value) is slice:
        return ["slice", value.start, value.stop, value.step]
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(
            array.shape  # ascontiguousarray gives a 0-d array a dimension
        )
        if array.dtype.str in DTYPES:
            kind = "array" if isinstance(value, np.ndarray) else "scalar"
            return [kind, array.dtype.str, list(array.shape), array.tobytes()]
    if isinstance(value, Generator) and isinstance(value.bit_generator, PCG64):
        state = value.bit_generator.state
        numbers = [str(number) for number in state["state"].values()]
        return ["rng", *numbers, state["has_uint32"], state["uinteger"]]
    return other(value)


def decode(tree: object, other: Callable[[list], object], depth: int = 0) -> object:
    r"""Turn what arrived back into a value; ``other`` gets each list with a tag not known here.

    Raises:
        ProtocolError: it is not what ``encode`` makes.
    """
    if tree is None or isinstance(tree, bool | int | float):
        return tree
    if isinstance(tree, str):
        if len(tree) > LONGEST_TEXT:
            raise ProtocolError("a text is too long")
        return tree
    if depth > DEEPEST or not isinstance(tree, list) or not tree:
        raise ProtocolError("a value is malformed")
    match tree:
        case ["list", list(items)]:
            return [decode(item, other, depth + 1) for item in items]
        case ["tuple", list(items)]:
            return tuple(decode(item, other, depth + 1) for item in items)
        case ["dict", list(pairs)] if all(isinstance(p, list) and len(p) == 2 for p in pairs):
            try:
                return {
                    decode(key, other, depth + 1): decode(item, other, depth + 1)
                    for key, item in pairs
                }
            except TypeError:
                raise ProtocolError("a dict has an unhashable key") from None
        case ["slice", int() | None, int() | None, int() | None]:
            return slice(*tree[1:])
        case ["int", str(digits)] if len(digits) <= LONGEST_NUMBER:
            return _integer(digits)
        case ["array" | "scalar" as kind, str(dtype), list(shape), bytes(data)]:
            array = _array(dtype, shape, data)
            return array if kind == "array" else array[()]
        case ["rng", str(state), str(inc), int(has_uint32), int(uinteger)]:
            generator = np.random.default_rng(0)
            generator.bit_generator.state = {
                "bit_generator": "PCG64",
                "state": {"state": _integer(state), "inc": _integer(inc)},
                "has_uint32": has_uint32,
                "uinteger": uinteger,
            }
            return generator
    return other(tree)


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ProtocolError("a number is malformed") from None


def _array(dtype: str, shape: list, data: bytes) -> np.ndarray:
    if dtype not in DTYPES or len(shape) > 32:
        raise ProtocolError("an array has a type that cannot be sent")
    if not all(type(size) is int and 0 <= size < 2**40 for size in shape):
        raise ProtocolError("an array has an invalid shape")
    if math.prod(shape) == 0 and max(shape) > MOST_OF_NOTHING:
        raise ProtocolError("an array without entries has an invalid shape")
    if math.prod(shape) * np.dtype(dtype).itemsize != len(data):
        raise ProtocolError("the size of an array does not match its shape")
    return np.frombuffer(data, dtype=dtype).reshape(shape).copy()


def pack(message: list) -> bytes:
    r"""Return the bytes of a message, its length first; ProtocolError if there are too many."""
    try:
        body = msgpack.packb(message)
    except (ValueError, OverflowError, TypeError) as error:
        raise ProtocolError(f"a message cannot be sent: {error}") from None
    if len(body) > LARGEST_FRAME:
        raise ProtocolError(f"a message is larger than {LARGEST_FRAME // 2**20} MB")
    _count(body)
    return HEADER.pack(len(body)) + body


def length(header: bytes) -> int:
    r"""Return how long the message after this header is; ProtocolError if that is too long."""
    (size,) = HEADER.unpack(header)
    if size > LARGEST_FRAME:
        raise ProtocolError("a message is too large")
    return size


def unpack(body: bytes) -> list:
    r"""Return the message in these bytes: a list that begins with its kind and its id."""
    _count(body)
    try:
        message = msgpack.unpackb(body, raw=False, strict_map_key=True, max_ext_len=0)
    except Exception as error:  # msgpack raises a dozen kinds, RecursionError and UnicodeError too
        raise ProtocolError(f"a message is malformed: {type(error).__name__}") from None
    match message:
        case [str(), bytes(), *_]:
            return message
    raise ProtocolError("a message is malformed")


# How many bytes follow the first one of a number or a constant, by that first one.
_FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8}
_FIXED |= {first: 2 ** (first & 3) for first in range(0xCC, 0xD4)}
# How many bytes its length has, and whether that counts bytes that follow (or parts).
_SIZED = {0xC4: (1, True), 0xC5: (2, True), 0xC6: (4, True), 0xD9: (1, True), 0xDA: (2, True)}
_SIZED |= {0xDB: (4, True), 0xDC: (2, False), 0xDD: (4, False), 0xDE: (2, False), 0xDF: (4, False)}


def _count(body: bytes) -> None:
    # Refuse what would become too many objects, before anything is made of it.
    at = parts = 0
    while at < len(body):
        first, parts = body[at], parts + 1
        if parts > MOST_PARTS:
            raise ProtocolError("a message has too many parts")
        at += 1
        if 0xA0 <= first < 0xC0:
            at += first & 0x1F
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _SIZED:
            width, holds_bytes = _SIZED[first]
            size = int.from_bytes(body[at : at + width])
            at += width + (size if holds_bytes else 0)
