"""A small shop: it stores an order and the job that belongs to it in one
transaction, and does the job when Seaworthy posts it. Python's standard library
is all it needs.

    SEAWORTHY_JOBS_SECRET=whsec_... python3 app.py shop.db 3000
    curl -d item=tea http://127.0.0.1:3000/orders
"""
import base64, hashlib, hmac, json, os, sqlite3, sys, time, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TABLES = """
CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, item TEXT NOT NULL, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs_done (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS seaworthy_outbox (
  id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, args TEXT, queue TEXT, endpoint TEXT,
  priority INTEGER, run_at INTEGER, key TEXT, created INTEGER, error TEXT);
"""


def connect(path):
    # isolation_level=None: transactions begin and end where we say. timeout: wait
    # for a lock instead of failing at once.
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    return db


def place_order(db, item):
    """The order and its job are both there, or neither is."""
    order = str(uuid.uuid4())
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute("INSERT INTO orders (id, item, state) VALUES (?, ?, 'new')", (order, item))
        db.execute(
            "INSERT INTO seaworthy_outbox (id, kind, args, key) VALUES (?, 'order.pack', ?, ?)",
            (str(uuid.uuid4()), json.dumps({"order": order}), order))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return {"order": order, "committed": time.time()}


def do_job(db, job_id, kind, args):
    """A job can come twice: what it does and that it was done are one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        if db.execute("INSERT OR IGNORE INTO jobs_done (id) VALUES (?)", (job_id,)).rowcount:
            if kind == "order.pack":
                db.execute("UPDATE orders SET state = 'packed' WHERE id = ?", (args["order"],))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def verify(secret, headers, body):
    """Standard Webhooks 1.0.0: https://www.standardwebhooks.com"""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isascii() or not sent_at.isdigit() or abs(time.time() - int(sent_at)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    want = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [s.removeprefix("v1,") for s in headers.get("webhook-signature", "").split() if s.startswith("v1,")]
    return any([hmac.compare_digest(want.encode(), s.encode()) for s in given])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        db = connect(sys.argv[1])
        try:
            if self.path == "/orders":
                self.answer(201, place_order(db, body.decode().removeprefix("item=")))
            elif self.path != "/jobs":
                self.answer(404, {})
            elif not verify(os.environ["SEAWORTHY_JOBS_SECRET"], self.headers, body):
                self.answer(401, {})
            else:
                job = json.loads(body)
                do_job(db, self.headers["webhook-id"], job["kind"], job["args"])
                self.answer(200, {"done": True})
        finally:
            db.close()

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    first = connect(sys.argv[1])
    first.executescript(TABLES)
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
