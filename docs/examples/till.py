#!/usr/bin/env python3
"""Connects a real register to backend.py, and has it sell.

    docs/examples/till.py BIN PORT

The register is enrolled by a one-time code and linked over TLS. One sale is approved by the backend;
the backend is ended, and a sale is approved without it; it is started again, and that sale is
settled. Then head office revokes the register, which is told so, and is enrolled anew.

BIN is the folder of the programs; PORT and the two after it must be free on loopback. All files go to
a folder that is taken away at the end. The exit status is 0 if everything came as said.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 60  # seconds for each thing that must come
TOBACCO = {"gtin": "49400762", "quantity": 1, "unit_price": 600}


class Till:
    def __init__(self, folder, programs, port):
        self.folder, self.programs, self.port = folder, programs, port
        self.running = {}
        self.config = folder / "sekishod.toml"
        settings = {"data": folder / "till", "run": folder / "run", "backend": self.link(), "scanner": folder / "scanner",
                    "scanner_family": "newland", "listen": "127.0.0.1:%d" % (port + 2)}
        self.config.write_text("".join('%s = "%s"\n' % setting for setting in settings.items()))

    def link(self):
        return "wss://127.0.0.1:%d/v1/link" % self.port

    def run(self, *command, text=None):
        done = subprocess.run([str(c) for c in command], input=text, stdout=subprocess.PIPE, universal_newlines=True, timeout=PATIENCE)
        if done.returncode:
            raise SystemExit("%s: exit status %d" % (command[0], done.returncode))
        return done.stdout

    def start(self, name, *command):
        """A program that stays, until end."""
        with open(str(self.folder / (name + ".log")), "ab") as log:
            self.running[name] = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=log, stderr=log)

    def end(self, name):
        program = self.running.pop(name)
        program.terminate()
        try:
            program.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()

    def wait(self, what, come):
        """What come gives, once it is not None or False; all that the state says if it never is."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                given = come()
            except OSError as no:  # the local API is not there yet
                given = None
                last = no
            else:
                last = given
            if given:
                print("ok  " + what, flush=True)
                return given
            for name, program in self.running.items():
                if program.poll() is not None:
                    raise SystemExit("%s has ended" % name)
            time.sleep(0.05)
        raise SystemExit("waited in vain: %s (%r, %s)" % (what, last, self.api("GET", "/v1/state")))

    def api(self, method, path, body=None):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port + 2, path), method=method, data=body and json.dumps(body).encode())
        request.add_header("Authorization", "Bearer " + (self.folder / "run" / "pos.token").read_text().strip())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def state(self):
        return self.api("GET", "/v1/state")

    # The parts of the store.

    def backend(self):
        self.run(HERE / "start.sh", self.programs, self.folder, self.port)

    def end_backend(self):
        pid = int((self.folder / "pid").read_text())
        (self.folder / "pid").unlink()
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
            except ConnectionError:
                return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)

    def enrol(self):
        code = self.run(HERE / "office.sh", self.folder, "code", "store-1", "register-1")
        print(self.run(self.programs / "sekisho", "--config", self.config, "enrol", text=code).split("\n")[0])

    def daemon(self):
        self.start("sekishod", self.programs / "sekishod", "--config", self.config)

    def is_linked(self):
        state = self.state()
        return state["link"]["up"] and state["policy"]["version"] > 0 and state["scanner"] == "connected"

    def sell(self, ref):
        """The verdict on a sale of one packet, for which a customer holds up his pass."""
        self.api("PUT", "/v1/sales/" + ref, {"lines": [TOBACCO], "total": TOBACCO["unit_price"], "ready": True})
        shown = self.run(self.programs / "sekisho-sim", "pass", "--dir", self.folder, "--account", "customer-0001").strip()
        scanner = self.running["scanner"].stdin
        scanner.write(("qr %s\n" % shown).encode())
        scanner.flush()

        def decided():
            verdict = self.state()["verdict"]
            return verdict and verdict["sale"] == ref and verdict["outcome"] != "unknown" and verdict

        verdict = self.wait(ref + ": a verdict", decided)
        if verdict["outcome"] != "approved":
            raise SystemExit("%s: %s" % (ref, json.dumps(verdict)))
        return verdict

    def verdict(self, payment):
        return self.api("GET", "/v1/payments/" + payment)

    def kept(self, payment):
        """What the backend keeps of a payment."""
        db = sqlite3.connect(str(self.folder / "backend.db"), timeout=PATIENCE)
        try:
            row = db.execute("SELECT doc FROM docs WHERE kind = 'payments' AND key = ?", (payment,)).fetchone()
            return json.loads(row[0]) if row else None
        finally:
            db.close()

    def play(self):
        self.backend()
        self.enrol()
        self.start("scanner", self.programs / "sekisho-sim", "scanner", "--model", "newland", "--link", self.folder / "scanner")
        self.wait("the scanner is there", (self.folder / "scanner").is_symlink)
        self.daemon()
        self.wait("the register is linked over TLS, and has a policy", self.is_linked)

        online = self.sell("ONLINE")
        self.hold("it is approved by the backend", not online["offline"] and self.kept(online["payment"])["outcome"] == "approved")

        self.end_backend()
        self.wait("the backend is ended, and the register knows", lambda: not self.state()["link"]["up"])
        offline = self.sell("OFFLINE")
        self.hold("it is approved without the backend", offline["offline"] and self.kept(offline["payment"]) is None)

        self.backend()
        self.wait("the backend is back, and the sale settled", lambda: self.verdict(offline["payment"])["state"] == "settled")
        kept = self.kept(offline["payment"])
        self.hold("the backend has charged it, by an advice", (kept["how"], kept["outcome"]) == ("advice", "approved"))

        self.run(HERE / "office.sh", self.folder, "revoke", "register-1")
        self.wait("head office revokes the register, and it is told", lambda: self.state()["link"].get("reason") == "refused")
        self.end("sekishod")
        self.enrol()
        self.daemon()
        self.wait("enrolled anew it is linked", self.is_linked)
        again = self.sell("AGAIN")
        self.hold("and sells", not again["offline"] and not self.state().get("quarantine"))

    def hold(self, what, holds):
        if not holds:
            raise SystemExit("not so: %s (%s)" % (what, json.dumps(self.state())))
        print("ok  " + what, flush=True)


def main():
    programs, port = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = pathlib.Path(tempfile.mkdtemp())
    till = Till(folder, programs, port)
    good = False
    try:
        till.play()
        good = True
    finally:
        for name in list(till.running):
            till.end(name)
        if (folder / "pid").exists():
            till.end_backend()
        if not good:
            for log in sorted(folder.glob("*log")):
                print("== %s\n%s" % (log.name, log.read_text(errors="replace")[-4000:]), file=sys.stderr)
        shutil.rmtree(str(folder), ignore_errors=True)


if __name__ == "__main__":
    main()
