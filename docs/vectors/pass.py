#!/usr/bin/env python3
"""Writes pass.json beside itself: vectors for docs/pass.md, made without any of
the product's code. Needs Python 3.9 and nothing else.

With --seeds DIR it also writes each text as a seed for Go's fuzzer:

    python3 docs/vectors/pass.py --seeds terminal/pass/testdata/fuzz/FuzzVerify

All keys here are hashes of plain words and belong to nobody.
"""

import hashlib
import json
import pathlib
import sys

sys.dont_write_bytecode = True  # the helpers beside this script leave no cache in the tree

import base45_rfc9285 as base45
import ed25519_rfc8032 as ed25519
import p256_rfc6979 as p256
from cbor_rfc8949 import Raw, Tag, encode

AAD = b"sekisho.pass.v1"
EDDSA, ES256 = -8, -7
NOW = 1767225600  # 2026-01-01T00:00:00Z
DAY, YEAR = 86400, 365 * 86400


def secret(word):
    return hashlib.sha256(("sekisho vector " + word).encode()).digest()


ISSUER = {"name": "demo-wallet", "key_id": b"demo-001", "seed": secret("issuer")}
SECOND = {"name": "other-wallet", "key_id": b"othr-001", "seed": secret("second issuer")}
STRANGER = {"name": "demo-wallet", "key_id": b"demo-666", "seed": secret("stranger")}
DEVICE = int.from_bytes(secret("device"), "big") % p256.N
THIEF = int.from_bytes(secret("thief"), "big") % p256.N


def device_key(d=DEVICE):
    x, y = p256.public(d)
    return {1: 2, -1: 1, -2: x, -3: y}


def claims(**changes):
    """The claims of docs/pass.md by their numbers; None takes one away."""
    numbers = {"iss": 1, "sub": 2, "aud": 3, "exp": 4, "iat": 6, "cnf": 8, "terms": -65537}
    values = {
        "iss": ISSUER["name"],
        "sub": "k7Qm2xT9vB4r",
        "aud": "demo-chain/dev",
        "exp": NOW + DAY,
        "iat": NOW,
        "cnf": {1: device_key()},
        "terms": [NOW - YEAR, 5000, 3],
    }
    values.update(changes)
    return {numbers[k]: v for k, v in values.items() if v is not None}


def sig_structure(protected, external, payload):
    """RFC 9052, section 4.4."""
    return encode(["Signature1", protected, external, payload])


def sign1(protected, payload, external, sign, unprotected=None):
    """A tagged COSE_Sign1, and every byte string on the way to it."""
    if not isinstance(protected, bytes):
        protected = encode(protected)
    tbs = sig_structure(protected, external, payload)
    signature = sign(tbs)
    message = encode(Tag(18, [protected, unprotected or {}, payload, signature]))
    return {"protected": protected, "payload": payload, "tbs": tbs, "signature": signature, "message": message}


def credential(body=None, issuer=ISSUER, protected=None, unprotected=None, external=b"", sign=None):
    if body is None:
        body = claims()
    if not isinstance(body, bytes):
        body = encode(body)
    if protected is None:
        protected = {1: EDDSA, 4: issuer["key_id"]}
    sign = sign or (lambda tbs: ed25519.sign(issuer["seed"], tbs))
    return sign1(protected, body, external, sign, unprotected)


def fields(cwt, iat=NOW + 10, counter=7, pass_id=None):
    return [iat, pass_id or secret("pass id")[:16], counter, cwt]


def device_pass(body, protected=None, unprotected=None, external=AAD, sign=None):
    if not isinstance(body, bytes):
        body = encode(body)
    if protected is None:
        protected = {1: ES256}
    sign = sign or (lambda tbs: p256.sign(DEVICE, tbs))
    return sign1(protected, body, external, sign, unprotected)


def text(message):
    return "SK1:" + base45.encode(message)


def tree(step):
    return {k: v.hex() for k, v in step.items()}


def good(name, note, body=None, fresh=(), post=lambda s: s, **of_pass):
    body = body or claims()
    cwt = credential(body)
    values = fields(cwt["message"], **of_pass)
    outer = device_pass(values, sign=lambda tbs: post(p256.sign(DEVICE, tbs)))
    iss = body[1].encode()
    return {
        "name": name,
        "note": note,
        "claims": {
            "iss": body[1], "sub": body[2], "aud": body[3], "exp": body[4], "iat": body[6],
            "bound_at": body[-65537][0], "offline_yen": body[-65537][1], "offline_count": body[-65537][2],
        },
        "pass": {"issued_at": values[0], "pass_id": values[1].hex(), "counter": values[2]},
        "credential": tree(cwt),
        "outer": tree(outer),
        "identity": (bytes([len(iss)]) + iss + values[1]).hex(),
        "text": text(outer["message"]),
        "fresh": [{"now": n, "max_age": 60, "tolerance": t, "code": c} for n, t, c in fresh],
    }


# 0x0678 is two spaces and a 0 in base45: the text then holds runs of spaces.
SPACES = max((b"\x06\x78" * 8, b"\x78\x06" * 8), key=lambda i: good("", "", pass_id=i)["text"].count("  "))
at = NOW + 10

GOOD = [
    good(
        "usual", "the worked example of docs/pass.md",
        fresh=[
            (at, 0, ""), (at + 60, 0, ""), (at + 61, 0, "expired"), (at + 63, 3, ""), (at + 64, 3, "expired"),
            (at - 1, 0, "from-future"), (at - 3, 3, ""), (at - 4, 3, "from-future"),
            (NOW + DAY, 0, "credential-expired"), (NOW + DAY + 5, 5, "credential-expired"),
        ],
    ),
    good("other-s", "the same pass, its signature's s replaced by n-s: verifies, and has the same identity", post=p256.other_s),
    good("spaces", "holds pairs of spaces, which must stay pairs", pass_id=SPACES),
    good(
        "credential-ends-first", "made in the last seconds of its credential",
        body=claims(exp=NOW + 20),
        fresh=[(NOW + 19, 0, ""), (NOW + 20, 0, "credential-expired"), (NOW + 22, 3, ""), (NOW + 23, 3, "credential-expired")],
    ),
    good("credential-from-future", "signed by an issuer whose clock is ahead", body=claims(iat=NOW + 100),
         fresh=[(at, 0, "from-future"), (at, 90, "")]),
    good("largest", "every field at its upper bound",
         body=claims(sub="s" * 64, iat=253402300798, exp=253402300799, terms=[253402300798, 2**63 - 1, 2**63 - 1]),
         iat=253402300799, counter=2**63 - 1, pass_id=b"\xff" * 16),
    good("smallest", "every field at its lower bound", body=claims(sub="s" * 8, iat=0, exp=1, terms=[0, 0, 0]),
         iat=0, counter=0, pass_id=bytes(16)),
]


def bad(name, code, value):
    return {"name": name, "code": code, "text": value if isinstance(value, str) else text(value)}


def with_credential(*args, **kw):
    """A pass, well signed by the device, around a credential as described."""
    return device_pass(fields(credential(*args, **kw)["message"]))["message"]


def with_claims(**changes):
    return with_credential(claims(**changes))


def of(values, **kw):
    return device_pass(values, **kw)["message"]


def flip(data, at, bit=1):
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


CWT = credential()["message"]
OUTER = device_pass(fields(CWT))
MESSAGE = OUTER["message"]
TEXT = text(MESSAGE)
CLAIMS = encode(claims())
EDDSA_KID = {1: EDDSA, 4: ISSUER["key_id"]}
OFF_CURVE = device_key()
OFF_CURVE[-3] = flip(OFF_CURVE[-3], 31)
COMPRESSED = device_key()
COMPRESSED[-3] = bool(p256.public(DEVICE)[1][31] & 1)
EXTRA_KEY = device_key()
EXTRA_KEY[3] = ES256


def thief(tbs):
    return p256.sign(THIEF, tbs)


def signed_as(signature):
    return lambda tbs: signature


def der(signature):
    """ASN.1, which phones' keystores return and COSE does not use."""
    def integer(b):
        b = b.lstrip(b"\0")
        b = b"\0" + b if b[0] & 0x80 else b
        return b"\x02" + bytes([len(b)]) + b
    body = integer(signature[:32]) + integer(signature[32:])
    return b"\x30" + bytes([len(body)]) + body


BAD = [
    # The text.
    bad("empty", "malformed", ""),
    bad("prefix-only", "malformed", "SK1:"),
    bad("other-version", "malformed", "SK2:" + TEXT[4:]),
    bad("lower-case-prefix", "malformed", "sk1:" + TEXT[4:]),
    bad("lower-case", "malformed", TEXT[:4] + TEXT[4:].lower()),
    bad("space-before", "malformed", " " + TEXT),
    bad("space-after", "malformed", TEXT + " "),
    bad("line-feed-after", "malformed", TEXT + "\n"),
    bad("spaces-collapsed", "malformed", good("", "", pass_id=SPACES)["text"].replace("  ", " ")),
    bad("spaces-taken-out", "malformed", good("", "", pass_id=SPACES)["text"].replace(" ", "")),
    bad("cut-short", "malformed", TEXT[:-30]),
    bad("base45-group-too-large", "malformed", TEXT[:4] + ":::" + TEXT[7:]),
    bad("base45-last-group-too-large", "malformed", TEXT[: len(TEXT) - (len(TEXT) - 4) % 3] + "::"),
    bad("too-long", "malformed", "SK1:" + "0" * 900),
    # The outer message.
    bad("trailing-byte", "malformed", MESSAGE + b"\0"),
    bad("untagged", "malformed", MESSAGE[1:]),
    bad("another-tag", "malformed", b"\xd1" + MESSAGE[1:]),
    bad("tagged-twice", "malformed", b"\xd2" + MESSAGE),
    bad("long-array-head", "malformed", b"\xd2\x98\x04" + MESSAGE[2:]),
    bad("indefinite-array", "malformed", b"\xd2\x9f" + MESSAGE[2:] + b"\xff"),
    bad("five-elements", "malformed", encode(Tag(18, [OUTER["protected"], {}, OUTER["payload"], OUTER["signature"], 0]))),
    bad("unprotected-not-empty", "malformed", of(fields(CWT), unprotected={4: b"x"})),
    bad("no-algorithm", "malformed", of(fields(CWT), protected=b"")),
    bad("algorithm-unprotected-only", "malformed", of(fields(CWT), protected=b"", unprotected={1: ES256})),
    bad("algorithm-twice", "malformed", of(fields(CWT), protected=bytes.fromhex("a201260126"))),
    bad("algorithm-none", "malformed", of(fields(CWT), protected={1: "none"})),
    bad("algorithm-reserved", "forged", of(fields(CWT), protected={1: 0})),
    bad("algorithm-eddsa", "forged", of(fields(CWT), protected={1: EDDSA})),
    bad("algorithm-es384", "forged", of(fields(CWT), protected={1: -35})),
    bad("critical-header", "malformed", of(fields(CWT), protected={1: ES256, 2: [1]})),
    bad("signature-empty", "malformed", of(fields(CWT), sign=signed_as(b""))),
    bad("signature-der", "malformed", of(fields(CWT), sign=lambda tbs: der(p256.sign(DEVICE, tbs)))),
    bad("signature-zero", "forged", of(fields(CWT), sign=signed_as(bytes(64)))),
    bad("signature-flipped", "forged", flip(MESSAGE, len(MESSAGE) - 1)),
    bad("signed-by-another-device", "forged", of(fields(CWT), sign=thief)),
    bad("signed-without-external-data", "forged", of(fields(CWT), external=b"")),
    bad("signed-for-another-use", "forged", of(fields(CWT), external=b"sekisho.pass.v2")),
    # Its payload.
    bad("payload-trailing-byte", "malformed", of(encode(fields(CWT)) + b"\0")),
    bad("payload-null", "malformed", encode(Tag(18, [OUTER["protected"], {}, Raw(b"\xf6"), OUTER["signature"]]))),
    bad("payload-not-an-array", "malformed", of({1: NOW, 2: b"x" * 16, 3: 7, 4: CWT})),
    bad("payload-indefinite", "malformed", of(b"\x9f" + encode(fields(CWT))[1:] + b"\xff")),
    bad("pass-id-short", "malformed", of(fields(CWT, pass_id=b"x" * 15))),
    bad("pass-id-text", "malformed", of(fields(CWT, pass_id="x" * 16))),
    bad("counter-negative", "malformed", of(fields(CWT, counter=-1))),
    bad("counter-over-63-bits", "malformed", of(fields(CWT, counter=2**63))),
    bad("issued-at-long-form", "malformed", of(fields(CWT, iat=Raw(b"\x1b" + NOW.to_bytes(8, "big"))))),
    bad("issued-at-float", "malformed", of(fields(CWT, iat=Raw(b"\xfb\x41\xda\x55\x55\x80\x00\x00\x00")))),
    bad("issued-at-tagged", "malformed", of(fields(CWT, iat=Tag(1, NOW)))),
    bad("issued-at-after-9999", "malformed", of(fields(CWT, iat=253402300800))),
    bad("issued-at-changed", "forged", encode(Tag(18, [OUTER["protected"], {}, encode(fields(CWT, iat=NOW + 50)), OUTER["signature"]]))),
    bad("pass-id-changed", "forged", encode(Tag(18, [OUTER["protected"], {}, encode(fields(CWT, pass_id=b"y" * 16)), OUTER["signature"]]))),
    bad("counter-changed", "forged", encode(Tag(18, [OUTER["protected"], {}, encode(fields(CWT, counter=8)), OUTER["signature"]]))),
    # The credential.
    bad("credential-empty", "malformed", of(fields(b""))),
    bad("credential-trailing-byte", "malformed", of(fields(CWT + b"\0"))),
    bad("credential-tagged-as-cwt", "malformed", of(fields(encode(Tag(61, Raw(CWT)))))),
    bad("credential-unprotected-key-id", "malformed", with_credential(protected={1: EDDSA}, unprotected={4: ISSUER["key_id"]})),
    bad("credential-key-id-text", "malformed", with_credential(protected={1: EDDSA, 4: "demo-001"})),
    bad("credential-header-unsorted", "malformed", with_credential(protected=b"\xa2\x04\x48demo-001\x01\x27")),
    bad("credential-header-extra", "malformed", with_credential(protected={1: EDDSA, 3: 60, 4: ISSUER["key_id"]})),
    bad("credential-no-algorithm", "malformed", with_credential(protected={3: 60, 4: ISSUER["key_id"]})),
    bad("credential-algorithm-es256", "forged", with_credential(protected={1: ES256, 4: ISSUER["key_id"]})),
    bad("credential-signed-by-the-device", "forged", with_credential(protected={1: ES256, 4: ISSUER["key_id"]}, sign=lambda tbs: p256.sign(DEVICE, tbs))),
    bad("credential-with-external-data", "forged", with_credential(external=AAD)),
    bad("credential-by-a-stranger", "forged", with_credential(issuer=STRANGER)),
    bad("credential-by-a-stranger-under-a-known-key-id", "forged", with_credential(issuer=dict(STRANGER, key_id=ISSUER["key_id"]))),
    bad("credential-by-another-issuer-under-this-name", "forged", with_credential(issuer=SECOND)),
    bad("credential-signature-flipped", "forged", of(fields(flip(CWT, len(CWT) - 20)))),
    bad("account-changed", "forged", of(fields(CWT.replace(b"k7Qm2xT9vB4r", b"k7Qm2xT9vB4s")))),
    bad("ceiling-changed", "forged", of(fields(CWT.replace(bytes.fromhex("191388"), bytes.fromhex("1907d0"))))),
    bad("device-key-changed", "forged", device_pass(fields(CWT.replace(p256.public(DEVICE)[0], p256.public(THIEF)[0]).replace(p256.public(DEVICE)[1], p256.public(THIEF)[1])), sign=thief)["message"]),
    # Its claims, all signed well by the issuer.
    bad("audience-of-production", "wrong-audience", with_claims(aud="demo-chain/live")),
    bad("audience-of-another-chain", "wrong-audience", with_claims(aud="other-chain/dev")),
    bad("audience-empty", "malformed", with_claims(aud="")),
    bad("claims-trailing-byte", "malformed", with_credential(CLAIMS + b"\0")),
    bad("claims-doubled-key", "malformed", with_credential(b"\xa8\x01\x6bdemo-wallet" + CLAIMS[1:])),
    bad("claims-unsorted", "malformed", with_credential(b"\xa7" + CLAIMS[14:33] + CLAIMS[1:14] + CLAIMS[33:])),
    bad("claims-unknown", "malformed", with_credential(claims() | {7: b"cti"})),
    bad("claims-without-terms", "malformed", with_claims(terms=None)),
    bad("claims-without-expiry", "malformed", with_claims(exp=None)),
    bad("claims-without-key", "malformed", with_claims(cnf=None)),
    bad("issuer-long", "malformed", with_claims(iss="i" * 33)),
    bad("account-short", "malformed", with_claims(sub="s" * 7)),
    bad("account-long", "malformed", with_claims(sub="s" * 65)),
    bad("account-with-space", "malformed", with_claims(sub="not visible")),
    bad("account-not-utf-8", "malformed", with_claims(sub=Raw(b"\x68\xff\xfe23456\x80"))),
    bad("account-bytes", "malformed", with_claims(sub=b"k7Qm2xT9vB4r")),
    bad("expires-when-issued", "malformed", with_claims(exp=NOW)),
    bad("bound-after-issued", "malformed", with_claims(terms=[NOW + 1, 5000, 3])),
    bad("ceiling-negative", "malformed", with_claims(terms=[NOW - YEAR, -1, 3])),
    bad("ceiling-over-63-bits", "malformed", with_claims(terms=[NOW - YEAR, 2**63, 3])),
    bad("terms-short", "malformed", with_claims(terms=[NOW - YEAR, 5000])),
    bad("device-key-off-curve", "malformed", with_claims(cnf={1: OFF_CURVE})),
    bad("device-key-compressed", "malformed", with_claims(cnf={1: COMPRESSED})),
    bad("device-key-extra", "malformed", with_claims(cnf={1: EXTRA_KEY})),
    bad("device-key-p384", "malformed", with_claims(cnf={1: device_key() | {-1: 2}})),
    bad("device-key-short", "malformed", with_claims(cnf={1: device_key() | {-2: b"x" * 31}})),
]

# The slices of claims-unsorted cut between whole claims.
assert encode(claims())[1:14] == b"\x01\x6bdemo-wallet"
assert CLAIMS[14:33][:1] == b"\x02"


def issuer_of(i):
    return {"name": i["name"], "key_id": i["key_id"].hex(), "seed": i["seed"].hex(), "public": ed25519.public(i["seed"]).hex()}


def device_of(d):
    x, y = p256.public(d)
    return {"private": d.to_bytes(32, "big").hex(), "x": x.hex(), "y": y.hex()}


def write_seeds(folder):
    """One file per text, in the format of `go test` (testing.F)."""
    folder.mkdir(parents=True, exist_ok=True)
    for vector in GOOD + BAD:
        # Plain ASCII: a JSON string is a Go string.
        seed = "go test fuzz v1\nstring(%s)\n" % json.dumps(vector["text"])
        (folder / vector["name"]).write_text(seed, encoding="ascii")


def main():
    here = pathlib.Path(__file__).resolve().parent
    out = {
        "made_by": "docs/vectors/pass.py",
        "external_aad": AAD.hex(),
        "audience": "demo-chain/dev",
        "trusted": [issuer_of(ISSUER), issuer_of(SECOND)],
        "device": device_of(DEVICE),
        "base45": [{"bytes": d.hex(), "text": t} for d, t in base45.EXAMPLES],
        "good": GOOD,
        "bad": BAD,
    }
    (here / "pass.json").write_text(json.dumps(out, indent=1) + "\n", encoding="ascii")
    if sys.argv[1:2] == ["--seeds"]:
        write_seeds(pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
