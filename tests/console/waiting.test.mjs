// What waits for a person: looked at, recorded, let go and kept back with a passkey's word.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";

const UNIT = "kemensos/sentra-handayani";
let desk, officer;

before(async () => {
  desk = await Desk.open();
  officer = await desk.enrolled("petugas-jaga");
});
after(() => desk?.close());

const text = (selector = "main") => officer.page.innerText(selector);
const referred = (change = (claims) => claims) =>
  desk.send("bnpt", "referral.typical", (claims) => {
    claims.body.subject.ref = desk.fresh();
    return change(claims);
  });
const decide = async (verdict, reason) => {
  const form = officer.page.locator(`form[action$="/${verdict}"]`);
  await form.locator("textarea").fill(reason);
  await form.locator("button").click();
};

test("a held text is shown by a recorded click, and let go by a passkey's word", async () => {
  referred((claims) => {
    claims.body.summary = "Contoh <script>alert(1)</script> Zarqolin";
    return claims;
  });
  await officer.go("/waiting?lang=en");
  assert.match(await text(), /A part of a message; the rest has gone/);
  assert.doesNotMatch(await text(), /Zarqolin/);
  await desk.picture(officer, "waiting");
  assert.deepEqual(await desk.audit(officer), []);
  await officer.page.click("tbody a");
  assert.doesNotMatch(await text(), /Zarqolin/);
  const entries = () => desk.run("hold", "list", "--all").length;
  assert.equal(entries(), 1);
  await officer.page.click("form[action$=show] button");
  // markup in it is text
  assert.match(await text("pre.value"), /<script>alert\(1\)<\/script> Zarqolin/);
  assert.deepEqual(await desk.audit(officer), []);
  await desk.picture(officer, "hold-shown");
  await decide("release", "dibaca");
  await officer.page.waitForURL(/\/waiting$/);
  assert.match(await text(".notice"), /It is let go/);
  const [first, supplement] = desk.inbox(UNIT);
  assert.equal(first.body.summary ?? null, null);
  assert.match(supplement.body.summary, /Zarqolin/);
});

test("no word, a word about something else, or another's hold decides nothing", async () => {
  referred();
  const [{ id }] = desk.run("hold", "list");
  await officer.go(`/waiting/hold/${id}?lang=en`);
  // the discarding form's word at the releasing form's address
  await officer.page.evaluate(() => {
    document.querySelector('form[action$="/discard"]').action = location.pathname + "/release";
  });
  const form = officer.page.locator("form[data-passkey]").nth(1);
  await form.locator("textarea").fill("contoh");
  await form.locator("button").click();
  await officer.page.waitForSelector("h1");
  assert.match(await text(), /passkey's word does not hold/);
  assert.equal(desk.run("hold", "list").length, 1);
  const other = await desk.enrolled("pengesah-bnpt");
  assert.equal((await other.go(`/waiting/hold/${id}`)).status(), 404);
  await other.go("/waiting");
  assert.equal(await other.page.locator("tbody tr").count(), 0);
  // decided at the command line meanwhile
  await officer.go(`/waiting/hold/${id}?lang=en`);
  desk.run("hold", "discard", id, "--as", "petugas-jaga", "--reason", "contoh");
  await decide("release", "yang diketik");
  await officer.page.waitForSelector("p.bad[role=alert]:not([hidden])");
  assert.match(await text(), /somebody else has decided/);
});

test("whom a message asks not to inform waits for a decision", async () => {
  desk.told((claims) => {
    claims.body.safety.do_not_inform = ["cuta-be"];
    return claims;
  });
  await officer.go("/waiting?lang=en");
  assert.match(await text(), /asks not to inform a party/);
  await officer.page.click("section:nth-of-type(2) tbody a");
  assert.match(await text(), /cuta-be/);
  assert.deepEqual(await desk.audit(officer), []);
  await desk.picture(officer, "review");
  await decide("keep", "contoh");
  await officer.page.waitForURL(/\/waiting$/);
  assert.match(await text(".notice"), /stays suspended/);
  assert.deepEqual(desk.inbox("cuta-be"), []);
});
