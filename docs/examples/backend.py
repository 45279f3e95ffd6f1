#!/usr/bin/env python3
"""A payment backend that registers can be connected to, written from the documents alone:
protocol.md, pass.md, enrolment.md and journal.md. README.md beside it says what it leaves out.
Codes and certificates are enrol.py's.

It is an example to read and to try a register with, never one for money: its cryptography is slow
and leaks timing, and its wallet is a table. Python 3.9, nothing else.

One thread does everything, so a decision is never interleaved with another. What was decided is in
SQLite before the answer leaves. All tables are kept in memory too, which a real backend cannot.
"""

import argparse
import asyncio
import base64
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import random
import re
import secrets
import signal
import sqlite3
import ssl
import struct
import sys
import time
import zoneinfo

sys.dont_write_bytecode = True

import enrol
import verify
from shapes import Problem, parse

MIB = 1 << 20
MEASURES = ("yen", "units")
FIVE_MINUTES = 300_000
DAY = 86_400_000


# Head office's texts.


def read_toml(text):
    """As much of TOML as policies use: tables, lists of tables, and values on one line or, lists,
    on several. tomllib came with Python 3.11 only. What it does not know is an error."""
    out = at = {}
    pending = ""
    for line in text.split("\n"):
        bare = re.sub(r'("(?:[^"\\]|\\.)*")|#.*', lambda m: m.group(1) or "", line).strip()
        if not pending:
            table = re.fullmatch(r"(\[{1,2})([\w.-]+)(\]{1,2})", bare)
            if not bare:
                continue
            if table:
                at, *path = out, *table.group(2).split(".")
                for step in path[:-1]:
                    at = at.setdefault(step, {})
                if table.group(1) == "[[":
                    at.setdefault(path[-1], []).append({})
                    at = at[path[-1]][-1]
                else:
                    at = at.setdefault(path[-1], {})
                continue
        pending += bare + " "
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", pending)
        if outside.count("[") > outside.count("]"):
            continue
        key, _, value = pending.partition("=")
        # What is left of a value is JSON, but for numbers, times and a comma before a bracket.
        value = re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*\])', lambda m: m.group(1) or "", value.strip())
        value = re.sub(r'"(?:[^"\\]|\\.)*"|\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:\d\d)|\d[\d_]*\d',
                       lambda m: m.group() if m.group()[0] == '"' else '"%s"' % m.group() if "-" in m.group() else m.group().replace("_", ""), value)
        place, pending = at, ""
        *path, last = key.strip().split(".")
        for step in path:
            place = place.setdefault(step, {})
        place[last.strip()] = json.loads(value)
    return out


UNITS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


def millis(duration):
    parts = re.findall(r"([\d.]+)(ms|h|m|s)", duration)
    return int(sum(float(n) * UNITS[unit] for n, unit in parts))


class Policy:
    def __init__(self, note, text):
        self.note, self.t = note, read_toml(text)
        t = self.t
        self.version, self.realm = t["version"], t["realm"]
        until = t["good_until"].replace("Z", "+00:00")
        self.good_until = int(datetime.datetime.fromisoformat(until).timestamp() * 1000)
        self.zone = zoneinfo.ZoneInfo(t["business"]["zone"])
        hour, minute = t["business"]["cut_over"].split(":")
        self.cut_over = int(hour) * UNITS["h"] + int(minute) * UNITS["m"]
        self.high_resale = {c["id"] for c in t.get("category", []) if c.get("high_resale")}
        self.issuers = {i["key_id"].encode(): (i["name"], base64.b64decode(i["key"])) for i in t.get("pass_issuer", [])}
        self.wallets = {w["id"]: w for w in t.get("wallet", [])}
        self.tolerance = self.duration("pass", "tolerance")

    def get(self, table, key):
        return self.t.get(table, {}).get(key, 0)

    def duration(self, table, key):
        return millis(self.get(table, key) or "0s")

    def caps(self, scope, store_class, offline=True):
        for cap in self.t.get("cap", []):
            if cap["scope"] == scope and (offline or not cap.get("offline_only")):
                if not store_class or store_class in cap.get("classes", [store_class]):
                    yield cap

    def counted(self, cap, sale, amount):
        """What a sale takes of a cap, [yen, units], in the measures that the cap limits. Of a cap
        on all goods the amount stands in for the lines that the wire does not carry."""
        lines = [l for l in sale.get("lines") or [] if cap.get("category") in (None, l["category"])]
        out = [sum(l.get(m) or 0 for l in lines) for m in MEASURES]
        if "category" not in cap:
            out[0] = max(out[0], amount)
        return [n if m in cap else 0 for n, m in zip(out, MEASURES)]

    def business_day(self, at):
        local = datetime.datetime.fromtimestamp(at / 1000, self.zone)
        return (local - datetime.timedelta(milliseconds=self.cut_over)).date().isoformat()


def limit(cap):
    return [cap.get(m, 0) for m in MEASURES]


def pair(amount):
    return [(amount or {}).get(m) or 0 for m in MEASURES]


def limited(cap, amount):
    """What a cap does not limit says nothing."""
    return [n if m in cap else 0 for n, m in zip(pair(amount), MEASURES)]


def fits(part, whole):
    return all(p <= w for p, w in zip(part, whole))


def plus(*pairs):
    return [sum(p) for p in zip(*pairs)]


def minus(a, b):
    return [x - y for x, y in zip(a, b)]


# The book: what must not be forgotten.

KINDS = ("registers", "incarnations", "payments", "ops", "passes", "accounts", "rights", "settings")


class Book:
    def __init__(self, path):
        self.db = sqlite3.connect(path, timeout=30)  # enrol.py writes to it too
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        with self.db:
            self.db.execute("CREATE TABLE IF NOT EXISTS docs (kind TEXT, key TEXT, doc TEXT, PRIMARY KEY (kind, key))")
            self.db.execute("CREATE TABLE IF NOT EXISTS leaves (register TEXT, at INTEGER, leaf BLOB, PRIMARY KEY (register, at))")
        self.load()

    def load(self):
        for kind in KINDS:
            setattr(self, kind, {})
        for kind, key, doc in self.db.execute("SELECT kind, key, doc FROM docs ORDER BY rowid"):
            getattr(self, kind)[key] = json.loads(doc)
        self.leaves = {}
        for register, leaf in self.db.execute("SELECT register, leaf FROM leaves ORDER BY register, at"):
            self.leaves.setdefault(register, []).append(bytes(leaf))

    def put(self, kind, key, doc):
        getattr(self, kind)[key] = doc
        self.db.execute("INSERT INTO docs VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET doc = excluded.doc", (kind, key, json.dumps(doc)))

    def put_leaves(self, register, start, leaves):
        """Everything from start on is replaced."""
        have = self.leaves.setdefault(register, [])
        have[start:] = leaves
        self.db.execute("DELETE FROM leaves WHERE register = ? AND at >= ?", (register, start))
        self.db.executemany("INSERT INTO leaves VALUES (?, ?, ?)", [(register, start + i, leaf) for i, leaf in enumerate(leaves)])

    def commit(self):
        self.db.commit()

    def undo(self):
        if self.db.in_transaction:
            self.db.rollback()
            self.load()


class Decline(Exception):
    """A payment that is not to be: its reason, and who bears it where the goods have left."""

    def __init__(self, reason, bearer="store"):
        super().__init__(reason)
        self.reason, self.bearer = reason, bearer


PASS_REASONS = {"expired": "code.expired", "credential-expired": "code.expired", "from-future": "code.expired"}


class Backend:
    def __init__(self, options):
        self.options = options
        self.book = Book(options.data)
        self.links = {}  # register: its latest link
        self.last_time = 0
        self.authority = enrol.Authority(options.ca) if options.ca else None
        self.desk = enrol.Desk(self.book.db)
        self.hpke = bytes.fromhex(options.hpke.read_text().strip()) if options.hpke else None
        setting = self.book.settings.setdefault("backend", {})
        if not setting:
            # Digits have paid once and never again, yet are not kept: a keyed hash is.
            setting.update(seen=secrets.token_hex(32), denials=1)
            self.book.put("settings", "backend", setting)
        self.setting = setting
        for line in options.registers.read_text().splitlines() if options.registers else []:
            if line.strip():
                self.trust(line.strip())
        self.read_notes()
        self.book.commit()

    def read_notes(self):
        """Policy, roles and freeze. Older policies stay, for advices that name them."""
        roles = self.options.roles.read_text(encoding="utf-8")
        self.roles_note, self.freeze_note, self.freeze, keys = roles, None, {}, [self.options.root.read_text()]
        for note in roles.split("\f"):
            text = verify.open_note(note, keys)
            if text is None:
                raise SystemExit("the roles are not signed by their root")
            self.roles = read_toml(text)
            keys = [self.roles["root"]]
        for path in [self.options.policy]:
            note = path.read_text(encoding="utf-8")
            text = verify.open_note(note, self.roles["policy"]["keys"], self.roles["policy"]["threshold"])
            if text is None:
                raise SystemExit("the policy is not signed by its role")
            version = str(read_toml(text)["version"])
            self.book.put("settings", "policy " + version, {"note": note, "text": text})
        self.policies = {}
        for key, doc in self.book.settings.items():
            if key.startswith("policy "):
                self.policies[int(key[7:])] = Policy(doc["note"], doc["text"])
        self.policy = self.policies[max(self.policies)]
        if self.options.freeze:
            self.freeze_note = self.options.freeze.read_text(encoding="utf-8")
            text = verify.open_note(self.freeze_note, self.roles["freeze"]["keys"]) or verify.open_note(
                self.freeze_note, self.roles["policy"]["keys"], self.roles["policy"]["threshold"])
            if text is None:
                raise SystemExit("the freeze is not signed by its role")
            self.freeze = dict(read_toml(text), since=int(self.options.freeze.stat().st_mtime * 1000))

    def now(self):
        self.last_time = max(self.last_time, int(time.time() * 1000))
        return self.last_time

    # Registers and sessions.

    def enrol(self, _, body):
        """A register that comes with a one-time code; one that was enrolled before takes over."""
        store, register, public, answer = self.desk.enrol(self.authority, body)
        self.trust(verify.write_vkey("sekisho/%s/%s" % (store, register), public))
        return dict(answer, root=self.options.root.read_text().strip(), roles=self.roles_note,
                    backend_hpke=base64.b64encode(verify.hpke.public(self.hpke)).decode())

    def renew(self, certificate, body):
        return self.desk.renew(self.authority, certificate, body)

    def end_revoked(self):
        """The links whose certificates are good no more."""
        for link in list(self.links.values()):
            if link.peer and not self.desk.good(link.certificate):
                link.close()

    def trust(self, vkey):
        """A register's key for checkpoints; its name says whose it is."""
        origin, _, store, register = [vkey.split("+")[0], *vkey.split("+")[0].split("/")]
        verify.read_vkey(vkey)
        reg = self.book.registers.get(register) or self.new_register(store)
        if reg["store"] != store:
            raise ValueError("a register's id is of one store")
        reg["vkey"] = vkey
        self.book.put("registers", register, reg)

    def new_register(self, store):
        return {"store": store, "vkey": None, "session": 0, "incarnation": "", "said": "", "head": None, "proved": True, "told": 0,
                "stopped": False, "checkpoint": None, "kept": {}, "quarantine": "", "released": "", "anew": False, "borrowed": 0}

    def hello(self, link, message, body):
        name, store, incarnation, head = body["register"], body["store"], message["incarnation"], message["journal"]
        if link.peer and link.peer != (store, name):
            raise Problem("refused", "the certificate names another register")
        reg = self.book.registers.get(name)
        if reg is None:
            if self.options.registers:
                raise Problem("refused", "this register is not known")
            reg = self.new_register(store)  # for development: hello alone says who it is
        if reg["store"] != store:
            raise Problem("refused", "this register is of another store")
        reg.setdefault("told", reg["session"])  # a database of before has none
        known = self.book.incarnations.get(key(name, incarnation))
        retired, last, proved = (known or {}).get("retired"), reg["checkpoint"], True
        if known is None and last and last["size"]:  # a newcomer, who has to show the journal
            if not self.speaks_against(reg, head, body):
                return self.challenge(link, reg, message, body)
            if self.beside(link, name):
                raise Problem("trouble", "this register lives on another link; say hello again later", end=True)
            proved = False
        if incarnation == reg["incarnation"]:
            self.check_head(reg, head, hello=True)
            proved = reg["proved"]
        if reg["released"] and incarnation != reg["released"]:
            reg["released"] = ""
        if not reg["released"]:
            why = "register.cloned" if retired else self.speaks_against(reg, head, body)
            if why:
                self.doubt(link, reg, why)
        link.asked = None
        link.session = reg["told"] = max(reg["session"], reg["told"]) + 1
        self.open(link, reg, name, store, incarnation, head, body, proved)
        link.ends = False  # this welcome tells it
        return "welcome", self.news(dict(self.standing(reg, name), session=link.session, time=self.now(), grants=self.grants(link, reg)), body)

    def speaks_against(self, reg, head, body):
        """Why a hello puts the register in doubt, or no reason."""
        last = reg["checkpoint"]
        if last and head["size"] < last["size"]:
            return "ledger.older"
        if last and head["size"] == last["size"] and head["root"] != last["root"]:
            return "ledger.forked"
        return body.get("quarantine") or ""

    def beside(self, link, name):
        """Does the register live on another link, by an incarnation that is proved?"""
        other = self.links.get(name)
        return other is not None and other is not link and not other.writer.is_closing() and other.proved

    def challenge(self, link, reg, message, body):
        """Ask a newcomer for a leaf. But for the number that it is told nothing changes."""
        name = body["register"]
        if not link.asked or link.incarnation != message["incarnation"]:  # else the hello came twice
            reg["told"] = max(reg["session"], reg["told"]) + 1
            self.book.put("registers", name, reg)
            link.register, link.store, link.session, link.incarnation = name, body["store"], reg["told"], message["incarnation"]
            link.asked = {"index": random.SystemRandom().randrange(reg["checkpoint"]["size"]), "point": reg["checkpoint"], "hello": body}
            asyncio.get_running_loop().call_later(PROOF_TIME, link.due)
        welcome = dict(self.standing(reg, name), session=link.session, time=self.now(), grants=[],
                       checkpoint=link.asked["point"], challenge=link.asked["index"])
        return "welcome", self.news(welcome, body)

    def open(self, link, reg, name, store, incarnation, head, body, proved):
        """The session that link.session numbers is the register's from now on."""
        if incarnation != reg["incarnation"] and self.book.incarnations.get(key(name, incarnation)) is None:
            if reg["incarnation"]:
                self.book.put("incarnations", key(name, reg["incarnation"]), {"retired": True})
            self.book.put("incarnations", key(name, incarnation), {"retired": False})
            reg.update(incarnation=incarnation, head=head, proved=proved)
        reg.update(session=link.session, said=incarnation, stopped=False)
        link.register, link.store, link.incarnation, link.proved = name, store, incarnation, proved
        if incarnation == reg["incarnation"]:
            self.merge(name, store, incarnation, body.get("counters"), own=True)
        self.book.put("registers", name, reg)
        older = self.links.get(name)
        if older is not None and older is not link:
            link.after.append(older.close)
        self.links[name] = link
        link.after.append(lambda: link.send("denials", self.denials()))

    def standing(self, reg, name):
        """What a welcome says of the register's journal and rights."""
        about = {"checkpoint": reg["checkpoint"], "quarantine": reg["quarantine"], "released": reg["released"]}
        about = {k: v for k, v in about.items() if v}
        if not reg["anew"]:
            about["uploaded"] = len(self.book.leaves.get(name, []))
        return about

    def news(self, welcome, body):
        versions = body.get("versions") or {}
        if (versions.get("policy") or 0) < self.policy.version:
            welcome["policy"] = self.policy.note
        if (body.get("roles") or 0) < self.roles["version"]:
            welcome["roles"] = self.roles_note
        if self.freeze and (versions.get("freeze") or 0) < self.freeze["version"]:
            welcome["freeze"] = self.freeze_note
        return welcome

    def check_head(self, reg, head, hello=False):
        """Messages may overtake each other, so only a hello must not be shorter."""
        known = reg["head"]
        if hello and head["size"] < known["size"]:
            raise Problem("refused", "the journal is shorter than this incarnation's was")
        if head["size"] == known["size"] and head["root"] != known["root"]:
            raise Problem("refused", "the journal has another root at the same size")
        if head["size"] > known["size"]:
            reg["head"] = head

    def doubt(self, link, reg, why):
        """Quarantine. A link whose welcome did not say so ends once its message is answered."""
        if not reg["quarantine"]:
            reg["quarantine"] = why
            if link:
                link.ends = True

    def denials(self):
        """The whole set. An account is denied for a month: this backend does not know when the
        last credential of an account ends, which an issuer does."""
        minute = self.now() // 60_000 + 31 * 1440
        add = b"".join(bytes.fromhex(k) + minute.to_bytes(4, "big") for k, a in self.book.accounts.items() if a.get("stopped"))
        return {"from": 0, "to": self.setting["denials"], "part": 1, "parts": 1, "add": base64.b64encode(add).decode()}

    def decide(self, link, message, body):
        """The answer to one message: its type and its body, or None."""
        kind = message["type"]
        if link.peer and not self.desk.good(link.certificate):
            raise Problem("trouble", "the certificate is good no more; dial again", end=True)
        if kind == "hello":
            return self.hello(link, message, body)
        if kind == "error":
            print("%s says: %s %s" % (link.register, body["code"], body.get("text", "")), flush=True)
            return None
        reg = self.book.registers.get(link.register)
        if reg is None or link.session != message.get("session") or reg["session"] > link.session:
            raise Problem("session", "this is not the register's latest session")
        if link.asked:
            return self.proof(link, reg, message, body)
        if not self.book.incarnations[key(link.register, link.incarnation)]["retired"]:
            self.check_head(reg, message["journal"])
        self.book.put("registers", link.register, reg)
        if kind == "checkpoint":
            return self.checkpoint(link, reg, body)
        if kind == "journal":
            return self.journal(link, reg, body)
        if kind == "grants":
            return self.give_back(link, reg, message, body)
        own = message["incarnation"] == reg["incarnation"]
        if kind == "authorise" and message["incarnation"] != link.incarnation:
            raise Problem("refused", "an authorise spends what the session's own incarnation holds")
        self.merge(link.register, link.store, message["incarnation"], body.get("counters"), own)
        known = self.book.payments.get(body["payment"])
        if known and known["register"] != link.register:
            raise Problem("refused", "this payment is another register's")
        if kind in ("authorise", "query"):
            if not known and kind == "authorise":
                known = self.authorise(link, reg, message, body)
            return "answer", self.answer(link, reg, body["payment"], known)
        ack = getattr(self, kind)(link, reg, message, body, known)
        ack.update(payment=body["payment"], of=kind, grants=self.grants(link, reg), time=self.now())
        return "ack", ack

    # Rights.

    def right(self, register, store, incarnation, cap, window):
        return self.book.rights.get(key(register, incarnation, cap, window)) or {
            "register": register, "store": store, "incarnation": incarnation, "cap": cap, "window": window,
            "granted": [0, 0], "used": [0, 0], "released": [0, 0], "returned": [0, 0], "advised": [0, 0]}

    def put_right(self, r):
        self.book.put("rights", key(r["register"], r["incarnation"], r["cap"], r["window"]), r)

    def merge(self, register, store, incarnation, counters, own, strict=False):
        """Counters by maximum. A `returned` counts while it is not beyond what was held, and only
        from the incarnation that is not retired: what another held is burnt."""
        for c in counters or []:
            r = self.right(register, store, incarnation, c["cap"], c["window"])
            new = dict(r)
            for name in ("used", "released"):
                new[name] = [max(a, b) for a, b in zip(r[name], pair(c.get(name)))]
            new["released"] = [min(a, b) for a, b in zip(new["released"], new["used"])]
            returned = [max(a, b) for a, b in zip(r["returned"], pair(c.get("returned")))]
            if own and fits(plus(returned, new["used"]), plus(r["granted"], new["released"])):
                new["returned"] = returned
            elif strict and returned != r["returned"]:
                raise Decline("allotment.missing")
            if new != r:
                self.put_right(new)

    def held(self, r):
        return [max(0, n) for n in minus(plus(r["granted"], r["released"]), plus(r["used"], r["returned"]))]

    def room(self, cap, store, window):
        """What the store's row has left."""
        rows = [r for r in self.book.rights.values() if (r["store"], r["cap"], r["window"]) == (store, cap["id"], window)]
        taken = plus([0, 0], *[minus(r["granted"], r["returned"]) for r in rows])
        return [max(0, n) for n in minus(limit(cap), taken)], rows

    def windows(self):
        """Today's, five minutes either way of the cut-over."""
        return {self.policy.business_day(self.now() + d) for d in (-FIVE_MINUTES, 0, FIVE_MINUTES)}

    def grants(self, link, reg):
        """Totals of the session's incarnation, topped up where something may come unasked."""
        window = self.policy.business_day(self.now())
        if reg["proved"] and not (reg["quarantine"] or reg["released"] or reg["stopped"]) and link.incarnation == reg["incarnation"]:
            for cap in self.policy.caps("store", self.options.store_class):
                self.top_up(link, reg, cap, window)
        since = self.policy.business_day(self.now() - 2 * DAY)
        return [{"cap": r["cap"], "window": r["window"], "total": dict(zip(MEASURES, r["granted"]))}
                for r in self.book.rights.values()
                if (r["register"], r["incarnation"]) == (link.register, link.incarnation) and r["window"] >= since and any(r["granted"])]

    def top_up(self, link, reg, cap, window):
        r = self.right(link.register, link.store, link.incarnation, cap["id"], window)
        room, rows = self.room(cap, link.store, window)
        if cap.get("offline_only"):
            # All reserve: an even share for each register of the store, once a window.
            registers = sum(1 for x in self.book.registers.values() if x["store"] == link.store)
            given = plus([0, 0], *[minus(row["granted"], row["returned"]) for row in rows if row["register"] == link.register])
            more = [max(0, min(n // registers - had, left)) for n, had, left in zip(limit(cap), given, room)]
            if any(had for had in given):
                return
        else:
            own = [n * self.policy.get("reserve", "register_percent") // 100 for n in limit(cap)]
            store = [n * self.policy.get("reserve", "store_percent") // 100 for n in limit(cap)]
            # What retired incarnations held is burnt, and held by nobody.
            others = [self.held(row) for row in rows if self.book.registers[row["register"]]["incarnation"] == row["incarnation"] and row["register"] != link.register]
            held = self.held(r)
            more = [max(0, min(o - h, s - h - all_, left)) for o, s, h, all_, left in zip(own, store, held, plus([0, 0], *others), room)]
        if any(more):
            r["granted"] = plus(r["granted"], more)
            self.put_right(r)

    def give_back(self, link, reg, message, body):
        if message["incarnation"] != reg["incarnation"] or link.incarnation != reg["incarnation"]:
            raise Problem("refused", "only the session's own incarnation gives back")
        ack = {"of": "grants", "status": "accepted", "time": self.now()}
        try:
            self.merge(link.register, link.store, message["incarnation"], body.get("counters"), own=True, strict=True)
        except Decline as no:
            return "ack", dict(ack, status="rejected", reason=no.reason)
        reg["stopped"] = True
        self.book.put("registers", link.register, reg)
        return "ack", ack

    # Payments.

    def account(self, issuer, name):
        """Everybody begins with the opening balance: this wallet is a table."""
        account = hashlib.sha256(("%s\n%s" % (issuer, name)).encode()).hexdigest()[:16]
        if account not in self.book.accounts:
            self.book.put("accounts", account, {"balance": self.options.balance})
        return account

    def pay(self, account, yen):
        doc = self.book.accounts[account]
        doc["balance"] += yen
        self.book.put("accounts", account, doc)

    def read_code(self, policy, kind, issuer, code, now, life):
        """What is known of a code: whose it is, and by what it is known again."""
        if kind == "pass":
            try:
                shown = verify.read_pass(code, policy.issuers, policy.realm)
                verify.check_age(shown, now / 1000, life / 1000, policy.tolerance / 1000)
            except verify.BadPass as bad:
                raise Decline(PASS_REASONS.get(str(bad), "code.forged"))
            return dict(shown, known=shown["identity"])
        wallet = self.policy.wallets.get(issuer)
        if kind != "digits" or not wallet or not code.isdigit() or not wallet["min_length"] <= len(code) <= wallet["max_length"]:
            raise Decline("backend.declined")
        # A real wallet looks up whose code it made; this one has an account for each code.
        known = hmac.new(bytes.fromhex(self.setting["seen"]), (issuer + "\n" + code).encode(), "sha256").hexdigest()
        return {"issuer": issuer, "account": "digits-" + known[:12], "known": known, "bound": 0}

    def spent(self, cap, policy, account, now, register=None):
        """What an account's payments took of a cap within its time before now."""
        out = [0, 0]
        for p in self.book.payments.values():
            if p.get("account") == account and p["outcome"] == "approved" and not p["undone"] and register in (None, p["register"]):
                if now - millis(cap["over"]) < p["created"] <= now:
                    out = plus(out, policy.counted(cap, p["sale"], p["amount"]))
        return out

    def stopped_goods(self, sale, issuer):
        lines = {l["category"] for l in sale.get("lines") or []}
        return self.freeze.get("all") or issuer in self.freeze.get("issuers", []) or lines & set(self.freeze.get("categories", []))

    def check_goods(self, policy, sale, shown, now, new_units):
        units = sum(l.get("units") or 0 for l in sale.get("lines") or [] if l["category"] in policy.high_resale)
        if not any(l["category"] in policy.high_resale for l in sale.get("lines") or []):
            return
        if now >= policy.good_until:
            raise Decline("policy.stale")
        if now - shown["bound"] * 1000 < policy.duration("device", "new_for") and (units > new_units or not new_units):
            raise Decline("device.new")

    def authorise(self, link, reg, message, body):
        now, policy = self.now(), self.policy
        p = {"register": link.register, "how": "online", "outcome": "declined", "undone": "", "refunded": 0, "created": now,
             "amount": body["amount"], "sale": {"lines": body["sale"].get("lines")}}
        try:
            if now > body["not_after"]:
                raise Decline("authorise.late")
            shown = self.read_code(policy, body["kind"], body.get("issuer"), body["code"], now, FIVE_MINUTES)
            account = self.account(shown["issuer"], shown["account"])
            p.update(issuer=shown["issuer"], masked="…" + shown["account"][-4:], account=account)
            if shown["known"] in self.book.passes:
                raise Decline("code.replayed")
            if self.book.accounts[account].get("stopped"):
                raise Decline("account.denied")
            if self.stopped_goods(body["sale"], shown["issuer"]):
                raise Decline("frozen")
            self.check_goods(policy, body["sale"], shown, now, policy.get("device", "new_units_online"))
            for cap in policy.caps("account", self.options.store_class):
                takes = plus(self.spent(cap, policy, account, now), policy.counted(cap, body["sale"], body["amount"]))
                if not fits([n for n, m in zip(takes, MEASURES) if m in cap], [cap[m] for m in MEASURES if m in cap]):
                    raise Decline("cap.account")
            needs = self.needs(link, message, body, policy)
            if self.book.accounts[account]["balance"] < body["amount"]:
                raise Decline("backend.declined")
            for right, more in needs:  # all of it or nothing: nothing can fail from here on
                right["granted"] = plus(right["granted"], more)
                self.put_right(right)
            self.pay(account, -body["amount"])
            self.book.put("passes", shown["known"], {"payment": body["payment"]})
            p.update(outcome="approved", approval_code=secrets.token_hex(4).upper())
        except Decline as no:
            p["reason"] = no.reason
        self.book.put("payments", body["payment"], p)
        return p

    def needs(self, link, message, body, policy):
        """The rights that a payment needs and what of each."""
        spends, windows = {s["cap"]: s for s in body.get("spends") or []}, self.windows()
        if any(s["window"] not in windows for s in spends.values()):
            raise Decline("clock")
        caps = {cap["id"]: cap for cap in policy.caps("store", self.options.store_class, offline=False)}
        if len(spends) != len(body.get("spends") or []) or set(spends) - set(caps):
            raise Decline("allotment.missing")
        out = []
        for cap in caps.values():
            spend = spends.get(cap["id"], {"window": body["window"]})
            takes = policy.counted(cap, body["sale"], body["amount"])
            reserved, more = limited(cap, spend.get("reserved")), limited(cap, spend.get("need"))
            right = self.right(link.register, link.store, message["incarnation"], cap["id"], spend["window"])
            if not fits(takes, plus(reserved, more)) or not fits(reserved, minus(right["granted"], right["returned"])):
                raise Decline("allotment.missing")
            if not fits(more, self.room(cap, link.store, spend["window"])[0]):
                raise Decline("cap.store")
            if any(more):
                out.append((right, more))
        return out

    def answer(self, link, reg, payment, p):
        out = {"payment": payment, "outcome": "not-seen", "grants": self.grants(link, reg), "time": self.now()}
        if p:
            out["outcome"] = "reversed" if p["undone"] else p["outcome"]
            for name, field in (("reason", "reason"), ("approval_code", "approval_code"), ("issuer", "issuer"), ("account", "masked"), ("account_key", "account")):
                if p.get(field):
                    out[name] = p[field]
            if out["outcome"] == "approved":
                out["amount"] = p["amount"]
        return out

    def undo_payment(self, payment, p, how):
        if p["outcome"] == "approved" and not p["undone"]:
            self.pay(p["account"], p["amount"] - p["refunded"])
        p["undone"] = how
        self.book.put("payments", payment, p)

    def reversal(self, link, reg, message, body, p):
        if p and p["how"] == "advice":
            return {"status": "rejected"}
        if not p:  # the tombstone, which refuses the authorise when it comes
            p = {"register": link.register, "how": "online", "outcome": "reversed", "undone": "", "refunded": 0}
        if p["outcome"] != "declined":
            self.undo_payment(body["payment"], p, "reversed")
        return {"status": "accepted"}

    def once(self, body, kind, amount, act):
        """The acknowledgement of a void or refund, decided once by its own id."""
        op = self.book.ops.get(body["id"])
        if op is None:
            op = dict(act(), payment=body["payment"], kind=kind, amount=amount)
            self.book.put("ops", body["id"], op)
        elif (op["payment"], op["kind"], op["amount"]) != (body["payment"], kind, amount):
            raise Problem("refused", "this id was another's")
        return {k: v for k, v in dict(op, op=body["id"]).items() if k in ("op", "status", "reason")}

    def void(self, link, reg, message, body, p):
        def act():
            rejected = p and p["how"] == "advice" and p["outcome"] == "declined"
            if not p or p["undone"] == "reversed" or (p["outcome"] != "approved" and not rejected):
                return {"status": "rejected"}
            if not rejected:
                self.undo_payment(body["payment"], p, "voided")
            return {"status": "accepted"}

        return self.once(body, "void", 0, act)

    def refund(self, link, reg, message, body, p):
        def act():
            if not p or p["outcome"] != "approved" or p["undone"] or body["amount"] > p["amount"] - p["refunded"]:
                return {"status": "rejected", "reason": "refund.refused"}
            p["refunded"] += body["amount"]
            self.pay(p["account"], body["amount"])
            self.book.put("payments", body["payment"], p)
            return {"status": "accepted"}

        return self.once(body, "refund", body["amount"], act)

    def advice(self, link, reg, message, body, p):
        if p and p["how"] != "advice":
            return {"status": "rejected", "reason": "backend.declined", "bearer": "store"}
        if not p:
            p = {"register": link.register, "how": "advice", "outcome": "declined", "undone": "", "refunded": 0, "created": body["created"],
                 "amount": body["amount"], "sale": {"lines": body["sale"].get("lines")}, "incarnation": message["incarnation"], "age": body.get("contact_age") or 0, "wall": body.get("clock") != "authenticated"}
            try:
                self.check_advice(link, reg, message, body, p)
                self.pay(p["account"], -body["amount"])  # the goods have left: below zero if need be
                p["outcome"] = "approved"
            except Decline as no:
                p.update(reason=no.reason, bearer=no.bearer)
            self.book.put("payments", body["payment"], p)
        if p["outcome"] == "approved":
            return {"status": "accepted"}
        return {"status": "rejected", "reason": p["reason"], "bearer": p["bearer"]}

    def check_advice(self, link, reg, message, body, p):
        """What the register had to check, at the time and by the policy that it names."""
        versions, at = body.get("versions") or {}, body["created"]
        policy = self.policies.get(versions.get("policy"))
        if policy is None:
            raise Decline("policy.missing")
        info = b"sekisho.evidence.v1\n" + body["payment"].encode()
        code = verify.hpke_open(self.hpke, info, base64.b64decode(body["evidence"])) if self.hpke else None
        if code is None or body["kind"] != "pass":
            raise Decline("code.forged")
        shown = self.read_code(policy, "pass", "", code.decode("utf-8", "replace"), at, policy.duration("pass", "life"))
        if at > self.now() + FIVE_MINUTES:
            raise Decline("clock")
        account = self.account(shown["issuer"], shown["account"])
        p.update(issuer=shown["issuer"], masked="…" + shown["account"][-4:], account=account, yen=shown["yen"], count=shown["count"])
        used = self.book.passes.get(shown["known"])
        if used:
            same = self.book.payments[used["payment"]]["register"] == link.register
            raise Decline("code.replayed", "store" if same else "operator")
        doc = self.book.accounts[account]
        if doc.get("stopped") and at >= doc["stopped"]:
            raise Decline("account.denied", "store" if (versions.get("denials") or 0) >= doc["denials"] else "operator")
        if self.stopped_goods(body["sale"], shown["issuer"]) and at >= self.freeze["since"]:
            raise Decline("frozen", "store" if (versions.get("freeze") or 0) >= self.freeze["version"] else "operator")
        self.check_goods(policy, body["sale"], shown, at, 0)
        self.check_offline(policy, link, p, at)
        for cap in policy.caps("account", self.options.store_class):
            takes = plus(self.spent(cap, policy, account, at, link.register), policy.counted(cap, body["sale"], body["amount"]))
            if not fits([n for n, m in zip(takes, MEASURES) if m in cap], [cap[m] for m in MEASURES if m in cap]):
                raise Decline("cap.account")
        self.check_allotment(link, reg, message, body, policy)
        self.book.put("passes", shown["known"], {"payment": body["payment"]})

    def check_offline(self, policy, link, p, at):
        earlier = [q for q in self.book.payments.values() if q["how"] == "advice" and q["register"] == link.register and q["outcome"] == "approved" and not q["undone"]]
        yen, count, floor = (policy.get("offline", k) for k in ("account_yen", "account_count", "floor"))
        if p["wall"]:  # after a boot, not heard yet: a sum of its own for all accounts
            boot = sum(q["amount"] for q in earlier if q["wall"] and q["incarnation"] == p["incarnation"])
            if any(l["category"] in policy.high_resale for l in p["sale"]["lines"] or []) or boot + p["amount"] > policy.get("offline", "boot_yen"):
                raise Decline("offline.limit")
        full, nothing = policy.duration("offline", "full_for"), policy.duration("offline", "nothing_after")
        left = 0 if p["age"] < 0 else min(1000, max(0, -(-1000 * (nothing - p["age"]) // (nothing - full))))
        yen, count, floor = (-(-n * left // 1000) for n in (min(yen, p["yen"]), min(count, p["count"]), floor))
        mine = [q for q in earlier if q["account"] == p["account"] and at - DAY < q["created"] <= at]
        if (p["amount"] > floor
                or sum(q["amount"] for q in mine) + p["amount"] > yen
                or len(mine) + 1 > count):
            raise Decline("offline.limit")

    def check_allotment(self, link, reg, message, body, policy):
        spends = {s["cap"]: s for s in body.get("spends") or []}
        taken = []
        for cap in policy.caps("store", self.options.store_class):
            takes = policy.counted(cap, body["sale"], body["amount"])
            spend = spends.get(cap["id"], {})
            if not fits(takes, pair(spend.get("reserved"))):
                raise Decline("allotment.missing")
            if any(takes):
                r = self.right(link.register, link.store, message["incarnation"], cap["id"], spend["window"])
                told = minus(plus(r["used"], r["returned"]), r["released"])
                r = dict(r, advised=plus(r["advised"], takes))
                if not fits(told, r["granted"]) or not fits(r["advised"], r["granted"]):
                    self.doubt(link, reg, "allotment.overspent")
                    self.book.put("registers", link.register, reg)
                    raise Decline("allotment.missing")
                taken.append(r)
        for r in taken:
            self.put_right(r)

    # The journal.

    def proof(self, link, reg, message, body):
        """What a newcomer says: the checkpoint that it was asked for opens its session, and
        nothing else is heard. Without a proof it is let in, in doubt, where the register
        lives on no other link."""
        asked, name, leaf = link.asked, link.register, body.get("leaf")
        if message["type"] != "checkpoint" or not leaf:
            raise Problem("session", "prove first that this incarnation has the journal")
        if reg["checkpoint"] != asked["point"]:
            raise Problem("refused", "another checkpoint is kept meanwhile; say hello again", end=True)
        head, why = self.weigh(link, reg, body)
        if not why and ((body.get("from") or 0) != asked["point"]["size"] or leaf["index"] != asked["index"] or not verify.included(
                asked["index"], asked["point"]["size"], bytes.fromhex(leaf["hash"]), hashes(leaf.get("proof")), bytes.fromhex(asked["point"]["root"]))):
            why = "checkpoint.invalid"
        if why:
            print("%s: somebody without its journal said hello: an impostor, or it lost it" % name, flush=True)
        if why and self.beside(link, name):
            raise Problem("refused", "this is no proof, and the register lives on another link", end=True)
        link.asked = None
        self.open(link, reg, name, link.store, message["incarnation"], message["journal"], asked["hello"], not why)
        link.ends = bool(why)
        kind, ack = self.keep(link, reg, head, why)
        return kind, ack if why else dict(ack, grants=self.grants(link, reg))

    def checkpoint(self, link, reg, body):
        head, why = self.weigh(link, reg, body)
        return self.keep(link, reg, head, why)

    def weigh(self, link, reg, body):
        """What a checkpoint says, and why it is not taken."""
        if not reg["vkey"]:
            raise Problem("refused", "no key of this register")
        origin, last = "sekisho/%s/%s" % (link.store, link.register), reg["checkpoint"]
        text = verify.open_note(body["note"], [reg["vkey"]])
        lines = (text or "").split("\n")
        try:
            size, root = int(lines[1]), base64.b64decode(lines[2], validate=True).hex()
            right = text == "%s\n%d\n%s\n" % (origin, size, lines[2]) and len(root) == 64
        except (ValueError, IndexError):
            right = False
        if not right:
            return None, "checkpoint.invalid"
        head, kept = {"size": size, "root": root}, reg["kept"].get(str(size))
        if kept:
            return head, "" if kept == root else "ledger.forked"  # it came before
        if last and size < last["size"]:
            return head, "ledger.older"
        if (body.get("from") or 0) != (last["size"] if last else 0):
            raise Problem("refused", "the proof is from another size than the last checkpoint", end=True)
        if last and not verify.extends(last["size"], bytes.fromhex(last["root"]), size, bytes.fromhex(root), hashes(body.get("proof"))):
            return head, "ledger.forked"
        return head, "" if self.tree_fits(link.register, reg, head) else "ledger.forked"

    def keep(self, link, reg, head, why):
        if why:
            self.doubt(link, reg, why)
        elif not reg["checkpoint"] or head["size"] >= reg["checkpoint"]["size"]:
            reg["checkpoint"] = head
            reg["kept"][str(head["size"])] = head["root"]
        self.book.put("registers", link.register, reg)
        return "ack", self.verdict("checkpoint", why)

    def verdict(self, of, why):
        ack = {"of": of, "status": "rejected" if why else "accepted", "time": self.now()}
        return dict(ack, reason="register.quarantine") if why else ack

    def tree_fits(self, register, reg, head, leaves=None):
        """Once all leaves of a checkpoint are there their tree must have its root."""
        leaves = self.book.leaves.get(register, []) if leaves is None else leaves
        if not head or len(leaves) < head["size"]:
            return True
        if verify.root([verify.leaf_hash(l) for l in leaves[: head["size"]]]).hex() == head["root"]:
            reg["borrowed"] = 0
            return True
        if reg["borrowed"]:
            # Leaves from before a release, of another past: no new doubt, they are dropped.
            self.book.put_leaves(register, 0, [])
            reg["borrowed"] = 0
            return True
        return False

    def journal(self, link, reg, body):
        name, start, why = link.register, body.get("from") or 0, None
        if not reg["proved"] or link.incarnation != reg["incarnation"]:
            raise Problem("refused", "this incarnation is not proved")
        new = [base64.b64decode(l) for l in body["leaves"]]
        have = self.book.leaves.get(name, [])
        if reg["anew"]:
            reg.update(anew=False, borrowed=min(start, len(have)))
            self.book.put_leaves(name, reg["borrowed"], [])
            have = self.book.leaves[name]
        if start <= len(have):
            both = min(len(have) - start, len(new))
            if have[start : start + both] != new[:both] or not self.tree_fits(name, reg, reg["checkpoint"], have + new[both:]):
                why = "ledger.forked"
                self.doubt(link, reg, why)
            elif new[both:] and len(self.book.leaves.get(name, [])) == len(have):
                self.book.put_leaves(name, len(have), new[both:])
        self.book.put("registers", name, reg)
        return "ack", dict(self.verdict("journal", why), size=len(self.book.leaves.get(name, [])))

    # Head office's acts, as the kit asks for them (conformance.md).

    def admin(self, path, body):
        if path == "/admin/registers/enrol":
            self.trust(body["vkey"])
        elif path == "/admin/accounts":
            self.book.put("accounts", self.account(body["issuer"], body["account"]), {"balance": body["balance"]})
        elif path == "/admin/accounts/stop":
            account = self.account(body["issuer"], body["account"])
            self.setting["denials"] += 1
            self.book.put("settings", "backend", self.setting)
            self.book.put("accounts", account, dict(self.book.accounts[account], stopped=self.now(), denials=self.setting["denials"]))
            for link in self.links.values():
                link.send("denials", self.denials())
        elif path in ("/admin/registers/quarantine", "/admin/registers/release"):
            reg = self.book.registers[body["register"]]
            if path.endswith("quarantine"):
                self.doubt(None, reg, body["why"])
            else:
                if reg["quarantine"]:
                    reg.update(quarantine="", released=reg["said"], checkpoint=None, kept={}, proved=True,
                               anew=True, borrowed=0)
            self.book.put("registers", body["register"], reg)
            if body["register"] in self.links:
                self.links[body["register"]].close()
        else:
            raise KeyError(path)
        self.book.commit()


def key(*parts):
    return json.dumps(parts, ensure_ascii=False)


def hashes(path):
    return [bytes.fromhex(h) for h in path or []]


# The line (RFC 6455).

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Gone(Exception):
    """The link ends; with a code of RFC 6455, section 7.4.1."""

    def __init__(self, code=1000):
        super().__init__(code)
        self.code = code


PROOF_TIME = 30  # seconds for the proof after a challenge


class Link:
    def __init__(self, backend, reader, writer, peer, certificate):
        self.backend, self.reader, self.writer = backend, reader, writer
        self.peer, self.certificate = peer, certificate  # store and register; None on loopback
        self.register = self.store = self.incarnation = None
        self.session = self.sent = self.bad = 0
        self.ends, self.after = False, []
        self.asked, self.proved = None, False  # the challenge of a newcomer; whether the incarnation has met one
        self.queue = asyncio.Queue(256)  # bounded: a link that sends faster is read more slowly

    def frame(self, opcode, data=b""):
        size = len(data)
        head = bytes([0x80 | opcode])
        head += bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size) if size < 65536 else b"\x7f" + struct.pack(">Q", size)
        if not self.writer.is_closing():
            self.writer.write(head + data)

    def send(self, kind, body, re=None):
        self.sent += 1
        message = {"v": 1, "type": kind, "id": "b-%d" % self.sent, "re": re, "session": self.session or None, kind: body}
        message = {k: v for k, v in message.items() if v is not None}
        self.frame(TEXT, json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())

    def close(self, code=1000):
        self.frame(CLOSE, struct.pack(">H", code))
        self.writer.close()

    def due(self):
        """A newcomer's proof did not come."""
        if self.asked and not self.writer.is_closing():
            print("%s: no proof of the journal came: an impostor, or a slow line" % self.register, flush=True)
            self.send("error", {"code": "session", "text": "the proof of the journal did not come in time"})
            self.close()

    async def serve(self):
        worker = asyncio.ensure_future(self.work())
        try:
            await self.read()
        except (Gone, asyncio.IncompleteReadError, OSError) as end:
            self.close(getattr(end, "code", 1000))
        except asyncio.CancelledError:
            self.close(1001)  # the backend ends
        finally:
            worker.cancel()
            if self.backend.links.get(self.register) is self:
                del self.backend.links[self.register]

    async def exactly(self, n):
        """A register pings every 2 seconds: a link that says nothing for 30 is gone. What has come
        already is read without a pause, so that a ping behind many messages waits for none."""
        silent = asyncio.get_running_loop().call_later(30, self.writer.transport.abort)
        try:
            return await self.reader.readexactly(n)
        finally:
            silent.cancel()

    async def read(self):
        """Frames. Pings are answered here, whatever the worker is at."""
        kind, parts, size = None, [], 0
        while True:
            first, second = await self.exactly(2)
            final, opcode, n = first & 0x80, first & 15, second & 127
            if first & 0x70 or not second & 0x80 or (opcode >= 8 and (n > 125 or not final)):
                raise Gone(1002)
            if n == 126:
                n = int.from_bytes(await self.exactly(2), "big")
            elif n == 127:
                n = int.from_bytes(await self.exactly(8), "big")
            size += n if opcode < 8 else 0
            if size > MIB:
                raise Gone(1009)
            mask = await self.exactly(4)
            data = await self.exactly(n)
            long = int.from_bytes((mask * (n // 4 + 1))[:n], "big")
            data = (int.from_bytes(data, "big") ^ long).to_bytes(n, "big")
            if opcode == PING:
                self.frame(PONG, data)
            elif opcode == CLOSE:
                raise Gone()
            elif opcode in (0, TEXT, BINARY):
                if (opcode == 0) == (kind is None):
                    raise Gone(1002)
                kind = opcode or kind
                parts.append(data)
                if final:
                    await self.queue.put((kind, b"".join(parts)))
                    kind, parts, size = None, [], 0
            elif opcode != PONG:
                raise Gone(1002)

    async def work(self):
        """Messages, one after the other."""
        while True:
            kind, data = await self.queue.get()
            self.one(kind, data)
            try:
                await self.writer.drain()
            except ConnectionError:
                return
            await asyncio.sleep(0)  # other links' turn

    def one(self, kind, data):
        backend, self.after = self.backend, []
        re = None
        try:
            if kind != TEXT:
                raise Problem("syntax", "no text message")
            message, body = parse(data)
            re = message["id"]
            answer = backend.decide(self, message, body)
            backend.book.commit()
            if answer:
                self.send(*answer, re=re)
            for act in self.after:
                act()
        except Problem as problem:
            backend.book.undo()
            self.send("error", {"code": problem.code, "text": problem.text}, re=problem.re or re)
            self.bad += problem.code in ("syntax", "version", "body")
            self.ends = self.ends or problem.end or self.bad > 10
        except Exception as failure:  # never in silence, and never half
            backend.book.undo()
            print("trouble: %r" % failure, file=sys.stderr, flush=True)
            if backend.options.debug:
                raise
            self.send("error", {"code": "trouble", "text": "say it again later"}, re=re)
        if self.ends:
            self.close()


def reply(writer, status, body=b"", kind="application/json"):
    writer.write(("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, kind, len(body))).encode() + body)
    writer.close()


def refuse(writer, status, code, detail):
    later = "\r\nRetry-After: 5" if code == "busy" else ""
    reply(writer, status, json.dumps({"code": code, "detail": detail}).encode(), "application/problem+json" + later)


async def request(reader):
    """Path, headers, and a body as far as its length is told."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name:
            headers[name.strip().lower()] = (headers.get(name.strip().lower(), "") + "," + value.strip()).strip(",")
    size = int(headers.get("content-length", 0))
    if not 0 <= size <= MIB:
        raise ValueError("the body is too long")
    return first.split(" ")[1], headers, await reader.readexactly(size)


class Server:
    def __init__(self, backend):
        self.backend = backend

    async def public(self, reader, writer):
        """What registers ask: a link, and enrolment and renewal beside it."""
        try:
            path, headers, body = await asyncio.wait_for(request(reader), 10)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError, ConnectionError, ValueError, IndexError):
            writer.close()
            return
        tls = writer.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
        act = {"/v1/enrol": self.backend.enrol, "/v1/renew": self.backend.renew}.get(path) if tls else None
        try:
            if act:
                given = act(certificate, body)
                self.backend.book.commit()  # before the answer leaves
                self.backend.end_revoked()
                return reply(writer, "200 OK", json.dumps(given).encode())
            *peer, shown = self.backend.desk.who(certificate) if tls else (None,)
        except enrol.Refusal as no:
            self.backend.book.undo()
            return refuse(writer, no.status, no.code, no.detail)
        except Exception as failure:  # never in silence, and never half
            self.backend.book.undo()
            print("trouble: %r" % failure, file=sys.stderr, flush=True)
            return refuse(writer, "503 Service Unavailable", "busy", "say it again later")
        await self.link(reader, writer, headers, tuple(peer) or None, shown)

    async def link(self, reader, writer, headers, peer, certificate):
        offered = [p.strip() for p in headers.get("sec-websocket-protocol", "").split(",")]
        if "sekisho.v1" not in offered or "websocket" not in headers.get("upgrade", "").lower():
            return refuse(writer, "400 Bad Request", "protocol", "sekisho.v1 over a websocket is spoken here")
        accept = hashlib.sha1((headers.get("sec-websocket-key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        writer.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Protocol: sekisho.v1\r\nSec-WebSocket-Accept: %s\r\n\r\n" % base64.b64encode(accept).decode()).encode())
        await Link(self.backend, reader, writer, peer, certificate).serve()

    async def admin(self, reader, writer):
        try:
            path, _, body = await request(reader)
            self.backend.admin(path, json.loads(body))
            reply(writer, "204 No Content")
        except Exception as failure:
            self.backend.book.undo()
            reply(writer, "400 Bad Request", repr(failure).encode())

    async def run(self):
        o, tls = self.backend.options, {}
        host, _, port = o.listen.rpartition(":")
        if o.ca:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            key, chain = self.backend.authority.server(o.host or host.strip("[]"))
            context.load_cert_chain(chain, key)
            enrol.ask_for_certificates(context)
            tls = {"ssl": context, "ssl_handshake_timeout": 10}
        server = await asyncio.start_server(self.public, host.strip("[]"), int(port), **tls)
        if o.admin:
            await asyncio.start_server(self.admin, "127.0.0.1", int(o.admin))
        print("listening at %s" % (server.sockets[0].getsockname(),), flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), 1)
            except asyncio.TimeoutError:
                self.backend.end_revoked()  # by the command of enrol.py


def main():
    os.umask(0o077)  # the database has the stores' keys, the CA's folder its own
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    file = pathlib.Path
    p.add_argument("--listen", default="127.0.0.1:9000", help="host and port of the link")
    p.add_argument("--data", default="backend.db", help="the SQLite file")
    p.add_argument("--root", type=file, required=True, help="head office's root key (root.vkey)")
    p.add_argument("--roles", type=file, required=True, help="the signed roles")
    p.add_argument("--policy", type=file, required=True, help="the signed policy in force")
    p.add_argument("--freeze", type=file, help="the signed freeze in force")
    p.add_argument("--hpke", type=file, help="the X25519 secret key for evidence, hex; without it no advice is taken")
    p.add_argument("--registers", type=file, help="the registers' public keys, a line each; without it every hello is believed")
    p.add_argument("--store-class", default="", help="class of all stores, for caps that name classes")
    p.add_argument("--balance", type=int, default=100_000, help="yen on an account that was not heard of")
    p.add_argument("--admin", metavar="PORT", help="port on loopback for head office's acts (conformance.md)")
    p.add_argument("--ca", metavar="DIR", help="wss: the folder of the CA; what is missing in it is made")
    p.add_argument("--host", help="wss: the name in the backend's certificate, where it is not that of --listen")
    p.add_argument("--insecure-dev", action="store_true", help="ws without enrolment, on loopback")
    p.add_argument("--debug", action="store_true", help="end a link with a trace where this program failed")
    options = p.parse_args()
    if bool(options.ca) == options.insecure_dev:
        p.error("either --ca or --insecure-dev")
    if options.insecure_dev and options.listen.rpartition(":")[0] not in ("127.0.0.1", "[::1]", "localhost"):
        p.error("without certificates only on loopback")
    if options.ca and not options.hpke:
        p.error("enrolment tells registers the key for evidence: --hpke")
    asyncio.run(Server(Backend(options)).run())


if __name__ == "__main__":
    main()
