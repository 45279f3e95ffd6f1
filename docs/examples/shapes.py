"""The shapes of the messages that a register sends, after docs/asyncapi.yaml and the bad ones of
docs/vectors/wire.json: what is no JSON of the right types is `syntax`, what is missing or out of
range `body`.
"""

import datetime
import json
import re


class Problem(Exception):
    """An error for the register; it changed nothing. With end the link ends after it."""

    def __init__(self, code, text, re=None, end=False):
        super().__init__(text)
        self.code, self.text, self.re, self.end = code, text, re, end


def bad(what):
    return Problem("body", "%s is missing or out of range" % what)


def whole(low=0, high=2**53):
    def check(value, what):
        if type(value) is not int or not -(2**63) <= value < 2**63:
            raise Problem("syntax", "%s is no integer" % what)
        if not low <= value <= high:
            raise bad(what)

    return check


def text(low=0, high=100, pattern=""):
    def check(value, what):
        if type(value) is not str:
            raise Problem("syntax", "%s is no text" % what)
        if not low <= len(value) <= high or (pattern and not re.fullmatch(pattern, value)):
            raise bad(what)

    return check


def day(value, what):
    text(10, 10, "[0-9]{4}-[0-9]{2}-[0-9]{2}")(value, what)
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        raise bad(what)


def many(item, low=0, high=1000):
    def check(value, what):
        if type(value) is not list:
            raise Problem("syntax", "%s is no list" % what)
        if not low <= len(value) <= high:
            raise bad(what)
        for one in value:
            item(one, what)

    return check


def thing(needed="", **fields):
    """An object; null counts as absent, what is not known is not looked at."""
    needed = needed.split()

    def check(value, what):
        if type(value) is not dict:
            raise Problem("syntax", "%s is no object" % what)
        for name, item in fields.items():
            if value.get(name) is not None:
                item(value[name], name)
            elif name in needed:
                raise bad(name)

    return check


ID, WORD, HASH = text(1), text(), text(64, 64, "[0-9a-f]{64}")
UUID = text(36, 36, "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MILLIS = whole(1, 253402300799999)
BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
HEAD = thing("size root", size=whole(), root=HASH)
AMOUNT = thing(yen=whole(), units=whole())
COUNTER = thing("cap window", cap=ID, window=day, granted=AMOUNT, used=AMOUNT, released=AMOUNT, returned=AMOUNT)
SPENDS = many(thing("cap window", cap=ID, window=day, reserved=AMOUNT, need=AMOUNT))
VERSIONS = thing(policy=whole(), freeze=whole(), denials=whole())
LINE = thing("category", category=ID, yen=whole(), units=whole())
SALE = thing("ref revision hash", ref=text(1, 1000), revision=whole(1), hash=HASH, lines=many(LINE))
CHARGED = whole(1)


def payment(needed="", **fields):
    return thing(
        "payment business_day window sale_hash clock currency " + needed,
        **{
            "payment": UUID,
            "journal_index": whole(),
            "business_day": day,
            "window": day,
            "not_after": whole(0, 253402300799999),
            "sale_hash": HASH,
            "versions": VERSIONS,
            "clock": text(pattern="authenticated|wall"),
            "contact_age": whole(-1),
            "currency": text(pattern="JPY"),
            "counters": many(COUNTER),
            **fields,
        },
    )


BODIES = {
    "hello": thing("register store", register=ID, store=ID, software=text(0, 1000), versions=VERSIONS, roles=whole(), counters=many(COUNTER), quarantine=WORD),
    "authorise": payment("not_after amount kind code sale", not_after=MILLIS, amount=CHARGED, kind=ID, issuer=WORD, code=text(1, 4096), sale=SALE, spends=SPENDS),
    "query": payment(),
    "reversal": payment("why", why=ID),
    "advice": payment("amount kind sale created evidence", amount=CHARGED, kind=ID, issuer=WORD, sale=SALE, spends=SPENDS, created=MILLIS, evidence=text(1, 8192, BASE64)),
    "void": payment("id", id=UUID),
    "refund": payment("id amount", id=UUID, amount=CHARGED),
    "journal": thing("leaves", **{"from": whole(), "leaves": many(text(1, 2**20, BASE64), 1)}),
    "checkpoint": thing("note", **{"note": text(1, 2**20), "from": whole(), "proof": many(HASH, 0, 128), "leaf": thing("index hash", index=whole(), hash=HASH, proof=many(HASH, 0, 128))}),
    "grants": thing("", grants=many(thing(), 0, 0), counters=many(COUNTER)),
    "error": thing("code", code=ID, text=text(0, 1000)),
}
DOWNWARD = {"welcome", "answer", "ack", "policy", "freeze", "denials"}
KEYS = (set(BODIES) - {"journal"}) | {"entries"} | DOWNWARD  # of bodies, in the envelope


def once(pairs):
    """An object, in which no name stands twice in whatever case."""
    if len({name.casefold() for name, _ in pairs}) < len(pairs):
        raise Problem("syntax", "a name stands twice in one object")
    return dict(pairs)


def parse(raw):
    """The message and its body. Problem where it is none."""
    try:
        message = json.loads(raw.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Problem("syntax", "no JSON")
    if message is None:
        raise Problem("version", "null")
    if type(message) is not dict:
        raise Problem("syntax", "no JSON object")
    given = message.get("id")
    try:
        return message, body_of(message)
    except Problem as problem:
        problem.re = given if type(given) is str and 0 < len(given) <= 100 else None
        raise


def body_of(message):
    whole(-(2**63), 2**63)(message.get("v") or 0, "v")
    if message.get("v") != 1:
        raise Problem("version", "this backend speaks version 1")
    kind = message.get("type")
    if type(kind) is not str or kind not in BODIES:
        raise Problem("type", "no type that goes up")
    key = "entries" if kind == "journal" else kind
    # Types first, as a reader does that decodes before it looks.
    ID(message.get("id") or "", "id")
    thing("" if kind == "error" else "incarnation journal", session=whole(), incarnation=ID, journal=HEAD, re=WORD)(message, "message")
    if message.get(key) is None or any(message.get(k) is not None for k in KEYS - {key}):
        raise Problem("body", "not exactly one body")
    body = message[key]
    BODIES[kind](body, key)
    if kind == "checkpoint" and body.get("leaf") and body["leaf"]["index"] >= (body.get("from") or 0):
        raise bad("leaf.index")
    return body
