// Editing a policy with what it would do beside it, and what an officer stops or takes back.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SHOTS = process.env.SHOTS;
const POLICY = "kemensos-bnpt-status";
const BIRTH = 'select[name="op./subject/birth/date"]';
const MARKUP = `<img src=x onerror="document.title='hit'"><script>alert(1)</script>`;

let desk, editor, approver, duty;
const complaints = [];
before(async () => {
  desk = await Desk.open();
  editor = await desk.enrolled("petugas-kebijakan");
  editor.page.on("console", (said) => complaints.push(said.text()));
  approver = await desk.enrolled("pejabat-pengesah");
  duty = await desk.enrolled("petugas-jaga");
});
after(() => desk?.close());

const press = async ({ page }, name) => {
  const button = page.locator("main").getByRole("button", { name, exact: true });
  const [answer] = await Promise.all([page.waitForNavigation(), button.first().click()]);
  return answer;
};
const main = ({ page }) => page.textContent("main");
const previewed = ({ page }, act) =>
  Promise.all([page.waitForResponse((it) => it.url().endsWith("/preview")), act()]);

// What axe-core finds, and whether the page is as wide as its window, in both languages.
const sound = async (seat, path, name) => {
  const { page } = seat;
  for (const language of ["id", "en"]) {
    if (path) await seat.go(`${path}${path.includes("?") ? "&" : "?"}lang=${language}`);
    // a page's own policy lets no script in but the console's: axe is let in past it
    const found = await audit(seat);
    assert.deepEqual(found, [], `${name} in ${language}`);
    for (const [width, colorScheme] of [[1280, "light"], [360, "dark"]]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${name} at ${width}: ${over} px too wide`);
      if (SHOTS) {
        mkdirSync(SHOTS, { recursive: true });
        await page.screenshot({ path: join(SHOTS, `${name}-${language}-${width}.png`), fullPage: true });
      }
    }
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
    if (!path) break;
  }
};
const audit = async ({ page, cdp }) => {
  const { frameTree } = await cdp.send("Page.getFrameTree");
  const world = { frameId: frameTree.frame.id, worldName: "axe" };
  const { executionContextId } = await cdp.send("Page.createIsolatedWorld", world);
  const run = async (expression, awaitPromise = false) =>
    (await cdp.send("Runtime.evaluate", {
      expression, contextId: executionContextId, awaitPromise, returnByValue: true,
    })).result.value;
  await run(readFileSync(AXE, "utf8") + ";0");
  return JSON.parse(
    await run(
      `axe.run(document).then((all) => JSON.stringify(all.violations.map((it) => [it.id, it.nodes[0].html.slice(0, 200)])))`,
      true,
    ),
  );
};

test("a policy is edited with its preview beside it, proposed, and approved by another", async () => {
  await sound(editor, `/edit/policy/${POLICY}`, "editor");
  const [answer] = await previewed(editor, () => editor.page.selectOption(BIRTH, "year"));
  assert.equal(answer.status(), 200);
  await editor.page.waitForFunction(() =>
    document.querySelector("#preview").textContent.includes("will start to receive Date of birth"));
  await sound(editor, null, "editor-changed");
  await editor.page.fill('input[name="why./subject/birth/date"]', MARKUP);
  await editor.page.fill('textarea[name="why"]', `Because ${MARKUP}`);
  await press(editor, "Keep as a draft");
  assert.match(editor.page.url(), new RegExp(`/rules/policy/${POLICY}/2$`));
  assert.match(await main(editor), /kept as a draft/);
  assert.match(await main(editor), /# quasi: <img src=x/);
  assert.notEqual(await editor.page.title(), "hit");
  await sound(editor, `/rules/policy/${POLICY}/2`, "draft");
  // what can come out at all, and what its reader counts
  assert.match(await main(editor), /No direct identifier and no free text can reach bnpt/);
  await press(editor, "Go on, to sign");
  await press(editor, "Sign with my passkey");
  assert.match(await main(editor), /waits for approval/);
  // refused as its own approver, whatever is sent
  assert.match(await main(editor), /another officer approves it/);
  await approver.go(`/rules/policy/${POLICY}/2?lang=en`);
  await sound(approver, `/rules/policy/${POLICY}/2`, "approving");
  await approver.page.fill('input[name="answer"]', "7");
  await press(approver, "Go on, to sign");
  assert.match(await main(approver), /not what this version says/);
  await approver.page.fill('input[name="answer"]', "1");
  await press(approver, "Go on, to sign");
  await press(approver, "Sign with my passkey");
  assert.match(await main(approver), /in force/);
  const [now] = desk.run("policy", "history", POLICY).filter((it) => it.stands === "in_force");
  assert.equal(now.version, 2);
});

test("two tabs on one draft lose nothing", async () => {
  await editor.go(`/edit/policy/${POLICY}?lang=en`);
  await editor.page.selectOption(BIRTH, "month");
  await press(editor, "Keep as a draft");
  const draft = editor.page.url().split("/").at(-1);
  const other = await editor.context.newPage();
  const tab = { ...editor, page: other };
  const path = `${desk.origin}/edit/policy/${POLICY}?from=${draft}`;
  await editor.page.goto(path);
  await other.goto(path);
  await other.selectOption(BIRTH, "half_year");
  await press(tab, "Keep as a draft");
  await editor.page.selectOption(BIRTH, "drop");
  const answer = await press(editor, "Keep as a draft");
  assert.equal(answer.status(), 409);
  const said = await main(editor);
  assert.match(said, /changed this draft meanwhile/);
  assert.match(said, /half_year/);
  await sound(editor, null, "conflict");
  await press(editor, "Keep mine in its place");
  assert.match(editor.page.url(), new RegExp(`/${draft}$`));
  const text = await editor.page.textContent("details pre");
  assert.match(text, /"\/subject\/birth\/date" = "drop"/);
  await other.close();
});

test("what is typed and not kept is there after a reload", async () => {
  const path = "/edit/policy/kemensos-cuta-be-status";
  await editor.go(path);
  await previewed(editor, () => editor.page.fill('textarea[name="why"]', "half of a sentence"));
  await editor.go(path);
  assert.match(await main(editor), /not kept it/);
  await editor.page.click("text=Go on with it");
  assert.equal(await editor.page.inputValue('textarea[name="why"]'), "half of a sentence");
  await editor.go(path);
  await press(editor, "Forget it");
  assert.doesNotMatch(await main(editor), /not kept it/);
});

test("whoever is no editor edits nothing, and a strange form changes nothing", async () => {
  const answer = await duty.go(`/edit/policy/${POLICY}?lang=en`);
  assert.equal(answer.status(), 403);
  assert.equal((await editor.go("/edit/policy/no-such-policy")).status(), 404);
  await editor.go(`/edit/policy/${POLICY}`);
  await editor.page.evaluate(() => {
    document.querySelector('form#edit input[name="token"]').value = "another";
  });
  const refused = await press(editor, "Keep as a draft");
  assert.equal(refused.status(), 409);
  // what the floor forbids is not offered; sent all the same, it is not taken up
  await editor.go("/edit/policy/kemensos-cuta-be-referral");
  assert.equal(await editor.page.locator('select[name="op./subject/name/full"]').count(), 0);
  const [answered] = await previewed(editor, () => editor.page.evaluate(() => {
    const select = document.querySelector('select[name="op./subject/birth/date"]');
    select.add(new Option("x", "keep", true, true));
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }));
  assert.match(await answered.text(), /receives exactly what it receives today/);
});

test("whoever is signed out is told while typing, and loses nothing", async () => {
  const cookies = await editor.context.cookies();
  await editor.go(`/edit/policy/${POLICY}?from=1`);
  await editor.context.clearCookies();
  await previewed(editor, () => editor.page.selectOption(BIRTH, "year"));
  await editor.page.waitForFunction(() =>
    /not lost|tidak hilang/.test(document.querySelector("#preview").textContent));
  await editor.context.addCookies(cookies);
  await previewed(editor, () => editor.page.selectOption(BIRTH, "month"));
  await editor.page.waitForFunction(() =>
    document.querySelector("#preview").textContent.includes("its month only"));
});

test("hostile text is shown as text, and too much of it is told", async () => {
  await sound(editor, "/edit/agreement/mou-id-be", "agreement");
  await editor.page.fill('textarea[name="text"]', `title = "${MARKUP}`);
  const answer = await press(editor, "Keep as a draft");
  assert.equal(answer.status(), 422);
  assert.equal(await editor.page.inputValue('textarea[name="text"]'), `title = "${MARKUP}`);
  assert.notEqual(await editor.page.title(), "hit");
  await editor.page.fill('textarea[name="text"]', "x".repeat(300_000));
  assert.equal((await press(editor, "Keep as a draft")).status(), 422);
  assert.equal((await editor.page.inputValue('textarea[name="text"]')).length, 300_000);
  await editor.page.fill('textarea[name="text"]', "x".repeat(1_000_000));
  assert.equal((await press(editor, "Keep as a draft")).status(), 413);
  assert.match(await main(editor), /too much at once/i);
});

test("a new policy begins with a template, and a name that is taken is told", async () => {
  await sound(editor, "/new", "new");
  const { page } = editor;
  const choose = async (id) => {
    await page.check('input[value="status_minimal"]');
    await page.selectOption('select[name="sender"]', "kemensos/sentra-handayani");
    await page.selectOption('select[name="recipient"]', "bnpt");
    await page.selectOption('select[name="message"]', "status/1");
    await page.selectOption('select[name="purpose"]', "reintegration");
    await page.selectOption('select[name="agreement"]', "pks-bnpt-kemensos");
    await page.fill('form[action="/new/policy"] input[name="id"]', id);
    await press(editor, "Begin");
  };
  await choose(POLICY);
  assert.match(await main(editor), /of that name already/);
  await choose("sentra-bnpt-status");
  await page.fill('textarea[name="why"]', "The centre tells by itself that a case goes on.");
  await press(editor, "Keep as a draft");
  assert.match(await main(editor), /bnpt receives .*only one of closed, open/);
});

test("without a script a preview is a page", async () => {
  const plain = await editor.context.browser().newContext({ javaScriptEnabled: false });
  await plain.addCookies(await editor.context.cookies());
  const page = await plain.newPage();
  const seat = { page };
  await page.goto(`${desk.origin}/edit/policy/${POLICY}?from=1`);
  await page.selectOption(BIRTH, "year");
  await press(seat, "Preview");
  assert.match(await main(seat), /its year only/);
  assert.equal(await page.inputValue(BIRTH), "year");
  await plain.close();
});

test("an earlier version comes back as a draft", async () => {
  await editor.go(`/rules/policy/${POLICY}/1?lang=en`);
  await press(editor, "Go back to this version");
  assert.match(await main(editor), /will no longer receive Date of birth/);
});

test("a version is counted over what is kept", async () => {
  const file = join(desk.root, "referral.json");
  const claims = JSON.parse(readFileSync("schemas/examples/referral.typical.json", "utf8"));
  writeFileSync(file, JSON.stringify(claims));
  desk.message = desk.run("send", "--as", "bnpt", file).message_id;
  await editor.go("/edit/policy/bnpt-kemensos-referral?lang=en");
  await editor.page.selectOption('select[name="op./subject/sex"]', "drop");
  await press(editor, "Keep as a draft");
  await press(editor, "Count");
  await editor.page.waitForSelector("text=All kept messages were looked at");
  assert.match(await main(editor), /1 messages; 0 received exactly as before/);
  await sound(editor, null, "replay");
});

test("an exception names what the policy drops", async () => {
  await sound(editor, "/exception", "exception-ask");
  await editor.page.fill('input[name="message_id"]', MARKUP.slice(0, 26));
  assert.equal((await press(editor, "Find the message")).status(), 404);
  assert.equal(await editor.page.inputValue('input[name="message_id"]'), MARKUP.slice(0, 26));
  // another agency's message is not there
  await editor.page.fill('input[name="message_id"]', desk.message);
  assert.equal((await press(editor, "Find the message")).status(), 404);
  const claims = JSON.parse(readFileSync("schemas/examples/referral.typical.json", "utf8"));
  claims.recipients = ["cuta-be"];
  claims.legal = { ...claims.legal, instrument: "mou-id-be", purpose: "reintegration" };
  const file = join(desk.root, "abroad.json");
  writeFileSync(file, JSON.stringify(claims));
  const { message_id } = desk.run("send", "--as", "kemensos", file);
  await editor.page.fill('input[name="message_id"]', message_id);
  await press(editor, "Find the message");
  await sound(editor, null, "exception");
  const { page } = editor;
  assert.equal(await page.locator('select[name="op./subject/name/full"]').count(), 0);
  await page.selectOption('select[name="op./subject/sex"]', "keep");
  await page.fill('input[name="instrument"]', `Penetapan 12/2026 ${MARKUP}`);
  await page.fill('textarea[name="why"]', MARKUP);
  const soon = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10);
  await page.fill('input[name="expires"]', soon);
  await page.fill('input[name="id"]', "x-one-child");
  await page.check('input[name="best_interests"]');
  await page.check('input[name="safety_check"]');
  await press(editor, "Keep as a draft");
  assert.match(page.url(), /\/rules\/exception\/x-one-child\/1$/);
  assert.match(await main(editor), /cuta-be will start to receive Sex/);
  assert.notEqual(await page.title(), "hit");
  await press(editor, "Go on, to sign");
  await press(editor, "Sign with my passkey");
  assert.match(await main(editor), /two officers, of two agencies/);
  const other = await desk.enrolled("pengesah-bnpt");
  await other.go("/rules/exception/x-one-child/1?lang=en");
  await other.page.fill('input[name="answer"]', "1");
  await press(other, "Go on, to sign");
  await press(other, "Sign with my passkey");
  assert.match(await main(other), /It is in force/);
});

test("a duty officer freezes a party alone, and does not free it", async () => {
  await sound(duty, "/freeze/cuta-be", "freeze");
  await duty.page.fill("textarea", MARKUP);
  await press(duty, "Freeze: go on, to sign");
  await sound(duty, null, "freeze-sign");
  await press(duty, "Sign with my passkey");
  assert.match(await main(duty), /It is in force/);
  await duty.go("/freeze/cuta-be?lang=en");
  assert.match(await main(duty), /It is frozen/);
  assert.equal(await duty.page.locator("main form button").count(), 0);
  await editor.go("/freeze/cuta-be?lang=en");
  await press(editor, "Propose to free: go on, to sign");
  await press(editor, "Sign with my passkey");
  assert.match(await main(editor), /waits for an officer of another unit/);
});

test("whoever cares for children is frozen by one officer for half a day only", async () => {
  await sound(duty, "/freeze/kemensos", "freeze-social");
  assert.match(await main(duty), /12 hours/);
  await press(duty, "Freeze: go on, to sign");
  assert.match(await main(duty), /Signing freezes it at once, until/);
  await press(duty, "Sign with my passkey");
  await duty.go("/freeze/kemensos?lang=en");
  assert.match(await main(duty), /It lifts itself on/);
});

test("no page asks for what its policy forbids, and each is small", async () => {
  const forbidden = complaints.filter((said) => said.includes("Content Security Policy"));
  assert.deepEqual(forbidden, []);
  for (const path of ["/edit/policy/bnpt-kemensos-referral?from=1", "/rules/policy/bnpt-kemensos-referral/1"]) {
    for (const language of ["id", "en"]) {
      const answer = await editor.go(`${path}${path.includes("?") ? "&" : "?"}lang=${language}`);
      const bytes = (await answer.body()).length;
      assert.ok(bytes <= 60 * 1024, `${path} in ${language}: ${bytes} bytes`);
    }
  }
});
