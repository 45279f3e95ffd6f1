#!/usr/bin/env python3
"""Writes note.json beside itself: a policy, an identity, roles and freezes as signed
notes (the form of golang.org/x/mod/sumdb/note), their keys, and notes that must
not open.
Made from docs/protocol.md without any of the product's code. Needs Python 3.9
and nothing else.

All keys here are hashes of plain words and belong to nobody.
"""

import base64
import hashlib
import json
import pathlib
import sys

sys.dont_write_bytecode = True  # the helper beside this script leaves no cache in the tree

import ed25519_rfc8032 as ed25519

NAME = "demo-chain"
REALM = "demo/vectors"
SEED = hashlib.sha256(b"head office, for vectors").digest()
STRANGER = hashlib.sha256(b"a stranger, for vectors").digest()
HEIR = hashlib.sha256(b"the next root, for vectors").digest()
DESK = hashlib.sha256(b"the freeze desk, for vectors").digest()
PEOPLE = [hashlib.sha256(b"person %d, for vectors" % n).digest() for n in (1, 2, 3)]
ED25519 = b"\x01"  # the only kind of key

POLICY = """\
# A small policy: one cap, one article, one issuer.
version = 3
realm = "demo/vectors"
good_until = 2030-01-01T00:00:00+09:00
classes = ["convenience"]

[business]
zone = "Asia/Tokyo"
cut_over = "05:00"

[times]
answer = "5s"
query = "3s"
give_up = "45s"

[pass]
life = "60s"
tolerance = "30s"

[device]
new_for = "72h"
new_units_online = 1

[offline]
floor = 5000
account_yen = 10000
account_count = 3
full_for = "1h"
nothing_after = "24h"
decline_bars = "24h"

[reserve]
register_percent = 10
store_percent = 30

[[category]]
id = "tobacco"
high_resale = true

[[cap]]
id = "tobacco-day"
scope = "store"
window = "day"
category = "tobacco"
units = 257

[[watch]]
gtin = "49400762"
category = "tobacco"
units = 1

[[pass_issuer]]
name = "demo-wallet"
key_id = "demo-1"
key = "%s"
""" % base64.b64encode(ed25519.public(hashlib.sha256(b"a wallet, for vectors").digest())).decode()

IDENTITY = """\
register = "r1"
store = "store-0001"
class = "convenience"
realm = "demo/vectors"
"""


def key_hash(name, seed):
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + ed25519.public(seed)).digest()[:4]


def verifier(name, seed):
    key = base64.b64encode(ED25519 + ed25519.public(seed)).decode()
    return "%s+%s+%s" % (name, key_hash(name, seed).hex(), key)


def signer(name, seed):
    return "PRIVATE+KEY+%s+%s+%s" % (name, key_hash(name, seed).hex(), base64.b64encode(ED25519 + seed).decode())


def signature(text, name, seed, claims=None):
    raw = (claims or key_hash(name, seed)) + ed25519.sign(seed, text.encode())
    return "\u2014 %s %s\n" % (name, base64.b64encode(raw).decode())


def note(text, *lines):
    return text + "\n" + "".join(lines)


def bad():
    """Notes that the verifier must refuse."""
    good = signature(POLICY, NAME, SEED)
    raw = base64.b64decode(good.split()[2])
    return {
        "no signature": POLICY,
        "no blank line": POLICY + good,
        "no newline at the end": note(POLICY, good)[:-1],
        "a text changed": note(POLICY.replace("units = 257", "units = 258"), good),
        "a hyphen for the dash": note(POLICY, good.replace("\u2014", "-")),
        "signed by a stranger": note(POLICY, signature(POLICY, NAME, STRANGER)),
        "a stranger under the key's hash": note(POLICY, signature(POLICY, NAME, STRANGER, key_hash(NAME, SEED))),
        "another name": note(POLICY, signature(POLICY, "other-chain", SEED)),
        "without the key's hash": note(POLICY, "\u2014 %s %s\n" % (NAME, base64.b64encode(raw[4:]).decode())),
        "the blank line signed too": note(POLICY, signature(POLICY + "\n", NAME, SEED)),
        "the last newline not signed": note(POLICY, signature(POLICY[:-1], NAME, SEED)),
        "a tab": note(POLICY.replace("units = 257", "units =\t257"), signature(POLICY.replace("units = 257", "units =\t257"), NAME, SEED)),
        "Windows' line ends": note(POLICY.replace("\n", "\r\n"), signature(POLICY.replace("\n", "\r\n"), NAME, SEED)),
    }


def person(n):
    return "policy-%d" % n, PEOPLE[n - 1]


ROOT, NEXT, FREEZER = (NAME, SEED), ("next-chain", HEIR), ("freeze-desk", DESK)


def roles(version, root, threshold=2, keys=None):
    keys = keys or [verifier(*person(n)) for n in (1, 2, 3)]
    return 'version = %d\nrealm = "%s"\nroot = "%s"\n\n[policy]\nthreshold = %d\nkeys = [%s]\n\n[freeze]\nthreshold = 1\nkeys = ["%s"]\n' % (
        version, REALM, verifier(*root), threshold, ", ".join('"%s"' % k for k in keys), verifier(*FREEZER))


def signed(text, *keys):
    return note(text, *[signature(text, *k) for k in keys])


def freeze(version, rest):
    return 'version = %d\nrealm = "%s"\n%s' % (version, REALM, rest)


def trust():
    """Who signs what: roles 1 under the root above, roles 2 that name another root,
    roles 3 by that one; policies and freezes under roles 1."""
    first = roles(1, ROOT)
    second = signed(roles(2, NEXT), ROOT, NEXT)
    third = signed(roles(3, NEXT), NEXT)
    other_name = ("policy-2", PEOPLE[0])  # the first person's key in the second's name
    stop = freeze(5, 'categories = ["tobacco"]\nissuers = ["demo-wallet"]\n')
    less = freeze(6, 'categories = ["tobacco"]\n')
    more = freeze(6, 'all = true\ncategories = ["tobacco"]\nissuers = ["demo-wallet"]\n')
    return {
        "text": first,
        "note": signed(first, ROOT),
        "chain": "\f".join([signed(first, ROOT), second, third]),
        "bad_roles": {
            "signed by the next root alone": signed(roles(2, NEXT), NEXT),
            "the next root did not sign": signed(roles(2, NEXT), ROOT),
            "signed by the policy role": signed(roles(2, ROOT), person(1), person(2), person(3)),
            "one key under two names": signed(roles(2, ROOT, keys=[verifier(*person(1)), verifier(*other_name)]), ROOT),
            "more keys needed than there are": signed(roles(2, ROOT, threshold=4), ROOT),
            "an older version": signed(first, ROOT),
            "the last note of the chain alone": third,
        },
        "policies": {
            "one and two": signed(POLICY, person(1), person(2)),
            "three, a stranger, one": signed(POLICY, person(3), ("somebody-else", STRANGER), person(1)),
        },
        "bad_policies": {
            "one": signed(POLICY, person(1)),
            "one twice": signed(POLICY, person(1), person(1)),
            "one under two names": signed(POLICY, person(1), other_name),
            "one and the root": signed(POLICY, person(1), ROOT),
            "one and the freeze desk": signed(POLICY, person(1), FREEZER),
            "one, and two's over another text": note(POLICY, signature(POLICY, *person(1)), signature(POLICY + "#\n", *person(2))),
        },
        "freeze": signed(stop, FREEZER),
        "follows": {
            "more, by the freeze desk": signed(more, FREEZER),
            "less, by the policy role": signed(less, person(1), person(3)),
        },
        "does_not_follow": {
            "less, by the freeze desk": signed(less, FREEZER),
            "less, by the freeze desk and one of the policy role": signed(less, FREEZER, person(1)),
            "the same version": signed(stop, FREEZER),
            "an older version, by the policy role": signed(freeze(4, ""), person(1), person(2)),
            "a version too far": signed(freeze(10_000_000_006, 'all = true\ncategories = ["tobacco"]\nissuers = ["demo-wallet"]\n'), FREEZER),
        },
    }


def main():
    out = {
        "made_by": "docs/vectors/note.py",
        "name": NAME,
        "realm": REALM,
        "signer": signer(NAME, SEED),
        "verifier": verifier(NAME, SEED),
        "key_hash": key_hash(NAME, SEED).hex(),
        "policy": {"text": POLICY, "note": note(POLICY, signature(POLICY, NAME, SEED))},
        "second_signature": note(POLICY, signature(POLICY, "somebody-else", STRANGER), signature(POLICY, NAME, SEED)),
        "identity": {"text": IDENTITY, "note": note(IDENTITY, signature(IDENTITY, NAME, SEED))},
        "bad": bad(),
        "trust": trust(),
    }
    path = pathlib.Path(__file__).resolve().parent / "note.json"
    path.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
