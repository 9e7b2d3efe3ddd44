// What officers look at: what partners receive, the overview, a partner's first exchange.
import assert from "node:assert/strict";
import { createPrivateKey, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const HOSTILE = `<img src=x onerror="document.title='owned'">"'&`;

let desk, seat;
before(async () => {
  desk = await Desk.open();
  desk.run("send", "--as", "bnpt", "schemas/examples/referral.typical.json");
  desk.run("inbox", "--as", "kemensos");
  seat = await desk.enrolled("petugas-kebijakan");
});
after(() => desk?.close());

const example = (name) => JSON.parse(readFileSync(`schemas/examples/${name}.json`, "utf8"));

// A message as a partner's own software would sign it.
const signed = (party, claims, header = {}) => {
  const jwk = JSON.parse(readFileSync(join(desk.home, "parties", party, "signing.jwk"), "utf8"));
  const key = createPrivateKey({ key: jwk, format: "jwk" });
  const now = Math.floor(Date.now() / 1000);
  const id = Array.from({ length: 26 }, () => "abcdefghijklmnopqrstuvwxyz234567"[(Math.random() * 32) | 0]);
  const whole = { iss: party, aud: "https://titian.example.org", iat: now, exp: now + 600, jti: id.join(""), ...claims };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const { kid } = desk.kid ? { kid: desk.kid } : jwk;
  const head = { alg: "EdDSA", kid, typ: "titian-message+jwt", ...header };
  const text = `${part(head)}.${part(whole)}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
};

const look = async (page, message) => {
  await page.fill("textarea[name=message]", message);
  await Promise.all([page.waitForNavigation(), page.click("#echo button")]);
};
const steps = (page) => page.locator(".echo > ol > li .check").allTextContents();

test("the sheet says in letters and words what each partner receives, and what the law locks", async () => {
  const { page, go } = seat;
  await go("/partners?lang=en&message=referral/1");
  assert.match(await page.textContent("h1"), /referral\/1/);
  const name = page.locator("tr", { has: page.locator("code", { hasText: "/subject/name/full" }) });
  const cells = await name.locator("td").allTextContents();
  assert.match(cells[0], /–\s*not passed on\s*locked, law 1/);
  assert.match(cells[1], /A\s*as sent/);
  assert.match(await page.textContent(".legend"), /UU 27\/2022/);
  const digests = await page.locator(".sources tbody code").allTextContents();
  assert.ok(digests.length >= 3 && digests.every((digest) => /^[\w-]{43}$/.test(digest.trim())));
  assert.match(await page.textContent("main"), /https:\/\/titian\.example\.org/);

  await page.selectOption("select[name=class]", "direct");
  await page.selectOption("select[name=partner]", "cuta-be");
  await Promise.all([page.waitForNavigation(), page.click(".filter button")]);
  assert.equal(await page.locator(".matrix thead th").count(), 2);
  assert.deepEqual(await page.locator("th[scope=rowgroup]").allTextContents(), ["Direct identifiers"]);
  assert.match(await page.textContent(".notice"), /part of the sheet/);
});

test("on paper the sheet has its signature line, and neither menu nor form", async () => {
  const { page, go } = seat;
  await go("/partners?lang=en");
  assert.equal(await page.isVisible(".paper"), false);
  await page.emulateMedia({ media: "print" });
  for (const [part, is] of [[".top", false], [".filter", false], [".matrix", true], [".paper", true]]) {
    assert.equal(await page.isVisible(part), is, part);
  }
  await page.emulateMedia({ media: null });
});

test("axe finds nothing on any of these pages, in either language, light or dark", async () => {
  const { page, go } = seat;
  for (const [lang, colorScheme] of [["id", "light"], ["en", "dark"]]) {
    await page.emulateMedia({ colorScheme });
    for (const path of ["/", "/partners", "/partners/cuta-be", "/onboard/bnpt", "echo"]) {
      if (path === "echo") await look(page, "a.b.c");
      else await go(`${path}?lang=${lang}`);
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
      await page.evaluate(axe);
      const found = await page.evaluate(() => axe.run().then((run) => run.violations.map((one) => one.id)));
      assert.deepEqual(found, [], `${path} ${lang}`);
      assert.ok((await page.content()).length < 60 * 1024, path);
    }
  }
  await page.emulateMedia({ colorScheme: null });
});

test("one partner's page says it in sentences", async () => {
  const { page, go } = seat;
  await go("/partners/cuta-be?lang=en");
  const text = await page.textContent("main");
  assert.match(text, /cuta-be receives Date of birth \(\/subject\/birth\/date\): only one of adult, under_18/);
  assert.match(text, /4 of 61 fields leave/);
  assert.doesNotMatch(text, /receives Full name/);
  await go("/partners/cuta-be?lang=id");
  assert.match(await page.textContent("main"), /cuta-be menerima Tanggal lahir/);
});

test("an officer of another party does not see edges that are not its own", async () => {
  const other = await desk.enrolled("petugas-bnpt");
  await other.go("/partners/cuta-be?lang=en");
  const text = await other.page.textContent("main");
  assert.match(text, /No policy lets anything pass to this partner, as far as you may see/);
  assert.doesNotMatch(text, /Memorandum/);
  await other.go("/?lang=en");
  const charts = await other.page.locator("figcaption").allTextContents();
  assert.deepEqual(charts.map((said) => said.replace(/\s+/g, " ").trim()), ["bnpt → kemensos/sentra-handayani 1 in 30 days"]);
  assert.equal(await other.page.locator(".figures dd").first().textContent(), "0", "no hold of another party");
  await other.go("/partners/nobody");
  assert.match(await other.page.textContent("h1"), /Not found/);
});

test("the overview counts messages, and says so in a table too", async () => {
  const { page, go } = seat;
  await go("/?lang=en");
  assert.equal(await page.locator(".figures dd").first().textContent(), "1");
  assert.equal(await page.locator(".charts .bar").count(), 1);
  await page.click("details summary");
  assert.match(await page.textContent(".numbers"), /bnpt → kemensos\/sentra-handayani[\s\S]*Total\s*1/);
  assert.match(await page.textContent("main"), /Governance/);
});

test("a partner's message is looked at step by step, and nothing is stored", async () => {
  const { page, go } = seat;
  await go("/onboard/bnpt?lang=en");
  const grouped = (await page.locator(".groups").allTextContents()).map((text) => text.replace(/\s/g, ""));
  assert.ok(grouped.every((print) => print.length === 43));
  desk.kid = grouped.at(-1);
  assert.match(await page.textContent("main"), /It last got a token on/);
  assert.match(await page.textContent("main"), /it never connects to a partner/);

  const message = signed("bnpt", example("referral.typical"));
  await look(page, message);
  assert.ok((await steps(page)).every((said) => said.includes("✓ holds")), await page.textContent(".echo"));
  assert.match(await page.textContent(".echo"), /decided by bnpt-kemensos-referral/);
  // it was not stored: the same is new again
  await look(page, message);
  assert.equal(await page.locator(".echo .notice").count(), 0);
  assert.equal(await page.inputValue("textarea[name=message]"), message, "what was pasted is kept");

  const cut = await page.evaluate(() => fetch("/onboard/bnpt/sample?message=referral/1").then((got) => got.json()));
  assert.deepEqual(cut, example("referral.typical"));
});

test("each step that fails says why, and what comes after it is not looked at", async () => {
  const { page, go } = seat;
  await go("/onboard/bnpt?lang=en");
  const referral = example("referral.typical");
  const good = signed("bnpt", referral);
  const other = (text) => `${text.slice(0, -20)}${"A".repeat(18)}${text.slice(-2)}`;
  const bent = structuredClone(referral);
  bent.body.subject.sex = HOSTILE;
  for (const [message, at, why] of [
    [HOSTILE, 0, /Was all of it copied/],
    [signed("bnpt", referral, { typ: "JWT" }), 1, /titian-message\+jwt/],
    [signed("bnpt", referral, { kid: "A".repeat(43) }), 2, /No active key/],
    [other(good), 3, /changed after it was signed/],
    [signed("bnpt", { ...referral, aud: "https://elsewhere.example.org" }), 5, /this gateway's id/],
    [signed("bnpt", bent), 6, /\/body\/subject\/sex/],
    [signed("bnpt", { ...referral, legal: { ...referral.legal, instrument: "mou-id-be" } }), 7, /does not bind/],
  ]) {
    await look(page, message);
    const said = await steps(page);
    assert.match(said[at], /does not hold/, `${at}: ${await page.textContent(".echo")}`);
    assert.ok(said.slice(0, at).every((step) => step.includes("✓ holds")));
    assert.ok(said.slice(at + 1).every((step) => step.includes("not looked at")));
    assert.match(await page.textContent(".echo .bad"), why);
    assert.equal(await page.title().then((title) => title.includes("owned")), false);
    assert.equal(await page.locator("main img").count(), 0);
  }
});

test("a form of another session is refused, and nothing typed is run or kept in an address", async () => {
  const { page, go } = seat;
  await go("/onboard/bnpt?lang=en");
  await page.evaluate(() => (document.querySelector("#echo [name=token]").value = "x"));
  await page.fill("textarea[name=message]", "a.b.c");
  await Promise.all([page.waitForNavigation(), page.click("#echo button")]);
  assert.match(await page.textContent("h1"), /sent before/);
  await go(`/partners?lang=en&message=${encodeURIComponent(HOSTILE)}&class=${encodeURIComponent(HOSTILE)}&partner=${encodeURIComponent(HOSTILE)}`);
  assert.equal(await page.locator("main img").count(), 0);
  assert.equal(await page.locator(".matrix").count(), 1);
  await go(`/onboard/${encodeURIComponent(HOSTILE)}`);
  assert.match(await page.textContent("h1"), /Not found/);
});

test("markup in a record, an agreement or a policy is shown as it was written", async () => {
  const { page, go } = seat;
  for (const [kind, id, field] of [
    ["party", "cuta-be", "name"],
    ["agreement", "mou-id-be", "title"],
    ["policy", "kemensos-cuta-be-status", "why"],
  ]) {
    const [{ text }] = desk.run(kind, "history", id).slice(-1);
    const draft = join(desk.root, `${id}.toml`);
    const line = new RegExp(`^${field} = .*$`, "m");
    assert.match(text, line);
    writeFileSync(draft, text.replace(line, () => `${field} = ${JSON.stringify(HOSTILE)}`));
    desk.run(kind, "import", draft, "--as", "petugas-kebijakan");
    desk.run(kind, "propose", id, "--as", "petugas-kebijakan");
    const [last] = desk.run(kind, "history", id).slice(-1);
    if (last.state === "proposed") {
      const confirm = ["--confirm", `${last.version}:${last.digest}`];
      desk.run(kind, "approve", id, "--as", "pejabat-pengesah", ...confirm);
    }
  }
  for (const path of ["/", "/partners", "/partners/cuta-be", "/onboard/cuta-be"]) {
    await go(path);
    assert.equal(await page.locator("main img").count(), 0, path);
    assert.ok((await page.textContent("main")).includes(HOSTILE), path);
  }
});

test("a partner whose record is only drafted has its checklist, which says what is missing", async () => {
  const { page, go } = seat;
  const kit = join(desk.root, "dinas-baru");
  const named = ["--id", "dinas-baru", "--name", HOSTILE, "--country", "IDN", "--kind", "social"];
  desk.run("party", "new", kit, ...named);
  const record = ["--id", "dinas-baru", "--as", "petugas-kebijakan"];
  desk.run("party", "import", join(kit, "record.toml"), ...record);
  await go("/partners?lang=en");
  await Promise.all([page.waitForNavigation(), page.click("nav.screen a[href='/onboard/dinas-baru']")]);
  const checks = await page.locator(".checks > li h2 .check").allTextContents();
  assert.deepEqual(checks.map((said) => said.trim().slice(0, 1)), ["✗", "✓", "✓", "✗", "✗", "?", "?", "?", "?"]);
  assert.ok((await page.textContent("h1")).includes(HOSTILE));
  await look(page, "a.b.c");
  assert.match(await page.textContent(".echo .bad"), /does not hold/);
});

test("an officer of a unit sees its party's policies, and its own unit's traffic", async () => {
  const duty = await desk.enrolled("petugas-jaga");
  await duty.go("/partners/bnpt?lang=en");
  assert.match(await duty.page.textContent("main"), /bnpt receives/);
  assert.equal(await duty.page.locator(".sources a").count(), 0, "their versions are the party's to open");
  await duty.go("/?lang=en");
  assert.equal(await duty.page.locator(".charts figure").count(), 1);
});

test("without JavaScript everything here works", async () => {
  const cookies = await seat.context.cookies();
  const context = await desk.browser.newContext({ locale: "en-GB", javaScriptEnabled: false });
  await context.addCookies(cookies);
  const page = await context.newPage();
  await page.goto(`${desk.origin}/partners?lang=en`);
  await page.selectOption("select[name=message]", "status/1");
  await page.click(".filter button");
  assert.match(await page.textContent("h1"), /status\/1/);
  await page.goto(`${desk.origin}/onboard/bnpt`);
  await page.fill("textarea[name=message]", "a.b.c");
  await page.click("#echo button");
  assert.match(await page.textContent(".echo .bad"), /base64url|header/);
  await context.close();
});
