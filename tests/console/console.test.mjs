// What officers do in the console, in a real browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Desk } from "./desk.mjs";

let desk;
before(async () => {
  desk = await Desk.open();
});
after(() => desk?.close());

test("an officer is invited, makes a passkey that two approve, and signs in", async () => {
  const seat = await desk.enrolled("petugas-kebijakan");
  assert.match(await seat.page.textContent("h1"), /Ikhtisar/);
});
