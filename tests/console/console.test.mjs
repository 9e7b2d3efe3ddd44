// Signing in, deciding and signing out in a real browser; and whoever tries to without a right.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { request } from "playwright-core";
import { Desk } from "./desk.mjs";

const ABROAD = "kemensos-cuta-be-status";
let desk, editor, approver;

before(async () => {
  desk = await Desk.open();
  editor = await desk.enrolled("petugas-kebijakan");
  approver = await desk.enrolled("pejabat-pengesah");
});
after(() => desk?.close());

const text = (seat, selector = "main") => seat.page.innerText(selector);

// Keeps the policy towards CUTA with one row changed, as a draft of the editor's.
const draft = (from, to) => {
  const versions = desk.run("policy", "history", ABROAD);
  const { text: shipped } = versions.find(({ stands }) => stands === "in_force");
  assert.ok(shipped.includes(from), from);
  const file = join(desk.root, `${ABROAD}.toml`);
  writeFileSync(file, shipped.replace(from, to));
  return desk.run("policy", "import", file, "--as", "petugas-kebijakan");
};

const sign = async (seat) => {
  await Promise.all([seat.page.waitForURL(/\/rules\//), seat.page.click("form[data-passkey] button")]);
};

const MONTH = ['"/effective_on"       = "month"', '"/effective_on"       = "drop" '];

test("what only narrows is in force by its author's word", async () => {
  const { version } = draft(...MONTH);
  await editor.go(`/rules/policy/${ABROAD}/${version}`);
  assert.match(await text(editor), /Satu petugas dapat memberlakukannya/);
  await editor.page.click("form[action$=prepare] button");
  await sign(editor);
  assert.match(await text(editor, ".stands"), /^berlaku$/);
});

test("a version is proposed, refused to its author, and approved by another", async () => {
  const { version } = draft(MONTH[1], MONTH[0]);
  const path = `/rules/policy/${ABROAD}/${version}`;
  await editor.go(path);
  assert.match(await text(editor, ".starts"), /Berlaku sejak/);
  await editor.page.fill("textarea[name=reason]", "contoh");
  await editor.page.click("form[action$=prepare] button");
  await desk.picture(editor, "confirm");
  await sign(editor);
  assert.match(await text(editor, ".stands"), /menunggu pengesahan/);
  assert.match(await text(editor), /petugas lain yang mengesahkannya/);
  assert.equal(await editor.page.locator("form[action$=prepare]").count(), 0);

  await approver.go(`${path}?lang=en`);
  await approver.page.fill("input[name=answer]", "7");
  await approver.page.click("form[action$=prepare] button");
  assert.match(await text(approver, "[role=alert]"), /not what this version says/);
  await approver.page.fill("input[name=answer]", "1");
  await approver.page.fill("form[action$=prepare] textarea", "contoh");
  await approver.page.click("form[action$=prepare] button");
  await sign(approver);
  assert.match(await text(approver, ".stands"), /in force/);
  await desk.picture(approver, "version");

  // both words are passkeys', and whoever keeps the record verifies them
  const last = desk.run("policy", "history", ABROAD).at(-1);
  const words = last.steps.filter((step) => step.word).map((step) => step.word.split(".")[0]);
  assert.deepEqual(words, ["webauthn", "webauthn"]);
  assert.equal(last.stands, "in_force");

  // the partner receives the form that was approved, and the evidence of it holds
  const message = desk.told();
  const [{ claims, body }] = desk.inbox("cuta-be");
  assert.deepEqual(claims.policy, { id: ABROAD, version, digest: last.digest });
  assert.match(body.effective_on, /^\d{4}-\d{2}$/);
  const file = join(desk.root, "evidence.json");
  desk.run("evidence", message, "--as", "kemensos/sentra-handayani", "-o", file);
  const { verdict, checks } = desk.run("verify", file, "--as", "kemensos/sentra-handayani");
  const approvals = checks.filter(({ name }) => /approvals/.test(name));
  assert.equal(verdict, "verified");
  assert.ok(approvals.length >= 3 && approvals.every(({ result }) => result === "passed"), JSON.stringify(approvals));
});

test("a page that is sent twice, or by somebody else, does nothing", async () => {
  const { version } = draft(...MONTH);
  const path = `/rules/policy/${ABROAD}/${version}`;
  await editor.go(path);
  const token = await editor.page.inputValue("form[action$=withdraw] input[name=token]");
  const send = async ({ context }, form, headers = {}) => {
    const storageState = await context.storageState();
    const by = await request.newContext({ ignoreHTTPSErrors: true, storageState });
    return by.post(`${desk.origin}${path}/withdraw`, { form, headers, maxRedirects: 0 });
  };
  const own = { origin: desk.origin };
  const reason = "contoh";
  // without an origin, from another site, with another session's token, signed out
  assert.equal((await send(editor, { token, reason })).status(), 403);
  assert.equal((await send(editor, { token, reason }, { origin: "https://example.org" })).status(), 403);
  const cross = { ...own, "sec-fetch-site": "cross-site" };
  assert.equal((await send(editor, { token, reason }, cross)).status(), 403);
  assert.equal((await send(approver, { token, reason }, own)).status(), 409);
  const stranger = await desk.seat("nobody");
  assert.equal((await send(stranger, { token, reason }, own)).status(), 401);
  assert.equal(desk.run("policy", "history", ABROAD).at(-1).state, "draft");
  // by its own page it works, once
  assert.equal((await send(editor, { token, reason }, own)).status(), 303);
  assert.equal((await send(editor, { token, reason }, own)).status(), 409);
  assert.equal(desk.run("policy", "history", ABROAD).at(-1).state, "withdrawn");
});

test("a stolen, an ended and a signed-out session lead nowhere", async () => {
  const cookies = await approver.context.cookies();
  const [cookie] = cookies.filter(({ name }) => name === "__Host-titian");
  assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === "Strict" && cookie.path === "/");
  const guest = await desk.seat("guest");
  await guest.context.addCookies([{ ...cookie, value: cookie.value.replace(/.$/, (c) => (c === "A" ? "B" : "A")) }]);
  await guest.go("/rules");
  assert.match(guest.page.url(), /\/sign-in$/);
  const before = await approver.page.content();
  await Promise.all([approver.page.waitForURL(/\/sign-in$/), approver.page.click(".who button")]);
  await approver.page.goBack();
  assert.doesNotMatch(await approver.page.content(), new RegExp(ABROAD), before.length);
  // the cookie of before opens nothing any more
  await approver.context.addCookies([cookie]);
  await approver.go("/rules");
  assert.match(approver.page.url(), /\/sign-in$/);
  await desk.signIn(approver);
});

test("whoever is disabled is out at once, and a passkey that nobody approved lets nobody in", async () => {
  const seat = await desk.seat("petugas-jaga");
  const { link } = desk.run("officer", "invite", "petugas-jaga", "--as", "petugas-kebijakan");
  await seat.page.goto(link);
  await seat.page.click("main button");
  await seat.page.waitForSelector(".code");
  // the invitation is taken
  assert.equal((await seat.page.goto(link)).status(), 404);
  await seat.go("/sign-in");
  await seat.page.click("main button");
  await seat.page.waitForSelector("p.bad[role=alert]:not([hidden])");
  assert.match(seat.page.url(), /\/sign-in/);
});

test("no page loads or runs anything of others, or may be framed or kept", async () => {
  for (const path of ["/", "/rules", `/rules/policy/${ABROAD}/1`, "/none"]) {
    const answer = await editor.page.goto(desk.origin + path);
    const headers = answer.headers();
    assert.match(headers["content-security-policy"], /default-src 'none'/);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe/);
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["x-frame-options"], "DENY");
    const html = await answer.text();
    assert.ok(html.length < 60 * 1024, `${path}: ${html.length} bytes`);
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style=| on[a-z]+=/);
  }
});

test("axe-core finds nothing, in either language, and pages are pictured", async () => {
  const guest = await desk.seat("guest");
  const found = [];
  for (const lang of ["id", "en"]) {
    await guest.go(`/sign-in?lang=${lang}`);
    found.push(...(await desk.audit(guest)));
    await desk.picture(guest, `sign-in-${lang}`);
    for (const [name, path] of [
      ["overview", "/"],
      ["rules", "/rules"],
      ["version-shipped", `/rules/policy/${ABROAD}/1`],
      ["history", `/rules/policy/${ABROAD}`],
      ["not-found", "/none"],
    ]) {
      await editor.go(`${path}?lang=${lang}`);
      found.push(...(await desk.audit(editor)));
      await desk.picture(editor, `${name}-${lang}`);
    }
  }
  assert.deepEqual(found, []);
});

test("without JavaScript everything is read, and what needs a passkey says so", async () => {
  const seat = await desk.seat("guest", { script: false });
  await seat.go("/sign-in?lang=en");
  assert.match(await text(seat), /Passkeys need JavaScript/);
  // with the session of one who is signed in, pages and forms work
  await seat.context.addCookies(await editor.context.cookies());
  const { version } = draft(...MONTH);
  await seat.go(`/rules/policy/${ABROAD}/${version}`);
  await seat.page.fill("form[action$=withdraw] textarea", "contoh");
  await seat.page.click("form[action$=withdraw] button");
  assert.match(await text(seat, ".notice"), /given up|Dibatalkan/);
});

test("by keyboard alone an officer proposes, and always sees where the focus is", async () => {
  const { page } = editor;
  const tabTo = async (selector) => {
    for (let presses = 0; presses < 120; presses += 1) {
      await page.keyboard.press("Tab");
      const [is, outline, where] = await page.evaluate((wanted) => {
        const at = document.activeElement;
        return [at.matches(wanted), getComputedStyle(at).outlineStyle, at.outerHTML.slice(0, 80)];
      }, selector);
      assert.notEqual(outline, "none", `no focus is seen on ${where}`);
      if (is) return;
    }
    assert.fail(`no way to ${selector}`);
  };
  const { version } = draft(...MONTH);
  await editor.go("/?lang=en");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await editor.go(`/rules/policy/${ABROAD}/${version}`);
  await tabTo("form[action$=prepare] textarea");
  await page.keyboard.type("contoh");
  await tabTo("form[action$=prepare] button");
  await Promise.all([page.waitForURL(/prepare$/), page.keyboard.press("Enter")]);
  await tabTo("form[data-passkey] button");
  await Promise.all([page.waitForURL(/\/\d+$/), page.keyboard.press("Enter")]);
  assert.match(await text(editor, ".notice"), /It is in force/);
});

test("what is no form, or far too much of one, gets a page that says so", async () => {
  const by = await request.newContext({
    ignoreHTTPSErrors: true,
    storageState: await editor.context.storageState(),
    extraHTTPHeaders: { origin: desk.origin, "accept-language": "en" },
  });
  const path = `${desk.origin}/rules/policy/${ABROAD}/1/withdraw`;
  for (const [options, status, words] of [
    [{ form: { token: "x", reason: "x".repeat(1 << 20) } }, 413, /too much/],
    [{ data: "{", headers: { "content-type": "application/json" } }, 415, /cannot be done so/],
    [{ form: {} }, 422, /cannot be done so/],
  ]) {
    const answer = await by.post(path, options);
    const html = await answer.text();
    assert.ok(html.startsWith("<!doctype html>") && words.test(html), html.slice(0, 200));
    assert.equal(answer.status(), status === 415 ? 422 : status);
  }
  const odd = encodeURIComponent("<img src=x onerror=alert(1)>");
  for (const path of [`/rules/${odd}/x`, `/rules/policy/${odd}`, `/rules/policy/x/${odd}`, `/enrol/${odd}`, `/?lang=${odd}`]) {
    const html = await (await by.get(desk.origin + path)).text();
    assert.ok(html.startsWith("<!doctype html>"), path);
    assert.doesNotMatch(html, /<img/);
  }
});

test("whoever decides about a passkey compares its thumbprint", async () => {
  const seat = await desk.seat("petugas-bnpt");
  const { link } = desk.run("officer", "invite", "petugas-bnpt", "--as", "petugas-kebijakan");
  await seat.page.goto(link);
  await seat.page.click("main button");
  await seat.page.waitForSelector(".code");
  const thumbprint = (await text(seat, ".code")).trim();
  assert.match(thumbprint, /^[\w-]{43}$/);
  const { version } = desk.run("officer", "history", "petugas-bnpt").at(-1);
  await editor.go(`/rules/officer/petugas-bnpt/${version}`);
  assert.ok((await text(editor, ".notice .code")).includes(thumbprint));
  assert.deepEqual(await desk.audit(editor), []);
});
