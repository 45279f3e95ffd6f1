"""HPKE (RFC 9180) in base mode, sealing one message: DHKEM(X25519, HKDF-SHA256),
HKDF-SHA256, ChaCha20-Poly1305. For vectors only: it is slow and leaks timing.
"""

import hashlib
import hmac
import struct

P = 2**255 - 19
KEM_ID, KDF_ID, AEAD_ID = 0x0020, 0x0001, 0x0003


def x25519(scalar, point):
    """RFC 7748, section 5."""
    k = bytearray(scalar)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    u = int.from_bytes(point, "little") % 2**255
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(scalar):
    return x25519(scalar, (9).to_bytes(32, "little"))


def extract(salt, key):
    return hmac.new(salt or bytes(32), key, hashlib.sha256).digest()


def expand(prk, info, length):
    """RFC 5869, section 2.3."""
    out, block, n = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([n]), hashlib.sha256).digest()
        out, n = out + block, n + 1
    return out[:length]


def labeled_extract(suite, salt, label, key):
    return extract(salt, b"HPKE-v1" + suite + label + key)


def labeled_expand(suite, prk, label, info, length):
    return expand(prk, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info, length)


def quarter(s, a, b, c, d):
    for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        v = s[z] ^ s[x]
        s[z] = (v << bits | v >> 32 - bits) & 0xFFFFFFFF


def chacha20_block(key, counter, nonce):
    """RFC 8439, section 2.3."""
    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    s = list(start)
    for _ in range(10):
        for i in range(4):
            quarter(s, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def poly1305(key, message):
    """RFC 8439, section 2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i : i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return (total + int.from_bytes(key[16:], "little") & 2**128 - 1).to_bytes(16, "little")


def pad16(data):
    return data + bytes(-len(data) % 16)


def aead(key, nonce, aad, plain):
    """RFC 8439, section 2.8."""
    out = b""
    for i in range(0, len(plain), 64):
        stream = chacha20_block(key, 1 + i // 64, nonce)
        out += bytes(a ^ b for a, b in zip(plain[i : i + 64], stream))
    data = pad16(aad) + pad16(out) + struct.pack("<QQ", len(aad), len(out))
    return out + poly1305(chacha20_block(key, 0, nonce)[:32], data)


def encap(recipient, ephemeral):
    """Section 4.1, with the ephemeral key given."""
    suite = b"KEM" + struct.pack(">H", KEM_ID)
    enc = public(ephemeral)
    prk = labeled_extract(suite, b"", b"eae_prk", x25519(ephemeral, recipient))
    return labeled_expand(suite, prk, b"shared_secret", enc + recipient, 32), enc


def seal(recipient, ephemeral, info, plain, aad=b""):
    """Section 6.1, mode base: the encapsulated key and the ciphertext."""
    suite = b"HPKE" + struct.pack(">HHH", KEM_ID, KDF_ID, AEAD_ID)
    shared, enc = encap(recipient, ephemeral)
    context = (
        b"\x00"
        + labeled_extract(suite, b"", b"psk_id_hash", b"")
        + labeled_extract(suite, b"", b"info_hash", info)
    )
    secret = labeled_extract(suite, shared, b"secret", b"")
    key = labeled_expand(suite, secret, b"key", context, 32)
    nonce = labeled_expand(suite, secret, b"base_nonce", context, 12)
    return enc + aead(key, nonce, aad, plain)
