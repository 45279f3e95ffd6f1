"""What a backend must check and docs/vectors only makes: signatures of Ed25519 and P-256,
sealed evidence, signed notes, passes, and proofs of the journal's tree.

Written from docs/protocol.md, docs/pass.md and the RFCs they name. It is slow and not constant
in time, as the modules of docs/vectors are: a payment company takes its own library here.
"""

import base64
import hashlib
import pathlib
import re
import sys

sys.dont_write_bytecode = True  # the modules beside the vectors leave no cache in the tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vectors"))

import base45_rfc9285 as base45
import cbor_rfc8949 as cbor
import ed25519_rfc8032 as ed25519
import hpke_rfc9180 as hpke
import p256_rfc6979 as p256


def ed25519_verify(public, message, signature):
    """RFC 8032, section 5.1.7, without the cofactor."""
    p = ed25519.P
    s = int.from_bytes(signature[32:], "little")
    y = int.from_bytes(public, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if len(public) != 32 or len(signature) != 64 or s >= ed25519.L or y >= p:
        return False
    square = (y * y - 1) * pow(ed25519.D * y * y + 1, p - 2, p) % p
    x = pow(square, (p + 3) // 8, p)
    if (x * x - square) % p:
        x = x * pow(2, (p - 1) // 4, p) % p
    if (x * x - square) % p or (x == 0 and sign):
        return False
    if x & 1 == sign:  # the point's negative, so that one addition compares
        x = p - x
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ed25519.L
    sum_ = ed25519.add(ed25519.multiply(s, ed25519.BASE), ed25519.multiply(k, (x, y, 1, x * y % p)))
    return ed25519.compress(sum_) == signature[:32]


B_P256 = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def on_p256(x, y):
    return x < p256.P and y < p256.P and (y * y - x * x * x + 3 * x - B_P256) % p256.P == 0


def p256_verify(x, y, message, signature):
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < p256.N and 0 < s < p256.N):
        return False
    w = pow(s, -1, p256.N)
    u = int.from_bytes(hashlib.sha256(message).digest(), "big") * w % p256.N
    point = p256.add(p256.multiply(u, p256.G), p256.multiply(r * w % p256.N, (x, y)))
    return point is not None and point[0] % p256.N == r


def hpke_open(secret, info, sealed):
    """The plain text, or None (RFC 9180, section 6.1, mode base)."""
    enc, cipher, tag = sealed[:32], sealed[32:-16], sealed[-16:]
    if len(sealed) < 48:
        return None
    kem = b"KEM" + hpke.KEM_ID.to_bytes(2, "big")
    prk = hpke.labeled_extract(kem, b"", b"eae_prk", hpke.x25519(secret, enc))
    shared = hpke.labeled_expand(kem, prk, b"shared_secret", enc + hpke.public(secret), 32)
    suite = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (hpke.KEM_ID, hpke.KDF_ID, hpke.AEAD_ID))
    context = (
        b"\x00"
        + hpke.labeled_extract(suite, b"", b"psk_id_hash", b"")
        + hpke.labeled_extract(suite, b"", b"info_hash", info)
    )
    prk = hpke.labeled_extract(suite, shared, b"secret", b"")
    key = hpke.labeled_expand(suite, prk, b"key", context, 32)
    nonce = hpke.labeled_expand(suite, prk, b"base_nonce", context, 12)
    # ChaCha20 is its own inverse; what is sealed again must be what came.
    plain = hpke.aead(key, nonce, b"", cipher)[:-16]
    return plain if hpke.aead(key, nonce, b"", plain) == cipher + tag else None


# Signed notes.


def read_vkey(vkey):
    """(name, hash, key) of NAME+HASH+KEY; base64 may hold a plus, a name may not."""
    name, key_hash, key = vkey.strip().split("+", 2)
    raw = base64.b64decode(key, validate=True)
    want = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if raw[:1] != b"\x01" or len(raw) != 33 or want.hex() != key_hash:
        raise ValueError("no key of a note: " + vkey)
    return name, want, raw[1:]


def write_vkey(name, public):
    raw = b"\x01" + public
    return "%s+%s+%s" % (name, hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex(), base64.b64encode(raw).decode())


def open_note(note, vkeys, threshold=1):
    """The text of a note that so many of the keys signed, or None."""
    text, found, tail = note.rpartition("\n\n")
    if not found or not tail.endswith("\n") or re.search("[\x00-\x09\x0b-\x1f]", note):
        return None
    text += "\n"
    good = set()
    keys = [read_vkey(k) for k in vkeys]
    for line in tail.split("\n")[:-1][:100]:
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014":
            return None
        try:
            raw = base64.b64decode(parts[2], validate=True)
        except ValueError:
            return None
        for name, key_hash, key in keys:
            if (name, key_hash) == (parts[1], raw[:4]):
                if not ed25519_verify(key, text.encode(), raw[4:]):
                    return None
                good.add(key)
    return text if len(good) >= threshold else None


# The tree of RFC 6962.


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node(root(hashes[:split]), root(hashes[split:]))


def included(index, size, leaf, proof, want):
    """Is it the leaf at index in the tree of that size? (RFC 9162, section 2.1.3.2)"""
    if index >= size:
        return False
    at, last, have = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            have = node(step, have)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            have = node(have, step)
        at, last = at >> 1, last >> 1
    return last == 0 and have == want


def extends(old_size, old_root, size, new_root, proof):
    """Is the first tree the beginning of the second? (RFC 9162, section 2.1.4.2)"""
    if old_size == 0:
        return not proof
    if old_size == size:
        return not proof and old_root == new_root
    if old_size > size:
        return False
    if old_size & old_size - 1 == 0:
        proof = [old_root] + proof
    if not proof:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = proof[0]
    for step in proof[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node(step, old), node(step, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


# Passes.


class BadPass(Exception):
    """Its text is a code of docs/pass.md, "Errors"."""


def base45_decode(text):
    out = b""
    for i in range(0, len(text), 3):
        group = text[i : i + 3]
        n = sum(base45.ALPHABET.index(c) * 45**k for k, c in enumerate(group))
        out += n.to_bytes(len(group) - 1, "big")  # too large a number is an OverflowError
    if base45.encode(out) != text:
        raise ValueError
    return out


def cbor_decode(data):
    """One item of what a pass may hold. Doubled keys, other orders and longer forms are lost
    here: encoding again finds them."""

    def item(at):
        major, info = data[at] >> 5, data[at] & 31
        if info < 24:
            n, at = info, at + 1
        else:
            size = {24: 1, 25: 2, 26: 4, 27: 8}[info]
            n, at = int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size
        if at > len(data):
            raise ValueError
        if major == 0:
            return n, at
        if major == 1:
            return -1 - n, at
        if major in (2, 3):
            if at + n > len(data):
                raise ValueError
            raw = data[at : at + n]
            return (raw if major == 2 else raw.decode("utf-8")), at + n
        if major == 4:
            out = []
            for _ in range(n):
                value, at = item(at)
                out.append(value)
            return out, at
        if major == 5:
            out = {}
            for _ in range(n):
                key, at = item(at)
                out[key], at = item(at)
            return out, at
        if major == 6:
            value, at = item(at)
            return cbor.Tag(n, value), at
        raise ValueError

    value, end = item(0)
    if end != len(data) or cbor.encode(value) != data:
        raise ValueError
    return value


def need(condition):
    if not condition:
        raise ValueError


def number(value, top=2**63 - 1):
    need(type(value) is int and 0 <= value <= top)
    return value


SECONDS = 253402300799


def sign1(data, external):
    """The parts of a COSE_Sign1 and what its signature is over."""
    message = cbor_decode(data)
    need(isinstance(message, cbor.Tag) and message.number == 18 and type(message.value) is list)
    protected, unprotected, payload, signature = message.value
    need(all(type(v) is bytes for v in (protected, payload, signature)) and unprotected == {})
    need(type(unprotected) is dict and len(signature) == 64)
    header = cbor_decode(protected)
    need(type(header) is dict and type(header.get(1)) is int)
    return header, payload, signature, cbor.encode(["Signature1", protected, external, payload])


def read_pass(text, issuers, audience):
    """The content of a pass; issuers: {key id: (name, public key)}. BadPass where it is none."""
    try:
        need(text.startswith("SK1:") and len(text) <= 772)
        outer, payload, signature, signed = sign1(base45_decode(text[4:]), b"sekisho.pass.v1")
        need(set(outer) == {1})
        issued, pass_id, counter, credential = cbor_decode(payload)
        number(issued, SECONDS), number(counter)
        need(type(pass_id) is bytes and len(pass_id) == 16 and type(credential) is bytes)
        inner, claims, credential_signature, credential_signed = sign1(credential, b"")
        kid = inner.get(4)
        need(set(inner) == {1, 4} and type(kid) is bytes and 1 <= len(kid) <= 16)
        claims = cbor_decode(claims)
        need(type(claims) is dict and set(claims) == {1, 2, 3, 4, 6, 8, -65537})
        for key, low, high in ((1, 1, 32), (2, 8, 64), (3, 1, 32)):
            need(type(claims[key]) is str and re.fullmatch("[!-~]{%d,%d}" % (low, high), claims[key]))
        need(number(claims[6], SECONDS) < number(claims[4], SECONDS))
        need(type(claims[8]) is dict and set(claims[8]) == {1} and type(claims[8][1]) is dict)
        device = claims[8][1]
        need(set(device) == {1, -1, -2, -3} and device[1] == 2 and device[-1] == 1)
        need(all(type(device[k]) is bytes and len(device[k]) == 32 for k in (-2, -3)))
        x, y = int.from_bytes(device[-2], "big"), int.from_bytes(device[-3], "big")
        need(on_p256(x, y))
        bound, yen, count = claims[-65537]
        need(number(bound, SECONDS) <= claims[6])
        number(yen), number(count)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        raise BadPass("malformed")
    name, key = issuers.get(kid, (None, None))
    if (
        outer[1] != -7
        or inner[1] != -8
        or name != claims[1]
        or not ed25519_verify(key, credential_signed, credential_signature)
        or not p256_verify(x, y, signed, signature)
    ):
        raise BadPass("forged")
    if claims[3] != audience:
        raise BadPass("wrong-audience")
    return {
        "issuer": claims[1],
        "account": claims[2],
        "identity": (bytes([len(claims[1])]) + claims[1].encode() + pass_id).hex(),
        "issued": issued,
        "from": claims[6],
        "until": claims[4],
        "bound": bound,
        "yen": yen,
        "count": count,
    }


def check_age(shown, now, life, tolerance):
    """All in seconds."""
    if shown["from"] > now + tolerance or shown["issued"] > now + tolerance:
        raise BadPass("from-future")
    if now >= shown["until"] + tolerance:
        raise BadPass("credential-expired")
    if now > shown["issued"] + life + tolerance:
        raise BadPass("expired")
