// What officers look at: what partners receive, the overview, a partner's first day.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";

let desk, seat;
before(async () => {
  desk = await Desk.open();
  seat = await desk.enrolled("petugas-kebijakan");
});
after(() => desk?.close());

test("the sheet says in letters and words what each partner receives", async () => {
  const { page, go } = seat;
  await go("/partners");
  assert.match(await page.textContent("h1"), /referral\/1/);
});
