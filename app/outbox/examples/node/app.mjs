// A small shop: it stores an order and the job that belongs to it in one
// transaction, and does the job when Seaworthy posts it. Node 22.13 or newer is all
// it needs.
//
//     SEAWORTHY_JOBS_SECRET=whsec_... node app.mjs shop.db 3000
//     curl -d item=tea http://127.0.0.1:3000/orders
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";

const [path, port] = process.argv.slice(2);
const db = new DatabaseSync(path);
db.exec(`
PRAGMA busy_timeout = 10000; -- wait for a lock instead of failing at once
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, item TEXT NOT NULL, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs_done (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS seaworthy_outbox (
  id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, args TEXT, queue TEXT, endpoint TEXT,
  priority INTEGER, run_at INTEGER, key TEXT, created INTEGER, error TEXT);
`);

function transaction(change) {
  db.exec("BEGIN IMMEDIATE");
  try {
    change();
    db.exec("COMMIT");
  } catch (err) {
    db.exec("ROLLBACK");
    throw err;
  }
}

// The order and its job are both there, or neither is.
function placeOrder(item) {
  const order = randomUUID();
  transaction(() => {
    db.prepare("INSERT INTO orders (id, item, state) VALUES (?, ?, 'new')").run(order, item);
    db.prepare("INSERT INTO seaworthy_outbox (id, kind, args, key) VALUES (?, 'order.pack', ?, ?)")
      .run(randomUUID(), JSON.stringify({ order }), order);
  });
  return { order, committed: (performance.timeOrigin + performance.now()) / 1000 };
}

// A job can come twice: what it does and that it was done are one transaction.
function doJob(id, kind, args) {
  transaction(() => {
    const first = db.prepare("INSERT OR IGNORE INTO jobs_done (id) VALUES (?)").run(id).changes > 0;
    if (first && kind === "order.pack") {
      db.prepare("UPDATE orders SET state = 'packed' WHERE id = ?").run(args.order);
    }
  });
}

// Standard Webhooks 1.0.0: https://www.standardwebhooks.com
function verify(secret, headers, body) {
  const sentAt = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const want = createHmac("sha256", key).update(`${headers["webhook-id"]}.${sentAt}.`).update(body).digest();
  return (headers["webhook-signature"] ?? "").split(" ").some((s) => {
    const given = Buffer.from(s.startsWith("v1,") ? s.slice(3) : "", "base64");
    return given.length === want.length && timingSafeEqual(given, want);
  });
}

function handle(req, body) {
  if (req.method === "POST" && req.url === "/orders") return [201, placeOrder(body.toString().replace(/^item=/, ""))];
  if (req.method !== "POST" || req.url !== "/jobs") return [404, {}];
  if (!verify(process.env.SEAWORTHY_JOBS_SECRET, req.headers, body)) return [401, {}];
  const job = JSON.parse(body);
  doJob(req.headers["webhook-id"], job.kind, job.args);
  return [200, { done: true }];
}

const server = createServer((req, res) => {
  const parts = [];
  req.on("data", (part) => parts.push(part));
  req.on("end", () => {
    let [status, value] = [500, {}];
    try {
      [status, value] = handle(req, Buffer.concat(parts));
    } catch (err) {
      console.error(err);
    }
    res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  });
});
server.listen(Number(port), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
