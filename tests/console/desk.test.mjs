// What waits for a person, and the exchanges of an officer's party.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";

const UNIT = "kemensos/sentra-handayani";
const MARKUP = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
const SUMMARY = `Anak membutuhkan pendampingan. ${MARKUP}`;
const example = (name) =>
  JSON.parse(readFileSync(new URL(`../../schemas/examples/${name}.typical.json`, import.meta.url)));

let desk;
let jaga;
let other;
const inEnglish = async (officer) => {
  const seat = await desk.enrolled(officer);
  await seat.go("/?lang=en");
  return seat;
};
before(async () => {
  desk = await Desk.open();
  jaga = await inEnglish("petugas-jaga");
  other = await inEnglish("pengesah-bnpt");
});
after(() => desk?.close());

const send = (party, claims) => {
  const file = join(desk.root, "message.json");
  writeFileSync(file, JSON.stringify(claims));
  return desk.run("send", file, "--as", party);
};
const bodyOf = (release) =>
  JSON.parse(Buffer.from(release.split("~")[1], "base64url").toString("utf8"))[2];
// Everything new for a party, acknowledged.
const collect = (party) => {
  const pages = desk.runText("inbox", "--as", party, "--ack", "--json").trim();
  const items = pages.split("\n").filter(Boolean).flatMap((page) => JSON.parse(page).items);
  return items.map((item) => ({ ...item, body: bodyOf(item.release) }));
};
const fresh = () => {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  return Array.from({ length: 26 }, () => letters[Math.floor(Math.random() * 26)]).join("");
};
// BNPT refers a child, the unit has it.
const referred = (change = () => {}) => {
  const claims = example("referral");
  claims.body.subject.ref = fresh();
  change(claims);
  const sent = send("bnpt", claims);
  const item = collect(UNIT).find((it) => it.type === "referral/1");
  return { sent, item };
};
const status = ({ item }, change = () => {}) => {
  const claims = example("status");
  claims.in_reply_to = item.exchange;
  claims.body.subject.ref = item.body.subject.ref;
  change(claims);
  return send(UNIT, claims);
};
// BNPT asks the unit about a topic.
const asked = () => {
  const claims = example("information-request");
  claims.recipients = [UNIT];
  claims.body.about = { topic: "statistics" };
  claims.body.requested_fields = ["/subject/sex"];
  claims.body.respond_by = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  claims.body.intended_onward = ["cuta-be"];
  send("bnpt", claims);
};
const holds = () => desk.run("hold", "list");
const pressed = (page, button) => Promise.all([page.waitForNavigation(), button.click()]);
const button = (page, form) => page.locator(`form[action$="${form}"] button`);

test("a held text is shown on a recorded click only, and released with a passkey", async () => {
  const { item } = referred((claims) => (claims.body.summary = SUMMARY));
  const { page, go } = jaga;
  await go("/waiting");
  await page.click("main tbody a");
  const [hold] = holds();
  assert.equal(page.url(), `${desk.origin}/waiting/hold/${hold.id}`);
  let text = await page.textContent("main");
  assert.match(text, /\/summary/);
  assert.ok(!text.includes("pendampingan"), "no value before it is asked for");
  const [shown] = await pressed(page, button(page, "/show"));
  assert.equal(shown.headers()["cache-control"], "no-store");
  assert.equal(await page.locator("dd.held").textContent(), SUMMARY);
  assert.notEqual(await page.title(), "owned");
  assert.equal(await page.locator("main img, main script").count(), 0);

  // without a word of the passkey nothing is done, and nothing typed is lost
  const form = page.locator('form[action$="/release"]');
  await form.locator("textarea").fill(`dibaca bersama pendamping ${MARKUP}`);
  await Promise.all([
    page.waitForNavigation(),
    form.evaluate((it) => HTMLFormElement.prototype.submit.call(it)),
  ]);
  assert.match(await page.textContent("[role=alert]"), /Nothing was done/);
  assert.equal(
    await page.locator('form[action$="/release"] textarea').inputValue(),
    `dibaca bersama pendamping ${MARKUP}`,
  );
  assert.equal(holds().length, 1);

  await pressed(page, button(page, "/release"));
  assert.equal(page.url(), `${desk.origin}/waiting`);
  assert.match(await page.textContent("main [role=status]"), /let go/);
  assert.equal(holds().length, 0);
  assert.equal(collect(UNIT)[0].body.summary, SUMMARY);

  await go(`/waiting/hold/${hold.id}`);
  text = await page.textContent("main");
  assert.ok(text.includes(MARKUP) && text.includes("petugas-jaga"), text);
  assert.equal(await page.locator("main form").count(), 0);
  assert.equal(await page.locator("main img, main script").count(), 0);
  await go(`/exchanges/${item.exchange}`);
  text = await page.textContent("main");
  assert.ok(text.includes(MARKUP), "the reason stands in the timeline");
  assert.equal(await page.locator("main img, main script").count(), 0);
});

test("an immediate case stands before those that only came first", async () => {
  referred();
  const { item } = referred((claims) => (claims.body.urgency = "immediate"));
  const { page, go } = jaga;
  await go("/waiting");
  const first = page.locator("main tbody tr").first();
  assert.match(await first.textContent(), /immediate/);
  const { id } = holds().find((it) => it.exchange === item.exchange);
  assert.equal(await first.locator("a").getAttribute("href"), `/waiting/hold/${id}`);
  for (const { id } of holds())
    desk.run("hold", "discard", id, "--as", "petugas-jaga", "--reason", "contoh");
  await go("/waiting");
  assert.match(await page.textContent("main"), /Nothing waits/);
});

test("a word for one decision decides nothing else, and two officers decide once", async () => {
  referred();
  const [hold] = holds();
  const { page, go } = jaga;
  await go(`/waiting/hold/${hold.id}`);
  // the word for keeping it back, sent to let it go
  await page.locator('form[action$="/discard"]').evaluate((form) => {
    form.action = form.action.replace("discard", "release");
  });
  await page.locator('form[action$="/release"] textarea').last().fill("salah");
  await pressed(page, page.locator("button.danger"));
  assert.match(await page.textContent("[role=alert]"), /Nothing was done/);
  assert.equal(holds().length, 1);

  await go(`/waiting/hold/${hold.id}`);
  desk.run("hold", "discard", hold.id, "--as", "petugas-kebijakan", "--reason", "salah alamat");
  await page.locator('form[action$="/release"] textarea').fill("boleh");
  await pressed(page, button(page, "/release"));
  assert.match(await page.textContent("[role=alert]"), /decided before you/);
  assert.match(await page.textContent("main"), /Kept back for good.*petugas-kebijakan/s);
});

test("a reason of too many bytes is told before a passkey is asked", async () => {
  referred();
  const [hold] = holds();
  const { page, go } = jaga;
  await go(`/waiting/hold/${hold.id}?lang=id`);
  const reason = page.locator('form[action$="/release"] textarea');
  // few letters, many bytes
  await reason.fill("\u00e9".repeat(300));
  let asked = 0;
  const count = () => (asked += 1);
  page.on("request", count);
  await button(page, "/release").click();
  assert.match(await reason.evaluate((it) => it.validationMessage), /sedikit terlalu panjang/);
  page.off("request", count);
  assert.equal(asked, 0);
  assert.equal(holds().length, 1);
  await reason.fill("\u00e9".repeat(250));
  assert.equal(await reason.evaluate((it) => it.validationMessage), "");
  await pressed(page, button(page, "/release"));
  assert.equal(page.url(), `${desk.origin}/waiting`);
  await go("/waiting?lang=en");
  collect(UNIT);
});

test("too few alike is told in numbers, and is not let go", async () => {
  const grown = (claims) => {
    claims.body.subject.scope = "woman";
    claims.body.subject.birth.date = "1990-03-05";
  };
  const kase = referred(grown);
  status(kase, (claims) => {
    grown(claims);
    claims.body.origin.pathway = "domestik";
  });
  const hold = holds().find((it) => it.group);
  const { page, go } = jaga;
  await go(`/waiting/hold/${hold.id}`);
  assert.match(await page.textContent("main"), /Only 5 .* asks for 10/s);
  assert.equal(await button(page, "/show").count(), 0, "there is nothing to show");
  await page.locator('form[action$="/release"] textarea').fill("mohon");
  await pressed(page, button(page, "/release"));
  assert.match(await page.textContent("[role=alert]"), /still too few/);
});

test("a review is resumed with a passkey, by whoever decides and by nobody else", async () => {
  const kase = referred((claims) => (claims.body.consent.withhold = ["cuta-be"]));
  status(kase);
  const [review] = desk.run("review", "list");
  const { page, go } = jaga;
  await go("/waiting");
  await page.click(`a[href="/waiting/review/${review.id}"]`);
  const text = await page.textContent("main");
  assert.match(text, /not to be informed/);
  assert.match(text, /cuta-be/);
  assert.match(text, /Messages that wait: 1/);
  await page.locator('form[action$="/resume"] textarea').fill(`pendamping setuju ${MARKUP}`);
  await pressed(page, button(page, "/resume"));
  assert.equal(page.url(), `${desk.origin}/waiting`);
  assert.equal(desk.run("review", "list").length, 0);
  await go(`/waiting/review/${review.id}`);
  assert.ok((await page.textContent("main")).includes(MARKUP));
  assert.equal(await page.locator("main img, main script").count(), 0);
});

test("an information request is read, and refused with a passkey by whoever is asked", async () => {
  asked();
  const { page, go } = jaga;
  await go("/requests");
  assert.deepEqual(await desk.audit(jaga), []);
  await Promise.all([page.waitForNavigation(), page.click("main tbody a")]);
  const request = new URL(page.url()).pathname;
  const text = await page.textContent("main");
  for (const words of [/bnpt/, /a topic: statistics/, /Sex/, /cuta-be/, /allows nothing/]) {
    assert.match(text, words);
  }
  assert.deepEqual(await desk.audit(jaga), []);
  await desk.picture(jaga, "request");
  assert.equal((await other.go(request)).status(), 404, "it is not BNPT's to decide");
  await page.selectOption("select[name=code]", "not_in_best_interests");
  await page.fill("textarea[name=reason]", MARKUP);
  await pressed(page, button(page, "/refuse"));
  assert.equal(page.url(), `${desk.origin}/requests`);
  assert.equal(await page.locator("main tbody tr").count(), 0);
  await go(request);
  assert.match(await page.textContent("main"), /refused.*not_in_best_interests: <img/s);
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(await desk.audit(jaga), []);
  const [told] = collect("bnpt").filter((it) => it.type === "information-response/1");
  assert.deepEqual(told.body, { result: "refused", refusal_code: "not_in_best_interests" });
});

test("each party finds its own exchanges, and in each what it sent and was handed", async () => {
  const { sent, item } = referred();
  const { page, go } = jaga;
  await go("/exchanges?type=referral%2F1&state=acknowledged&with=bnpt");
  assert.ok(await page.locator(`a[href="/exchanges/${item.exchange}"]`).count());
  assert.equal(await page.locator(`a[href="/exchanges/${sent.exchange}"]`).count(), 0);
  const none = await go("/exchanges?from=2001-01-01&to=2001-12-31");
  assert.equal(none.status(), 200);
  assert.equal(await page.locator("main tbody tr").count(), 0);
  // bnpt's reference and holds are nobody's here, and the other way round
  const [hold] = holds().filter((it) => it.exchange === item.exchange);
  for (const [seat, path] of [
    [jaga, `/exchanges/${sent.exchange}`],
    [other, `/exchanges/${item.exchange}`],
    [other, `/waiting/hold/${hold.id}`],
    [jaga, `/exchanges/${item.exchange}/sent/${sent.message_id}/check`],
    [other, `/exchanges/${sent.exchange}/received/${item.release_id}/check`],
    [jaga, "/exchanges/x"],
    [jaga, `/exchanges/${item.exchange}/received/x/check`],
    [jaga, "/waiting/hold/x"],
  ]) {
    const answer = await seat.go(path);
    assert.equal(answer.status(), 404, path);
  }
  await other.go("/waiting");
  assert.equal(await other.page.locator("main tbody tr").count(), 0);
  await other.go(`/exchanges/${sent.exchange}`);
  const text = await other.page.textContent("main");
  assert.match(text, /bnpt-kemensos-referral/);
  assert.ok(!text.includes(item.release_id) && !text.includes("petugas-jaga"), text);

  // what is typed wrongly comes back as it was typed
  const bad = await go(`/exchanges?reference=${encodeURIComponent(MARKUP)}`);
  assert.equal(bad.status(), 422);
  assert.equal(await page.inputValue("input[name=reference]"), MARKUP);
  assert.notEqual(await page.title(), "owned");
});

test("evidence holds where it is checked here, and is a file that verifies elsewhere", async () => {
  const { sent, item } = referred();
  const { page } = jaga;
  for (const [seat, path, side, party] of [
    [jaga, `/exchanges/${item.exchange}`, "received", UNIT],
    [other, `/exchanges/${sent.exchange}`, "sent", "bnpt"],
  ]) {
    await seat.go(path);
    await seat.page.click(`.evidence a[href*="/${side}/"]`);
    const text = await seat.page.textContent("main");
    assert.match(text, /It holds: every check passed/, text);
    assert.ok(!text.includes("Unknown localization"), text);
    const [file] = await Promise.all([
      seat.page.waitForEvent("download"),
      seat.page.click("main form button"),
    ]);
    const report = desk.run("verify", await file.path(), "--as", party);
    assert.equal(report.verdict, "verified", JSON.stringify(report));
  }
  assert.ok(page.url().includes("/check"));
});

const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const shots = process.env.SHOTS;

test("every page passes axe in both languages and schemes, and fits its screen", async () => {
  const noted = (claims) => (claims.body.summary = "Ibu dapat dihubungi 081234567890");
  const { item } = referred(noted);
  status({ item });
  const text = holds().find((it) => it.exchange === item.exchange);
  const group = holds().find((it) => it.group);
  status(referred((claims) => (claims.body.consent.withhold = ["cuta-be"])));
  const [review] = desk.run("review", "list");
  asked();
  const [request] = desk.run("request", "list");
  const paths = {
    waiting: "/waiting",
    hold: `/waiting/hold/${text.id}`,
    group: `/waiting/hold/${group.id}`,
    review: `/waiting/review/${review.id}`,
    requests: "/requests",
    request: `/requests/${request.id}`,
    exchanges: "/exchanges",
    exchange: `/exchanges/${item.exchange}`,
    check: `/exchanges/${item.exchange}/received/${item.release_id}/check`,
    shown: `/waiting/hold/${text.id}`,
  };
  const { page, go } = jaga;
  for (const [language, colorScheme, width] of [
    ["id", "light", 1280],
    ["en", "dark", 320],
    ["id", "dark", 1280],
    ["en", "light", 360],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await go(`/waiting?lang=${language}`);
    for (const [name, path] of Object.entries(paths)) {
      const at = `${name}-${language}-${colorScheme}-${width}`;
      await go(path);
      if (name === "shown") await pressed(page, button(page, "/show"));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map((it) => [it.id, it.nodes[0].html]), [], at);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${at}: ${wide} wide`);
      assert.ok(!(await page.textContent("body")).includes("Unknown localization"), at);
      if (shots) await page.screenshot({ path: join(shots, `${at}.png`), fullPage: true });
    }
  }
});
