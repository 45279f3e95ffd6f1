#!/usr/bin/env python3
"""Writes wire.json beside itself: one message of every type of docs/protocol.md,
bad ones with the code of the error they must get, and a sealed evidence. Made
without any of the product's code. Needs Python 3.9 and nothing else.

With --seeds DIR it also writes each text as a seed for Go's fuzzer:

    python3 docs/vectors/wire.py --seeds terminal/wire/testdata/fuzz/FuzzParse

All keys here are hashes of plain words and belong to nobody.
"""

import base64
import copy
import hashlib
import json
import pathlib
import sys

sys.dont_write_bytecode = True  # the helper beside this script leaves no cache in the tree

import hpke_rfc9180 as hpke

NOW = 1767582000000  # 2026-01-05T03:00:00Z, noon in Tokyo
DAY = "2026-01-05"
PAYMENT = "019b8c1e-7a00-7000-8000-000000000001"
OFFLINE = "019b8c1e-7a00-7000-8000-000000000002"
VOID = "019b8c1e-7a00-7000-8000-0000000000a1"
REFUND = "019b8c1e-7a00-7000-8000-0000000000b1"
HASH = hashlib.sha256(b"a sale").hexdigest()
HEAD = {"size": 42, "root": hashlib.sha256(b"a journal").hexdigest()}
CODE = "SK1:6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDEXWK G2EP4J0BGJLFX3R3VHXK.PJ:2DPF6R"
VERSIONS = {"policy": 3, "freeze": 0, "denials": 0}


def amount(yen, units):
    return {"yen": yen, "units": units}


def upward(kind, body, key=None, name=None, **changes):
    message = {
        "v": 1,
        "type": kind,
        "id": "m-" + (name or kind),
        "session": 7,
        "incarnation": "5f0c6b0e3b7f4a51a3a1f6a1c0ffee01",
        "journal": HEAD,
        key or kind: body,
    }
    message.update(changes)
    return {k: v for k, v in message.items() if v is not None}


def downward(kind, body, re=None, name=None):
    message = {"v": 1, "type": kind, "id": "b-" + (name or kind), "re": re, "session": 7, kind: body}
    return {k: v for k, v in message.items() if v is not None}


COUNTERS = [
    {
        "cap": "tobacco-day",
        "window": DAY,
        "granted": amount(3000, 5),
        "used": amount(1160, 2),
        "released": amount(0, 0),
        "returned": amount(0, 0),
    }
]
RETURNED = [{**COUNTERS[0], "returned": amount(1840, 3)}]
GRANTS = [{"cap": "tobacco-day", "window": DAY, "total": amount(3000, 5)}]
SALE = {
    "ref": "4711-20260105-0042",
    "revision": 3,
    "hash": HASH,
    "lines": [{"category": "tobacco", "yen": 1160, "units": 2}],
}


def common(payment=PAYMENT, **more):
    return {
        "payment": payment,
        "journal_index": 41,
        "business_day": DAY,
        "window": DAY,
        "not_after": 0,
        "sale_hash": HASH,
        "versions": VERSIONS,
        "clock": "authenticated",
        "contact_age": 250,
        "currency": "JPY",
        **more,
    }


SECRET = hashlib.sha256(b"sekisho vector backend").digest()
EPHEMERAL = hashlib.sha256(b"sekisho vector ephemeral").digest()


def evidence(payment, code):
    info = b"sekisho.evidence.v1\n" + payment.encode()
    return base64.b64encode(hpke.seal(hpke.public(SECRET), EPHEMERAL, info, code.encode())).decode()


def denied(account, minute):
    """One record of the denials: the account's id, and the minute in which it ends."""
    return base64.b64encode(bytes.fromhex(account) + minute.to_bytes(4, "big")).decode()


GOOD = [
    upward(
        "hello",
        {
            "register": "r1",
            "store": "store-0001",
            "software": "sekishod/0.1",
            "versions": VERSIONS,
            "roles": 1,
            "counters": COUNTERS,
        },
        session=None,
    ),
    upward(
        "hello",
        {
            "register": "r1",
            "store": "store-0001",
            "software": "sekishod/0.1",
            "versions": {"policy": 3, "freeze": 1, "denials": 2},
            "roles": 1,
            "counters": [],
            "quarantine": "ledger.older",
        },
        session=None,
        name="hello-in-doubt",
    ),
    downward(
        "welcome",
        {
            "session": 7,
            "time": NOW,
            "grants": GRANTS,
            "policy": "version = 3\n…\n\n— demo-policy-1 AbCd…\n— demo-policy-2 AbCd…\n",
            "roles": "version = 2\n…\n\n— demo-root AbCd…\n",
            "freeze": "version = 1\n…\n\n— demo-freeze AbCd…\n",
            "checkpoint": {"size": 40, "root": hashlib.sha256(b"a journal before").hexdigest()},
        },
        re="m-hello",
    ),
    downward(
        "welcome",
        {"session": 7, "time": NOW, "grants": [], "quarantine": "ledger.forked"},
        re="m-hello",
        name="welcome-in-doubt",
    ),
    downward(
        "welcome",
        {"session": 8, "time": NOW, "grants": [], "released": "5f0c6b0e3b7f4a51a3a1f6a1c0ffee01"},
        re="m-hello-in-doubt",
        name="welcome-released",
    ),
    downward(
        "welcome",
        {
            "session": 7,
            "time": NOW,
            "grants": [],
            "checkpoint": {"size": 40, "root": hashlib.sha256(b"a journal before").hexdigest()},
            "challenge": 17,
            "uploaded": 40,
        },
        re="m-hello",
        name="welcome-challenge",
    ),
    upward(
        "authorise",
        common(
            not_after=NOW + 10000,
            counters=COUNTERS,
            amount=1160,
            kind="pass",
            issuer="demo-wallet",
            code=CODE,
            sale=SALE,
            spends=[{"cap": "tobacco-day", "window": DAY, "reserved": amount(1160, 2), "need": amount(0, 0)}],
        ),
    ),
    downward(
        "answer",
        {
            "payment": PAYMENT,
            "outcome": "approved",
            "amount": 1160,
            "approval_code": "7QX2MN",
            "issuer": "demo-wallet",
            "account": "…vB4r",
            "account_key": "0f1e2d3c4b5a6978",
            "grants": [{"cap": "tobacco-day", "window": DAY, "total": amount(4160, 7)}],
            "limits": {"yen": 2000, "count": 1},
            "time": NOW + 180,
        },
        re="m-authorise",
    ),
    upward("query", common()),
    upward("reversal", common(why="timeout")),
    upward(
        "advice",
        common(
            payment=OFFLINE,
            counters=COUNTERS,
            contact_age=95000,
            amount=1160,
            kind="pass",
            issuer="demo-wallet",
            sale=SALE,
            spends=[{"cap": "tobacco-day", "window": DAY, "reserved": amount(1160, 2), "need": amount(0, 0)}],
            created=NOW - 60000,
            evidence=evidence(OFFLINE, CODE),
        ),
    ),
    upward("void", common(id=VOID)),
    upward("refund", common(id=REFUND, amount=500)),
    downward(
        "ack",
        {
            "payment": OFFLINE,
            "of": "advice",
            "status": "rejected",
            "reason": "account.denied",
            "bearer": "operator",
            "grants": GRANTS,
            "time": NOW + 200,
        },
        re="m-advice",
    ),
    downward(
        "ack",
        {
            "payment": PAYMENT,
            "of": "refund",
            "op": REFUND,
            "status": "rejected",
            "reason": "refund.refused",
            "grants": GRANTS,
            "time": NOW + 300,
        },
        re="m-refund",
        name="ack-refund",
    ),
    downward("ack", {"of": "grants", "status": "accepted", "time": NOW + 400}, re="m-grants-back", name="ack-grants"),
    downward(
        "ack",
        {"of": "checkpoint", "status": "rejected", "reason": "register.quarantine", "time": NOW + 500},
        re="m-checkpoint",
        name="ack-checkpoint",
    ),
    downward(
        "ack",
        {"of": "journal", "status": "accepted", "size": 42, "time": NOW + 600},
        re="m-journal",
        name="ack-journal",
    ),
    downward("policy", {"note": "version = 4\n…\n\n— demo-policy-1 AbCd…\n— demo-policy-2 AbCd…\n"}),
    downward("policy", {"roles": "version = 3\n…\n\n— demo-root AbCd…\n"}, name="policy-roles"),
    downward("freeze", {"note": "version = 1\n…\n\n— demo-freeze AbCd…\n"}),
    downward("denials", {"from": 0, "to": 2, "part": 1, "parts": 1, "add": denied("0f1e2d3c4b5a6978", 29500000)}),
    downward(
        "denials",
        {
            "from": 2,
            "to": 5,
            "part": 1,
            "parts": 2,
            "add": denied("00000000000000ff", 29500000) + denied("0f1e2d3c4b5a6978", 29501440),
            "issued_before": {"demo-wallet": NOW},
        },
        name="denials-part-1",
    ),
    downward(
        "denials",
        {"from": 2, "to": 5, "part": 2, "parts": 2, "remove": base64.b64encode(bytes(8)).decode()},
        name="denials-part-2",
    ),
    downward("grants", {"grants": GRANTS}),
    upward("grants", {"grants": [], "counters": RETURNED}, name="grants-back"),
    upward("journal", {"from": 41, "leaves": [base64.b64encode(b"{}").decode()]}, key="entries"),
    upward(
        "checkpoint",
        {
            "note": "sekisho/store-0001/r1\n42\nAbCd…\n\n— sekisho/store-0001/r1 AbCd…\n",
            "from": 40,
            "proof": [hashlib.sha256(b"a node").hexdigest(), hashlib.sha256(b"another").hexdigest()],
        },
    ),
    upward(
        "checkpoint",
        {
            "note": "sekisho/store-0001/r1\n42\nAbCd…\n\n— sekisho/store-0001/r1 AbCd…\n",
            "from": 40,
            "proof": [hashlib.sha256(b"a node").hexdigest()],
            "leaf": {
                "index": 17,
                "hash": hashlib.sha256(b"a leaf").hexdigest(),
                "proof": [hashlib.sha256(b"its neighbour").hexdigest()],
            },
        },
        name="checkpoint-challenge",
    ),
    downward("error", {"code": "session", "text": "this is not the register's latest session"}, re="m-query"),
    upward("error", {"code": "version", "text": "policy 2 follows policy 3"}, name="error-up"),
]


def name(message):
    """What the message's id says: its type, or a case of it."""
    return message["id"].split("-", 1)[1]


BY_NAME = {name(m): m for m in GOOD}


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def changed(of, *path, to=None, drop=False):
    """A good message with one value changed or taken away."""
    message = copy.deepcopy(BY_NAME[of])
    place = message
    for step in path[:-1]:
        place = place[step]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return compact(message)


def doubled(of, field):
    """A good message whose body begins with one field more, as JSON."""
    return compact(BY_NAME[of]).replace('"%s":{' % of, '"%s":{%s,' % (of, field), 1)


def bad(name, code, text):
    return {"name": name, "code": code, "text": text}


BAD = [
    bad("nothing", "syntax", ""),
    bad("no-object", "syntax", "[1]"),
    bad("cut-short", "syntax", compact(BY_NAME["query"])[:-1]),
    bad("two-messages", "syntax", compact(BY_NAME["query"]) * 2),
    bad("amount-as-text", "syntax", changed("authorise", "authorise", "amount", to="1160")),
    bad("amount-with-fraction", "syntax", changed("authorise", "authorise", "amount", to=1160.5)),
    bad("amount-twice", "syntax", doubled("authorise", '"amount":1')),
    bad("amount-twice-in-capitals", "syntax", doubled("authorise", '"AMOUNT":1')),
    bad("amount-twice-escaped", "syntax", doubled("authorise", '"am\\u006funt":1')),
    bad("outcome-twice", "syntax", doubled("answer", '"Outcome":"declined"')),
    bad("a-name-twice-that-nobody-knows", "syntax", compact(BY_NAME["query"])[:-1] + ',"x":{"a":1,"b":[{"a":2}],"A":3}}'),
    bad("amount-beyond-64-bits", "syntax", changed("authorise", "authorise", "amount", to=2**63)),
    bad("null", "version", "null"),
    bad("another-version", "version", changed("query", "v", to=2)),
    bad("no-version", "version", changed("query", "v", drop=True)),
    bad("unknown-type", "type", changed("query", "type", to="greeting")),
    bad("no-type", "type", changed("query", "type", drop=True)),
    bad("no-id", "body", changed("query", "id", drop=True)),
    bad("long-id", "body", changed("query", "id", to="x" * 101)),
    bad("session-below-zero", "body", changed("query", "session", to=-1)),
    bad("no-incarnation", "body", changed("query", "incarnation", drop=True)),
    bad("no-journal-head", "body", changed("query", "journal", drop=True)),
    bad("root-upper-case", "body", changed("query", "journal", "root", to="A" * 64)),
    bad("size-below-zero", "body", changed("query", "journal", "size", to=-1)),
    bad("body-of-another-type", "body", changed("query", "type", to="void")),
    bad("two-bodies", "body", changed("query", "error", to={"code": "trouble", "text": ""})),
    bad("no-body", "body", changed("query", "query", drop=True)),
    bad("payment-no-uuid", "body", changed("query", "query", "payment", to="4711")),
    bad("payment-uuid-4", "body", changed("query", "query", "payment", to=PAYMENT.replace("-7000", "-4000"))),
    bad("payment-upper-case", "body", changed("query", "query", "payment", to=PAYMENT.upper())),
    bad("day-no-date", "body", changed("query", "query", "business_day", to="5 January")),
    bad("window-missing", "body", changed("query", "query", "window", drop=True)),
    bad("sale-hash-short", "body", changed("query", "query", "sale_hash", to="ab")),
    bad("clock-unknown", "body", changed("query", "query", "clock", to="sundial")),
    bad("contact-age-below", "body", changed("query", "query", "contact_age", to=-2)),
    bad("dollars", "body", changed("query", "query", "currency", to="USD")),
    bad("currency-missing", "body", changed("query", "query", "currency", drop=True)),
    bad("policy-version-below-zero", "body", changed("query", "query", "versions", "policy", to=-1)),
    bad("hello-without-store", "body", changed("hello", "hello", "store", drop=True)),
    bad("counter-below-zero", "body", changed("hello", "hello", "counters", 0, "used", "yen", to=-1)),
    bad("welcome-without-session", "body", changed("welcome", "welcome", "session", to=0)),
    bad("grant-below-zero", "body", changed("welcome", "welcome", "grants", 0, "total", "units", to=-1)),
    bad("authorise-without-end", "body", changed("authorise", "authorise", "not_after", to=0)),
    bad("authorise-end-beyond-9999", "body", changed("authorise", "authorise", "not_after", to=253402300800000)),
    bad("authorise-without-code", "body", changed("authorise", "authorise", "code", to="")),
    bad("authorise-long-code", "body", changed("authorise", "authorise", "code", to="9" * 4097)),
    bad("authorise-of-nothing", "body", changed("authorise", "authorise", "amount", to=0)),
    bad("authorise-below-zero", "body", changed("authorise", "authorise", "amount", to=-720)),
    bad("line-below-zero", "body", changed("authorise", "authorise", "sale", "lines", 0, "yen", to=-1)),
    bad("need-below-zero", "body", changed("authorise", "authorise", "spends", 0, "need", "yen", to=-1)),
    bad("answer-without-time", "body", changed("answer", "answer", "time", drop=True)),
    bad("answer-without-outcome", "body", changed("answer", "answer", "outcome", to="")),
    bad("reversal-without-why", "body", changed("reversal", "reversal", "why", drop=True)),
    bad("evidence-no-base64", "body", changed("advice", "advice", "evidence", to="*")),
    bad("advice-without-created", "body", changed("advice", "advice", "created", drop=True)),
    bad("advice-created-beyond-9999", "body", changed("advice", "advice", "created", to=253402300800000)),
    bad("void-without-id", "body", changed("void", "void", "id", drop=True)),
    bad("refund-of-nothing", "body", changed("refund", "refund", "amount", to=0)),
    bad("ack-of-a-query", "body", changed("ack", "ack", "of", to="query")),
    bad("ack-without-status", "body", changed("ack", "ack", "status", drop=True)),
    bad("denials-backwards", "body", changed("denials", "denials", "from", to=3)),
    bad("roles-below-zero", "body", changed("hello", "hello", "roles", to=-1)),
    bad("quarantine-too-long", "body", changed("hello-in-doubt", "hello", "quarantine", to="x" * 101)),
    bad("freeze-version-below-zero", "body", changed("hello", "hello", "versions", "freeze", to=-1)),
    bad("welcome-checkpoint-without-root", "body", changed("welcome", "welcome", "checkpoint", "root", to="")),
    bad("released-too-long", "body", changed("welcome-released", "welcome", "released", to="x" * 101)),
    bad("limit-below-zero", "body", changed("answer", "answer", "limits", "yen", to=-1)),
    bad("limit-count-below-zero", "body", changed("answer", "answer", "limits", "count", to=-1)),
    bad("ack-without-payment", "body", changed("ack", "ack", "payment", drop=True)),
    bad("ack-of-grants-with-payment", "body", changed("ack-grants", "ack", "payment", to=PAYMENT)),
    bad("ack-of-checkpoint-with-payment", "body", changed("ack-checkpoint", "ack", "payment", to=PAYMENT)),
    bad("policy-of-nothing", "body", changed("policy-roles", "policy", "roles", drop=True)),
    bad("denials-part-0", "body", changed("denials", "denials", "part", to=0)),
    bad("denials-part-beyond", "body", changed("denials", "denials", "part", to=2)),
    bad("denials-too-many-parts", "body", changed("denials", "denials", "parts", to=1001)),
    bad("denials-add-cut-short", "body", changed("denials", "denials", "add", to=base64.b64encode(bytes(11)).decode())),
    bad("denials-add-no-base64", "body", changed("denials", "denials", "add", to="*")),
    bad("denials-remove-cut-short", "body", changed("denials-part-2", "denials", "remove", to=base64.b64encode(bytes(12)).decode())),
    bad("issued-before-below-zero", "body", changed("denials-part-1", "denials", "issued_before", "demo-wallet", to=-1)),
    bad("issued-before-beyond-9999", "body", changed("denials-part-1", "denials", "issued_before", "demo-wallet", to=253402300800000)),
    bad("issued-before-of-nobody", "body", changed("denials-part-1", "denials", "issued_before", to={"": NOW})),
    bad("returned-below-zero", "body", changed("grants-back", "grants", "counters", 0, "returned", "units", to=-1)),
    bad("grants-both-ways", "body", changed("grants-back", "grants", "grants", to=GRANTS)),
    bad("grants-back-without-incarnation", "body", changed("grants-back", "incarnation", drop=True)),
    bad("grants-back-without-head", "body", changed("grants-back", "journal", drop=True)),
    bad("checkpoint-without-note", "body", changed("checkpoint", "checkpoint", "note", drop=True)),
    bad("checkpoint-from-below-zero", "body", changed("checkpoint", "checkpoint", "from", to=-1)),
    bad("checkpoint-proof-no-hash", "body", changed("checkpoint", "checkpoint", "proof", 0, to="ab")),
    bad("checkpoint-leaf-beyond-from", "body", changed("checkpoint-challenge", "checkpoint", "leaf", "index", to=40)),
    bad("checkpoint-leaf-no-hash", "body", changed("checkpoint-challenge", "checkpoint", "leaf", "hash", to="ab")),
    bad("welcome-challenge-beyond-checkpoint", "body", changed("welcome-challenge", "welcome", "challenge", to=40)),
    bad("welcome-challenge-without-checkpoint", "body", changed("welcome-challenge", "welcome", "checkpoint", drop=True)),
    bad("welcome-uploaded-below-zero", "body", changed("welcome-challenge", "welcome", "uploaded", to=-1)),
    bad("ack-of-journal-with-payment", "body", changed("ack-journal", "ack", "payment", to=PAYMENT)),
    bad("ack-size-below-zero", "body", changed("ack-journal", "ack", "size", to=-1)),
    bad("journal-without-leaves", "body", changed("journal", "entries", "leaves", to=[])),
    bad("journal-leaf-no-base64", "body", changed("journal", "entries", "leaves", to=["e30"])),
    bad("journal-leaf-empty", "body", changed("journal", "entries", "leaves", to=[""])),
    bad("checkpoint-proof-too-long", "body", changed("checkpoint", "checkpoint", "proof", to=[HASH] * 129)),
    bad("error-without-code", "body", changed("error", "error", "code", to="")),
]


def write_seeds(folder):
    """One file per text, in the format of `go test` (testing.F)."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {name(m): compact(m) for m in GOOD} | {b["name"]: b["text"] for b in BAD}
    for seed, text in texts.items():
        # Nothing beyond the basic plane is in a text: a JSON string is a Go string.
        (folder / seed).write_text("go test fuzz v1\n[]byte(%s)\n" % json.dumps(text), encoding="ascii")


def main():
    out = {
        "made_by": "docs/vectors/wire.py",
        "messages": [{"name": name(m), "type": m["type"], "text": compact(m)} for m in GOOD],
        "bad": BAD,
        "evidence": {
            "private_key": SECRET.hex(),
            "public_key": hpke.public(SECRET).hex(),
            "ephemeral_private_key": EPHEMERAL.hex(),
            "info": ("sekisho.evidence.v1\n" + OFFLINE).encode().hex(),
            "payment": OFFLINE,
            "code": CODE,
            "evidence": evidence(OFFLINE, CODE),
        },
    }
    path = pathlib.Path(__file__).resolve().parent / "wire.json"
    path.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if sys.argv[1:2] == ["--seeds"]:
        write_seeds(pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
