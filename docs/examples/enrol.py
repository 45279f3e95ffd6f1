#!/usr/bin/env python3
"""How registers and this backend come to trust each other: one-time codes, certificates and the CA
that signs them. Written from enrolment.md; backend.py asks it who dials, and needs it for wss:// only.

    enrol.py code --data backend.db --ca DIR --root-key root.skey --realm R --store S --register N --class C
    enrol.py revoke --data backend.db --register N

Run as a command it is head office's: only there is the root's secret key, which signs who a register
is, and the backend hands on what was signed. Both write to one database; a running backend sees it.

Certificates are made by the command `openssl` (3.0 or later). No secret is ever on its command line.
"""

import argparse
import base64
import ctypes
import hashlib
import ipaddress
import json
import os
import pathlib
import re
import secrets
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.dont_write_bytecode = True

import verify

HOUR = 3_600_000
DAYS = 90  # a certificate's life
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Refusal(Exception):
    """A request that is refused: HTTP status, code of enrolment.md, and a sentence for people."""

    def __init__(self, status, code, detail):
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


def texts(body, *names):
    """The texts of these names in a request's JSON."""
    try:
        asked = json.loads(body)
        found = [asked[name] for name in names]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = [None]
    if not all(isinstance(text, str) for text in found):
        raise Refusal("400 Bad Request", "enrol.csr", "this is no JSON with " + " and ".join(names))
    return found


def now():
    return int(time.time() * 1000)


# The one-time code.


def base32(data):
    """The last character's missing bits are zero."""
    bits = "".join("{:08b}".format(b) for b in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(CROCKFORD[int(bits[i : i + 5], 2)] for i in range(0, len(bits), 5))


def one_time_code(secret, ca):
    """The code for a secret of 10 bytes, and a CA certificate's DER."""
    body = secret + hashlib.sha256(ca).digest()[:16]
    text = base32(body + hashlib.sha256(body).digest()[:2])
    return "-".join(text[i : i + 5] for i in range(0, len(text), 5))


def known_by(secret):
    """What is kept of a secret, however it was typed."""
    plain = re.sub("[ -]", "", secret.upper()).translate(str.maketrans("ILO", "110"))
    return hashlib.sha256(plain.encode(errors="replace")).hexdigest()


# Certificates.


def openssl(*args, text=""):
    """What the command says on both its outputs; text goes to its standard input."""
    run = subprocess.run(("openssl",) + args, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    if run.returncode:
        raise OSError("openssl %s: %s" % (args[0], run.stderr.decode(errors="replace").strip()))
    return run.stdout.decode(), run.stderr.decode(errors="replace")


def make_key(path):
    """openssl makes it for its owner alone, mode 0600."""
    if not path.exists():
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path))


class Authority:
    """The CA in a folder: ca.key, ca.crt, and the backend's own server.key and server.crt."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.key, self.file = self.folder / "ca.key", self.folder / "ca.crt"
        make_key(self.key)
        if not self.file.exists():
            openssl("req", "-x509", "-new", "-key", str(self.key), "-days", "3650", "-subj", "/CN=example backend CA", "-out", str(self.file),
                    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        self.pem = self.file.read_text()
        self.der = ssl.PEM_cert_to_DER_cert(self.pem)

    def sign(self, public, subject, extensions):
        """A certificate (PEM) for a public key (PEM). All that it says is the CA's own words: of a
        signing request only the key is taken."""
        with tempfile.TemporaryDirectory() as folder:
            pub, ext = pathlib.Path(folder, "pub"), pathlib.Path(folder, "ext")
            pub.write_text(public)
            ext.write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n" + extensions)
            return openssl("x509", "-new", "-force_pubkey", str(pub), "-subj", "/CN=" + subject, "-extfile", str(ext), "-days", str(DAYS),
                           "-CA", str(self.file), "-CAkey", str(self.key), "-set_serial", "0x" + secrets.token_hex(16))[0]

    def register(self, public, store, name):
        who = "sekisho://register/%s/%s" % tuple(urllib.parse.quote(part, safe="$&+=:@") for part in (store, name))
        return self.sign(public, "register", "extendedKeyUsage=clientAuth\nsubjectAltName=URI:%s\n" % who.replace("$", "\\$"))  # of openssl's

    def server(self, host):
        """The files of key and chain for TLS; made where they are not there, and anew with a month
        left. The chain ends with the CA, which a register with nothing but a code looks for."""
        key, chain = self.folder / "server.key", self.folder / "server.crt"
        make_key(key)
        try:
            kind, check = "IP:%s" % ipaddress.ip_address(host), "-checkip"
        except ValueError:
            kind, check = "DNS:" + host, "-checkhost"
        try:
            openssl("x509", "-in", str(chain), "-noout", "-checkend", str(30 * 86400))
            said = openssl("x509", "-in", str(chain), "-noout", check, host)[0]
        except OSError:  # none, or its end is near
            said = ""
        if "does match" not in said:
            public = openssl("pkey", "-in", str(key), "-pubout")[0]
            chain.write_text(self.sign(public, "backend", "extendedKeyUsage=serverAuth\nsubjectAltName=%s\n" % kind) + self.pem)
        return str(key), str(chain)


def requested_key(csr):
    """The Ed25519 key of a signing request: 32 bytes, and PEM."""
    bad = Refusal("400 Bad Request", "enrol.csr", "this is no signing request by an Ed25519 key")
    try:
        pem, said = openssl("req", "-verify", "-noout", "-pubkey", text=csr)
        der = base64.b64decode("".join(pem.split("\n")[1:-2]))
    except (OSError, ValueError):
        raise bad
    # The exit status is 0 for a wrong signature too. The prefix says Ed25519 (RFC 8410).
    if "verify OK" not in said or len(der) != 44 or der[:12].hex() != "302a300506032b6570032100":
        raise bad
    return der[12:], pem


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
def let_through(verified, chain):
    return 1


def ask_for_certificates(tls):
    """Asks who dials for a certificate and takes any in the handshake, so that a refusal can say
    why in HTTP. Who it is Desk.who decides. Python's ssl refuses a stranger's itself, without a
    word; what it lacks is a call of OpenSSL's, whose context is the first field of Python's."""
    import _ssl

    tls.verify_mode = ssl.CERT_OPTIONAL
    tls.num_tickets = 0  # each dial shows its certificate
    library = ctypes.CDLL(getattr(_ssl, "__file__", None))
    library.SSL_CTX_set_verify.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    context = ctypes.c_void_p.from_address(id(tls) + object.__basicsize__)
    library.SSL_CTX_set_verify(context, 1, ctypes.cast(let_through, ctypes.c_void_p))  # 1: SSL_VERIFY_PEER


# What is kept.


class Desk:
    """Codes and certificates, in backend.py's database. It commits nothing: whoever asks does."""

    def __init__(self, db):
        self.db = db
        with db:
            db.execute("CREATE TABLE IF NOT EXISTS codes (hash TEXT PRIMARY KEY, store TEXT, register TEXT, identity TEXT, until INTEGER, key TEXT)")
            db.execute("CREATE TABLE IF NOT EXISTS certificates (hash TEXT PRIMARY KEY, store TEXT, register TEXT, key TEXT, until INTEGER, code TEXT, revoked INTEGER)")
            db.execute("CREATE TABLE IF NOT EXISTS stores (store TEXT PRIMARY KEY, key TEXT)")

    def one(self, query, *values):
        return self.db.execute(query, values).fetchone()

    # Head office's acts.

    def give_code(self, ca, store, register, identity):
        """A code for a register, which is one store's. Those from before are void."""
        there = self.one("SELECT store FROM codes WHERE register = ? UNION SELECT store FROM certificates WHERE register = ?", register, register)
        if there and there[0] != store:
            raise SystemExit("%s is a register of store %s" % (register, there[0]))
        secret = secrets.token_bytes(10)
        self.db.execute("DELETE FROM codes WHERE register = ? OR until < ?", (register, now()))
        self.db.execute("INSERT INTO codes VALUES (?, ?, ?, ?, ?, NULL)", (known_by(base32(secret)), store, register, identity, now() + HOUR))
        return one_time_code(secret, ca)

    def revoke(self, register):
        """Its certificates, and the codes that are out for it. False for one that has neither: its name may be mistyped."""
        certificates = self.db.execute("UPDATE certificates SET revoked = 1 WHERE register = ?", (register,))
        codes = self.db.execute("DELETE FROM codes WHERE register = ?", (register,))
        return certificates.rowcount + codes.rowcount > 0

    # Registers' requests.

    def enrol(self, authority, body):
        """Store, register, key and the parts of the answer that are this file's."""
        secret, csr = texts(body, "secret", "csr")
        code = known_by(secret)
        row = self.one("SELECT store, register, identity, until, key FROM codes WHERE hash = ?", code)
        if not row or row[3] < now():
            raise Refusal("403 Forbidden", "enrol.code", "this code is not known, or past its life")
        store, register, identity, _, used = row
        key, public = requested_key(csr)
        if used not in (None, key.hex()):
            raise Refusal("403 Forbidden", "enrol.code", "this code was used with another key")
        self.db.execute("UPDATE codes SET key = ? WHERE hash = ?", (key.hex(), code))
        self.db.execute("UPDATE certificates SET revoked = 1 WHERE register = ? AND code <> ?", (register, code))
        self.db.execute("INSERT OR IGNORE INTO stores VALUES (?, ?)", (store, secrets.token_hex(32)))
        answer = self.certify(authority, store, register, key, public, code)
        answer.update(identity=identity, store_key=self.one("SELECT key FROM stores WHERE store = ?", store)[0])
        return store, register, key, answer

    def certify(self, authority, store, register, key, public, code):
        pem = authority.register(public, store, register)
        shown = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        self.db.execute("INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?, 0)", (shown, store, register, key.hex(), now() + DAYS * 24 * HOUR, code))
        return {"certificate": pem, "ca": authority.pem}

    def who(self, der):
        """Store, register and the hash that stands for the certificate that somebody dials with.
        TLS saw that he has its key. It is one that was given out here, so no chain is looked at."""
        if not der:
            raise Refusal("401 Unauthorized", "certificate.missing", "this wants the register's certificate")
        shown = hashlib.sha256(der).hexdigest()
        row = self.one("SELECT store, register, until, revoked FROM certificates WHERE hash = ?", shown)
        if not row:
            raise Refusal("403 Forbidden", "certificate.foreign", "this certificate is not of this backend")
        if row[3] or row[2] < now():
            raise Refusal("403 Forbidden", "certificate.revoked", "this certificate is revoked or past its end: enrol the register again")
        return row[0], row[1], shown

    def good(self, shown):
        return self.one("SELECT 1 FROM certificates WHERE hash = ? AND NOT revoked AND until >= ?", shown, now()) is not None

    def renew(self, authority, der, body):
        """Another certificate for the key of the one in use, which stays good."""
        store, register, shown = self.who(der)
        (csr,) = texts(body, "csr")
        key, public = requested_key(csr)
        had, code = self.one("SELECT key, code FROM certificates WHERE hash = ?", shown)
        if had != key.hex():
            raise Refusal("400 Bad Request", "enrol.csr", "the request is not by the key of the certificate")
        return self.certify(authority, store, register, key, public, code)


# Head office.


def sign_note(text, signing_key):
    """protocol.md, "The signed note"; the key is PRIVATE+KEY+NAME+HASH+KEY."""
    _, _, name, key_hash, key = signing_key.strip().split("+", 4)
    raw = bytes.fromhex(key_hash) + verify.ed25519.sign(base64.b64decode(key)[1:], text.encode())
    return "%s\n\u2014 %s %s\n" % (text, name, base64.b64encode(raw).decode())


def main():
    os.umask(0o077)
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    acts = p.add_subparsers(dest="act", required=True)
    give = acts.add_parser("code", help="write a one-time code for each register, a line each")
    revoke = acts.add_parser("revoke", help="revoke the certificates of registers, and their codes")
    for act in (give, revoke):
        act.add_argument("--data", required=True, help="the backend's SQLite file")
        act.add_argument("--register", required=True, nargs="+", help="one or more")
    give.add_argument("--store", required=True)
    give.add_argument("--class", dest="store_class", required=True, help="class of the store")
    give.add_argument("--realm", required=True, help="chain and environment, as in the policy")
    give.add_argument("--ca", required=True, help="folder of the CA")
    give.add_argument("--root-key", type=pathlib.Path, required=True, help="head office's secret root key (root.skey)")
    o = p.parse_args()
    db = sqlite3.connect(o.data, timeout=30)
    desk = Desk(db)
    if o.act == "code" and not all(re.fullmatch(r"[^\s+/]{1,100}", name) for name in o.register + [o.store]):
        p.error("a name has 1 to 100 characters, no space, plus or slash")
    codes = []
    with db:  # and then a commit
        for register in o.register:
            if o.act == "revoke":
                if not desk.revoke(register):
                    p.error("no register %s was enrolled here, and no code is out for it: nothing is revoked" % register)
            else:
                named = (("register", register), ("store", o.store), ("class", o.store_class), ("realm", o.realm))
                text = "".join("%s = %s\n" % (k, json.dumps(v, ensure_ascii=False)) for k, v in named)
                codes.append(desk.give_code(Authority(o.ca).der, o.store, register, sign_note(text, o.root_key.read_text())))
    print("".join(code + "\n" for code in codes), end="")


if __name__ == "__main__":
    main()
