"""A small CBOR encoder (RFC 8949), deterministic as its section 4.2.1 asks.

int, bytes, str, bool, list and dict are encoded as themselves. Tag and Raw let
a vector hold what plain values cannot: a tag, or bytes that break the rules.
"""


class Tag:
    def __init__(self, number, value):
        self.number, self.value = number, value


class Raw:
    """Bytes that stand in the encoding as they are."""

    def __init__(self, data):
        self.data = data


def head(major, n):
    """Major type and argument in the shortest form (RFC 8949, section 3)."""
    if n < 24:
        return bytes([major << 5 | n])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    raise ValueError("integer over 64 bits")


def encode(v):
    if isinstance(v, Raw):
        return v.data
    if isinstance(v, Tag):
        return head(6, v.number) + encode(v.value)
    if isinstance(v, bool):
        return b"\xf5" if v else b"\xf4"
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        data = v.encode("utf-8")
        return head(3, len(data)) + data
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(encode(x) for x in v)
    if isinstance(v, dict):
        # Keys in the bytewise order of their encodings.
        pairs = sorted((encode(k), encode(x)) for k, x in v.items())
        return head(5, len(pairs)) + b"".join(k + x for k, x in pairs)
    raise TypeError(type(v))


# Examples of RFC 8949, appendix A.
assert encode(1000000).hex() == "1a000f4240"
assert encode(-1000).hex() == "3903e7"
assert encode({1: 2, 3: 4}).hex() == "a201020304"
assert encode(["a", {"b": "c"}]).hex() == "826161a161626163"
