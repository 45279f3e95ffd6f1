"""ECDSA over P-256 with SHA-256 and the deterministic k of RFC 6979, signing
only. Slow and not constant in time: for vectors, never for keys that matter."""

import hashlib
import hmac

# SEC 2, section 2.4.2 (secp256r1).
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def add(a, b):
    """Affine points; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(n, point):
    out = None
    while n:
        if n & 1:
            out = add(out, point)
        point = add(point, point)
        n >>= 1
    return out


def public(d):
    """The coordinates of d's public key, 32 bytes each."""
    x, y = multiply(d, G)
    return x.to_bytes(32, "big"), y.to_bytes(32, "big")


def nonce(d, digest):
    """RFC 6979, section 3.2; the digest is as long as the order."""
    reduced = (int.from_bytes(digest, "big") % N).to_bytes(32, "big")
    seed = d.to_bytes(32, "big") + reduced
    k, v = bytes(32), b"\x01" * 32
    for separator in (b"\x00", b"\x01"):
        k = hmac.digest(k, v + separator + seed, "sha256")
        v = hmac.digest(k, v, "sha256")
    while True:
        v = hmac.digest(k, v, "sha256")
        candidate = int.from_bytes(v, "big")
        if 1 <= candidate < N:
            return candidate
        k = hmac.digest(k, v + b"\x00", "sha256")
        v = hmac.digest(k, v, "sha256")


def sign(d, message):
    """r and s as 64 bytes (RFC 9053, section 2.1)."""
    digest = hashlib.sha256(message).digest()
    k = nonce(d, digest)
    r = multiply(k, G)[0] % N
    s = pow(k, -1, N) * (int.from_bytes(digest, "big") + r * d) % N
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def other_s(signature):
    """The other signature that every ECDSA signature has: s replaced by n-s."""
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (N - s).to_bytes(32, "big")


# RFC 6979, appendix A.2.5, message "sample" with SHA-256.
_d = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
assert public(_d)[0].hex().upper() == "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
assert sign(_d, b"sample").hex().upper() == (
    "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
)
