"""A small shop behind Seaworthy, with nothing but Python's standard library (3.9 or newer).
README.md says what to run and what to see.
"""
import base64, hashlib, hmac, json, os, re, sqlite3, time, urllib.parse, urllib.request, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import es256

URL, KEY = os.environ["SEAWORTHY_URL"], os.environ["SEAWORTHY_KEY"]
SECRET, DSN, SHOP_DB = os.environ["SEAWORTHY_APP_JOBS_SECRET"], os.environ["SENTRY_DSN"], os.environ.get("SHOP_DB")


def call(path, body, key=None):
    """Our calls: the key says who we are, the idempotency key makes a second try harmless."""
    headers = {"Authorization": "Bearer " + KEY, "Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    with urllib.request.urlopen(urllib.request.Request(URL + path, json.dumps(body).encode(), headers), timeout=10) as res:
        return json.load(res)


keys = {}


def find_key(kid):
    if kid not in keys:  # a new one, perhaps: they rotate
        with urllib.request.urlopen(URL + "/-/.well-known/jwks.json", timeout=10) as res:
            keys.update({jwk["kid"]: jwk for jwk in json.load(res)["keys"]})
    return keys.get(kid)


def who_asks(headers):
    """By the signed assertion: nobody who reaches this port can make one up."""
    return es256.read(headers.get("X-Seaworthy-Assertion", ""), find_key, URL + "/-", "app", "assertion+jwt", time.time())


def signed_by_us(headers, body):
    """Jobs come back signed as Standard Webhooks says (standardwebhooks.com)."""
    at = headers.get("webhook-timestamp", "")
    if not at.isascii() or not at.isdigit() or abs(time.time() - int(at)) > 300:
        return False
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    want = base64.b64encode(hmac.new(key, f"{headers.get('webhook-id', '')}.{at}.".encode() + body, hashlib.sha256).digest())
    given = [s.removeprefix("v1,") for s in headers.get("webhook-signature", "").split() if s.startswith("v1,")]
    return any([hmac.compare_digest(want, s.encode()) for s in given])


def report(err):
    """An error as Sentry's SDKs report it, by hand; in your app the stock SDK does it."""
    dsn = urllib.parse.urlsplit(DSN)
    before, project = re.fullmatch(r"(.*)/(\d+)", dsn.path).groups()
    event = {"event_id": uuid.uuid4().hex, "timestamp": time.time(), "platform": "python", "level": "error",
             "exception": {"values": [{"type": type(err).__name__, "value": str(err)}]}}
    lines = [{"event_id": event["event_id"]}, {"type": "event"}, event]
    address = f"{dsn.scheme}://{dsn.hostname}:{dsn.port or (443 if dsn.scheme == 'https' else 80)}{before}/api/{project}/envelope/?sentry_key={dsn.username}"
    urllib.request.urlopen(urllib.request.Request(address, "\n".join(map(json.dumps, lines)).encode()), timeout=10).close()


def connect():
    db = sqlite3.connect(SHOP_DB, timeout=10, isolation_level=None)
    db.executescript("""PRAGMA journal_mode = WAL;
        CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, email TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS seaworthy_outbox (id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, args TEXT, queue TEXT, endpoint TEXT,
          priority INTEGER, run_at INTEGER, key TEXT, created INTEGER, error TEXT);""")
    return db


def store(order, args):
    """An order in our own file, with its job beside it in one transaction."""
    db = connect()
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO orders (id, email) VALUES (?, ?)", (order, args["email"]))
        db.execute("INSERT INTO seaworthy_outbox (id, kind, args) VALUES (?, 'order.pack', ?)", (order, json.dumps(args)))
        db.execute("COMMIT")
    finally:
        db.close()  # rolls back what was not committed


def home(headers, body):
    return 200, {"hello": urllib.parse.unquote(headers.get("X-Seaworthy-Name", "stranger"))}


def whoami(headers, body):
    return 200, who_asks(headers)


def reports(headers, body):
    may = "reports" in (who_asks(headers) or {}).get("entitlements", [])
    return (200, {"sold": 42}) if may else (402, {"error": "Reports come with a larger plan."})


def team(headers, body):
    return 200, {"team": "only who may be here gets here"}  # an access rule in front says who


def greeting(headers, body):
    who = who_asks(headers)
    context = {"targetingKey": who["sub"] if who else "nobody"}
    return 200, {"greeting": call("/-/ofrep/v1/evaluate/flags/greeting", {"context": context})["value"]}


def place_order(headers, body):
    who = who_asks(headers)
    if not who:
        return 401, {"error": "Sign in first."}
    order = str(uuid.uuid4())
    args = {"order": order, "email": who["email"]}
    if SHOP_DB:
        store(order, args)
    else:
        call("/-/api/v1/jobs", {"kind": "order.pack", "args": args}, order)
    call("/-/api/v1/audit/events", {"action": "order.placed", "actor": {"type": "user", "id": who["sub"]}, "org": who["org"],
                                    "targets": [{"type": "order", "id": order}]}, "placed-" + order)
    return 201, {"order": order}


def do_job(headers, body):
    if not signed_by_us(headers, body):
        return 401, {"error": "This was not signed with our secret."}
    job = json.loads(body)
    if job["kind"] != "order.pack":
        return 422, {"error": "No such job is known here."}
    order = job["args"]["order"]
    call("/-/api/v1/email/send", {"to": [job["args"]["email"]], "subject": "Your order is packed", "text": f"Order {order} is on its way."}, job["id"])
    return 200, {"packed": order}


def boom(headers, body):
    raise RuntimeError("the shelf fell down")


ROUTES = {"GET /": home, "GET /whoami": whoami, "GET /reports": reports, "GET /team": team, "GET /greeting": greeting,
          "POST /orders": place_order, "POST /jobs": do_job, "GET /boom": boom}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        route = ROUTES.get(f"{self.command} {self.path.split('?')[0]}")
        try:
            status, value = route(self.headers, body) if route else (404, {"error": "There is nothing here."})
        except Exception as err:
            report(err)
            status, value = 500, {"error": "Something went wrong."}
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
