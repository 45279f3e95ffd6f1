#!/usr/bin/env python3
"""Holds shapes.py, verify.py and enrol.py against the vectors; says what differs, and exits with 1 then."""

import base64
import hashlib
import json
import pathlib
import sys

sys.dont_write_bytecode = True

import enrol
import shapes
import verify

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"
wrong = []


def load(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def hold(name, got, want):
    if got != want:
        wrong.append("%s: %r, not %r" % (name, got, want))


def code_of(text):
    try:
        shapes.parse(text.encode())
        return None
    except shapes.Problem as problem:
        return problem.code


def refusal(act, *args):
    try:
        act(*args)
        return ""
    except verify.BadPass as bad:
        return str(bad)


def goes_down(text):
    try:
        message = json.loads(text)
        return message["type"] in shapes.DOWNWARD or message["type"] == "grants" and "counters" not in message["grants"]
    except (ValueError, TypeError, KeyError):
        return False


def wire():
    vectors = load("wire.json")
    for v in vectors["messages"]:
        if not goes_down(v["text"]):
            hold(v["name"], code_of(v["text"]), None)
    for v in vectors["bad"]:
        if not goes_down(v["text"]):
            hold(v["name"], code_of(v["text"]), v["code"])
    v = vectors["evidence"]
    opened = verify.hpke_open(bytes.fromhex(v["private_key"]), bytes.fromhex(v["info"]), base64.b64decode(v["evidence"]))
    hold("evidence", opened, v["code"].encode())
    other = verify.hpke_open(bytes.fromhex(v["private_key"]), b"another payment", base64.b64decode(v["evidence"]))
    hold("evidence of another payment", other, None)


def passes():
    vectors = load("pass.json")
    issuers = {bytes.fromhex(i["key_id"]): (i["name"], bytes.fromhex(i["public"])) for i in vectors["trusted"]}
    for v in vectors["good"]:
        shown = verify.read_pass(v["text"], issuers, vectors["audience"])
        hold(v["name"], shown["identity"], v["identity"])
        for f in v["fresh"]:
            hold("%s at %d" % (v["name"], f["now"]), refusal(verify.check_age, shown, f["now"], f["max_age"], f["tolerance"]), f["code"])
    for v in vectors["bad"]:
        hold(v["name"], refusal(verify.read_pass, v["text"], issuers, vectors["audience"]), v["code"])


def notes():
    vectors = load("note.json")
    keys = [vectors["verifier"]]
    hold("note", verify.open_note(vectors["policy"]["note"], keys), vectors["policy"]["text"])
    hold("second signature", verify.open_note(vectors["second_signature"], keys), vectors["policy"]["text"])
    for name, note in vectors["bad"].items():
        hold(name, verify.open_note(note, keys), None)
    name, _, key = verify.read_vkey(vectors["verifier"])
    hold("verifier", verify.write_vkey(name, key), vectors["verifier"])
    hold("identity", enrol.sign_note(vectors["identity"]["text"], vectors["signer"]), vectors["identity"]["note"])


def codes():
    """The example of enrolment.md."""
    code = enrol.one_time_code(bytes(range(10)), b"a CA")
    hold("code", code, "000G4-0R40M-30E20-9FCRA-MDFRB-9RCQT-SVG9X-34E5Q-C5SE4")
    hold("secret", enrol.base32(bytes(range(10))), code.replace("-", "")[:16])
    hold("mistyped", enrol.known_by("oo0g4 or4om 3"), enrol.known_by("000G4-0R40M-3"))


def consistency(old, hashes, whole=True):
    """RFC 6962, section 2.1.2: the proof, as a register makes it."""
    if old == len(hashes):
        return [] if whole else [verify.root(hashes)]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if old <= split:
        return consistency(old, hashes[:split], whole) + [verify.root(hashes[split:])]
    return consistency(old - split, hashes[split:], False) + [verify.root(hashes[:split])]


def trees():
    vectors = load("journal.json")
    leaves = [bytes.fromhex(v["leaf"]) for v in vectors["entries"]]
    hashes = [verify.leaf_hash(l) for l in leaves]
    for n, root in enumerate(vectors["roots"]):
        hold("root of %d" % n, verify.root(hashes[:n]).hex(), root)
    for export in vectors["exports"]:
        for e in export["entries"]:
            leaf = e["leaf"].encode()
            proof = [base64.b64decode(h) for h in e["proof"]]
            at = json.loads(leaf)["seq"]
            hold("entry %d" % at, verify.included(at, export["size"], verify.leaf_hash(leaf), proof, base64.b64decode(export["root"])), True)
            hold("entry %d elsewhere" % at, verify.included(at + 1, export["size"], verify.leaf_hash(leaf), proof, base64.b64decode(export["root"])), False)
    other = [hashlib.sha256(b"another").digest()] + hashes[1:]
    for size in range(1, len(hashes) + 1):
        for old in range(1, size + 1):
            proof, root = consistency(old, hashes[:size]), verify.root(hashes[:size])
            hold("%d to %d" % (old, size), verify.extends(old, verify.root(hashes[:old]), size, root, proof), True)
            hold("another %d to %d" % (old, size), verify.extends(old, verify.root(other[:old]), size, root, proof), False)
            hold("%d to %d, too long" % (old, size), verify.extends(old, verify.root(hashes[:old]), size, root, proof + [root]), False)


for part in (wire, passes, notes, codes, trees):
    part()
print("\n".join(wrong) or "all vectors hold")
sys.exit(bool(wrong))
