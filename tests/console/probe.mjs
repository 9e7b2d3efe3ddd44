import { Desk } from "./desk.mjs";
const desk = await Desk.open();
try {
  const seat = await desk.enrolled("petugas-kebijakan");
  const p = seat.page;
  p.on("console", (m) => console.log("console:", m.type(), m.text()));
  p.on("pageerror", (e) => console.log("pageerror:", e.message));
  const shot = async (path, name) => {
    const r = await seat.go(path);
    console.log(name, r.status(), (await r.body()).length);
    for (const [w, scheme] of [[1280, "light"], [360, "dark"]]) {
      await p.setViewportSize({ width: w, height: 900 });
      await p.emulateMedia({ colorScheme: scheme });
      await p.screenshot({ path: `/tmp/shots/${name}-${w}.png`, fullPage: true });
      const over = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) console.log(name, w, "overflows by", over);
    }
  };
  await shot("/new", "new");
  await shot("/edit/policy/kemensos-cuta-be-referral", "abroad");
  await shot("/edit/policy/bnpt-kemensos-referral", "home");
  await shot("/edit/policy/kemensos-bnpt-status?lang=id", "bnpt-id");
  await shot("/edit/party/bnpt", "party-id");
  await shot("/new/policy?template=status_minimal&sender=kemensos&recipient=bnpt&message=status/1&purpose=service_delivery&agreement=pks-bnpt-kemensos&id=baru", "baru-id");
  await seat.go("/edit/policy/kemensos-bnpt-status?lang=en");
  await p.setViewportSize({ width: 1280, height: 900 });
  const t = Date.now();
  const [answer] = await Promise.all([p.waitForResponse((r) => r.url().endsWith("/preview")), p.selectOption('select[name="op./subject/birth/date"]', { index: 2 })]);
  console.log("preview", answer.status(), Date.now() - t, (await answer.body()).length);
  await p.waitForTimeout(300);
  await p.screenshot({ path: "/tmp/shots/live.png" });
} finally { await desk.close(); }
