// A small shop behind Seaworthy, with nothing but Node (20 or newer; 22.13 for the outbox).
// README.md says what to run and what to see.
import { createHmac, createPublicKey, randomUUID, timingSafeEqual, verify } from "node:crypto";
import { createServer } from "node:http";

const { PORT = "3000", SEAWORTHY_URL, SEAWORTHY_KEY, SEAWORTHY_APP_JOBS_SECRET, SENTRY_DSN, SHOP_DB } = process.env;

// Our calls: the key says who we are, the idempotency key makes a second try harmless.
async function call(path, body, id) {
  const headers = { authorization: `Bearer ${SEAWORTHY_KEY}`, "content-type": "application/json", ...(id && { "idempotency-key": id }) };
  const res = await fetch(SEAWORTHY_URL + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!res.ok) throw new Error(`${path} answered ${res.status}: ${await res.text()}`);
  return res.json();
}

// Who asks, by the signed assertion (ES256, RFC 7515): nobody who reaches this port can make one up.
let keys = {};
const whoAsks = (req) => readAssertion(req.headers["x-seaworthy-assertion"] ?? "").catch(() => null);
async function readAssertion(token) {
  const [head, body, signature] = token.split(".");
  if (!signature) return null;
  const { alg, kid, typ } = JSON.parse(Buffer.from(head, "base64url"));
  if (alg !== "ES256" || typ !== "assertion+jwt") return null;
  if (!keys[kid]) { // a new key, perhaps: they rotate
    const { keys: all } = await (await fetch(SEAWORTHY_URL + "/-/.well-known/jwks.json")).json();
    keys = Object.fromEntries(all.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: "jwk" })]));
  }
  const signed = Buffer.from(`${head}.${body}`);
  if (!keys[kid] || !verify("sha256", signed, { key: keys[kid], dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"))) return null;
  const who = JSON.parse(Buffer.from(body, "base64url"));
  const audience = [].concat(who.aud);
  return who.iss === SEAWORTHY_URL + "/-" && audience.includes("app") && who.exp * 1000 > Date.now() ? who : null;
}

// Jobs come back signed as Standard Webhooks says (standardwebhooks.com).
function signedByUs(headers, body) {
  const at = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(at) || Math.abs(Date.now() / 1000 - Number(at)) > 300) return false;
  const key = Buffer.from(SEAWORTHY_APP_JOBS_SECRET.replace(/^whsec_/, ""), "base64");
  const want = createHmac("sha256", key).update(`${headers["webhook-id"]}.${at}.`).update(body).digest();
  return (headers["webhook-signature"] ?? "").split(" ").some((s) => {
    const given = Buffer.from(s.startsWith("v1,") ? s.slice(3) : "", "base64");
    return given.length === want.length && timingSafeEqual(given, want);
  });
}

// An error as Sentry's SDKs report it, by hand; in your app the stock SDK does it.
async function report(err) {
  const { username: key, pathname, origin } = new URL(SENTRY_DSN);
  const [, before, project] = pathname.match(/^(.*)\/(\d+)$/);
  const event = { event_id: randomUUID().replaceAll("-", ""), timestamp: Date.now() / 1000, platform: "node", level: "error",
    exception: { values: [{ type: err.name, value: err.message }] } };
  const lines = [{ event_id: event.event_id }, { type: "event" }, event].map((line) => JSON.stringify(line));
  await fetch(`${origin}${before}/api/${project}/envelope/?sentry_key=${key}`, { method: "POST", body: lines.join("\n") });
}

// An order in our own file, with its job beside it in one transaction.
let db;
if (SHOP_DB) {
  const { DatabaseSync } = await import("node:sqlite");
  db = new DatabaseSync(SHOP_DB);
  db.exec(`PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, email TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS seaworthy_outbox (id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, args TEXT, queue TEXT, endpoint TEXT,
      priority INTEGER, run_at INTEGER, key TEXT, created INTEGER, error TEXT)`);
}
function store(order, args) {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.prepare("INSERT INTO orders (id, email) VALUES (?, ?)").run(order, args.email);
    db.prepare("INSERT INTO seaworthy_outbox (id, kind, args) VALUES (?, 'order.pack', ?)").run(order, JSON.stringify(args));
    db.exec("COMMIT");
  } catch (err) { db.exec("ROLLBACK"); throw err; }
}

const routes = {
  "GET /": (req) => [200, { hello: decodeURIComponent(req.headers["x-seaworthy-name"] ?? "stranger") }],
  "GET /whoami": async (req) => [200, await whoAsks(req)],
  "GET /reports": async (req) => ((await whoAsks(req))?.entitlements?.includes("reports") ? [200, { sold: 42 }] : [402, { error: "Reports come with a larger plan." }]),
  "GET /team": () => [200, { team: "only who may be here gets here" }], // an access rule in front says who
  "GET /greeting": async (req) => {
    const who = await whoAsks(req);
    const { value } = await call("/-/ofrep/v1/evaluate/flags/greeting", { context: { targetingKey: who?.sub ?? "nobody" } });
    return [200, { greeting: value }];
  },
  "POST /orders": async (req) => {
    const who = await whoAsks(req);
    if (!who) return [401, { error: "Sign in first." }];
    const order = randomUUID();
    const args = { order, email: who.email };
    if (db) store(order, args);
    else await call("/-/api/v1/jobs", { kind: "order.pack", args }, order);
    await call("/-/api/v1/audit/events", { action: "order.placed", actor: { type: "user", id: who.sub }, org: who.org, targets: [{ type: "order", id: order }] }, `placed-${order}`);
    return [201, { order }];
  },
  "POST /jobs": async (req, body) => {
    if (!signedByUs(req.headers, body)) return [401, { error: "This was not signed with our secret." }];
    const { id, kind, args } = JSON.parse(body);
    if (kind !== "order.pack") return [422, { error: "No such job is known here." }];
    await call("/-/api/v1/email/send", { to: [args.email], subject: "Your order is packed", text: `Order ${args.order} is on its way.` }, id);
    return [200, { packed: args.order }];
  },
  "GET /boom": () => { throw new Error("the shelf fell down"); },
};

const server = createServer(async (req, res) => {
  let answer = [404, { error: "There is nothing here." }];
  try {
    const parts = [];
    for await (const part of req) parts.push(part);
    const route = routes[`${req.method} ${req.url.split("?")[0]}`];
    if (route) answer = await route(req, Buffer.concat(parts));
  } catch (err) {
    await report(err).catch(console.error);
    answer = [500, { error: "Something went wrong." }];
  }
  res.writeHead(answer[0], { "content-type": "application/json" }).end(JSON.stringify(answer[1]));
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
