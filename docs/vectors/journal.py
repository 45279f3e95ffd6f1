#!/usr/bin/env python3
"""Writes journal.json beside itself: entries of the register's journal, their
leaves (RFC 8785), private parts and the roots of their tree (RFC 6962). Made
without any of the product's code. Needs Python 3.9 and nothing else.
"""

import base64
import hashlib
import json
import pathlib

NOW = 1767582000000  # 2026-01-05T03:00:00Z
ONE = "019b8c1e-7a00-7000-8000-000000000001"
TWO = "019b8c1e-7a00-7000-8000-000000000002"
REFUND = "019b8c1e-7a00-7000-8000-0000000000b1"
VOID = "019b8c1e-7a00-7000-8000-0000000000a1"
INCARNATION = "5f0c6b0e3b7f4a51a3a1f6a1c0ffee01"
SALE_HASH = hashlib.sha256(b"a sale").hexdigest()


def canonical(value):
    """RFC 8785 for what an entry holds: integers below 2^53, texts, lists and
    objects whose keys are ASCII, so that they sort alike as UTF-16 and here."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def entry(seq, kind, **fields):
    return {"v": 1, "seq": seq, "time": NOW + 1000 * seq, "type": kind, "incarnation": INCARNATION, **fields}


def payment(seq, identity, state, **fields):
    return entry(
        seq,
        "payment",
        payment=identity,
        state=state,
        sale="4711-20260105-0042",
        revision=3,
        sale_hash=SALE_HASH,
        amount=1160,
        currency="JPY",
        business_day="2026-01-05",
        policy=3,
        **fields,
    )


SPENDS = [
    {"cap": "tobacco-day", "window": "2026-01-05", "yen": 1160, "units": 2},
    {"cap": "tobacco-offline", "window": "2026-01-05", "yen": 1160, "units": 0},
]
PRIVATE = {"code": "pass", "issuer": "demo-wallet", "account": "0f1e2d3c4b5a6978", "masked": "…vB4r"}
SEEN = dict(PRIVATE, seen=hashlib.sha256(b"a code").hexdigest())
HARD = 'ベル "\\/<b>&amp;\u2028é é \b\t\f\x01\x7f'

# Each is an entry and its private part, or None.
ENTRIES = [
    (entry(0, "start"), None),
    (entry(1, "policy", policy=3), None),
    (payment(2, ONE, "sent", spends=SPENDS[:1]), SEEN),
    (payment(3, ONE, "unknown", reason="backend.unreachable", spends=SPENDS[:1]), PRIVATE),
    (payment(4, ONE, "approved", spends=SPENDS[:1], approval_code="7QX2MN"), PRIVATE),
    (entry(5, "mark", payment=ONE, state="approved", mark="handed-over", by="next-sale", sale="4711", amount=1160, currency="JPY"), None),
    (payment(6, TWO, "approved-offline", offline=True, spends=SPENDS, categories=["gift-card", "tobacco"]), SEEN),
    (entry(7, "mark", payment=TWO, state="approved-offline", mark="void", by="cashier", void=VOID, sale="4711", amount=1160, currency="JPY"), None),
    (entry(8, "payment", payment=TWO, state="refused", reason="code.not-payment", sale=HARD, revision=1, sale_hash=SALE_HASH, amount=9007199254740991, currency="JPY"), {"code": "other", "masked": HARD}),
    (entry(9, "mark", payment=ONE, state="approved", mark="refund", refund=REFUND, sale="4711", amount=580, currency="JPY"), None),
    (entry(10, "mark", payment=ONE, state="approved", mark="refund-refused", reason="refund.refused", refund=REFUND, sale="4711", amount=580, currency="JPY"), None),
    (entry(11, "erase", payment=ONE), None),
    (entry(12, "freeze", freeze=8), None),
    (entry(13, "roles", roles=2), None),
    (entry(14, "quarantine", reason="ledger.older"), None),
    (entry(15, "quarantine"), None),
    (payment(16, TWO, "rejected", reason="account.denied", offline=True, spends=SPENDS, categories=["gift-card", "tobacco"], bearer="store"), PRIVATE),
    (entry(17, "mark", payment=ONE, state="advised", mark="set-aside", sale="4711", amount=1160, currency="JPY"), None),
    (entry(18, "mark", payment=REFUND, mark="set-aside", currency="JPY"), None),
    (entry(19, "pruned", first=12, size=17), None),
    (entry(20, "stop"), None),
]


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes):
    """RFC 6962, section 2.1: split at the largest power of two below."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node(root(hashes[:k]), root(hashes[k:]))


def path(m, hashes):
    """RFC 6962, section 2.1.1: the hashes from leaf m up to the root."""
    if len(hashes) == 1:
        return []
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m < k:
        return path(m, hashes[:k]) + [root(hashes[k:])]
    return path(m - k, hashes[k:]) + [root(hashes[:k])]


def export(identity, vectors, hashes, size):
    """The entries of one payment and their proofs in the tree of a size."""
    case = [v for v in vectors if v["entry"].get("payment") == identity]
    entries = []
    for v in case:
        seq = v["entry"]["seq"]
        if seq >= size:
            continue
        out = {"leaf": bytes.fromhex(v["leaf"]).decode(), "proof": [base64.b64encode(h).decode() for h in path(seq, hashes[:size])]}
        if "private" in v:
            out.update(private=bytes.fromhex(v["private"]["bytes"]).decode(), salt=v["private"]["salt"])
        entries.append(out)
    out = {"v": 1, "origin": "sekisho/store-0001/r1", "payment": identity, "size": size, "root": base64.b64encode(root(hashes[:size])).decode(), "entries": entries}
    if len(entries) < len(case):
        out["newer"] = len(case) - len(entries)
    return out


def vector(fields, private, hashes):
    """hashes: those of the leaves before it."""
    out = {}
    if "size" in fields:
        fields = dict(fields, root=root(hashes[: fields["size"]]).hex())
    if private is not None:
        salt = hashlib.sha256(b"salt %d" % fields["seq"]).digest()
        sealed = canonical(private)
        fields = dict(fields, private=hashlib.sha256(salt + sealed).hexdigest())
        out["private"] = {"fields": private, "salt": salt.hex(), "bytes": sealed.hex(), "hash": fields["private"]}
    leaf = canonical(fields)
    out.update(entry=fields, leaf=leaf.hex(), leaf_hash=hashlib.sha256(b"\x00" + leaf).hexdigest())
    return out


def no_leaves():
    """Texts that say what an entry says, or nearly, and are no leaf."""
    good = ENTRIES[2][0]
    text = canonical(good).decode()
    return {
        "nothing": "",
        "a space": text.replace(",", ", ", 1),
        "a newline after": text + "\n",
        "another order": json.dumps(good, separators=(",", ":")),
        "a key that is not known": canonical(dict(good, colour="red")).decode(),
        "a key twice": text.replace('"amount":1160', '"amount":1,"amount":1160'),
        "another version": canonical(dict(good, v=2)).decode(),
        "a fraction": text.replace("1160", "1160.0"),
        "an exponent": text.replace('"amount":1160', '"amount":116e1'),
        "an escape that is not needed": text.replace("JPY", "\\u004aPY"),
        "an empty text instead of none": canonical(dict(good, reason="")).decode(),
        "null instead of none": canonical(dict(good, reason=None)).decode(),
        "two entries": text + text,
        "a key in capitals": text.replace('"amount"', '"Amount"'),
    }


def main():
    vectors, hashes = [], []
    for e, p in ENTRIES:
        vectors.append(vector(e, p, hashes))
        hashes.append(bytes.fromhex(vectors[-1]["leaf_hash"]))
    out = {
        "made_by": "docs/vectors/journal.py",
        "entries": vectors,
        "roots": [root(hashes[:n]).hex() for n in range(len(hashes) + 1)],
        "exports": [export(ONE, vectors, hashes, len(hashes)), export(ONE, vectors, hashes, 6), export(TWO, vectors, hashes, 9)],
        "no_leaves": no_leaves(),
    }
    target = pathlib.Path(__file__).resolve().parent / "journal.json"
    target.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
