// A gateway of its own for the browser's tests, and officers with passkeys at it.
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const titian = process.env.TITIAN ?? "target/debug/titian";

// where the examples of messages lie
const examples = process.env.TITIAN_EXAMPLES ?? "schemas/examples";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const freePort = () =>
  new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

export class Desk {
  static async open() {
    const desk = new Desk();
    desk.root = mkdtempSync(join(tmpdir(), "titian-console-"));
    desk.home = join(desk.root, "home");
    execFileSync(titian, ["init", desk.home]);
    const [agencies, management, port] = [await freePort(), await freePort(), await freePort()];
    desk.agencies = agencies;
    desk.origin = `https://localhost:${port}`;
    const file = join(desk.home, "titian.toml");
    let text = readFileSync(file, "utf8");
    for (const [from, to] of [
      ["127.0.0.1:8443", `127.0.0.1:${agencies}`],
      ["127.0.0.1:9464", `127.0.0.1:${management}`],
      ["127.0.0.1:8444", `127.0.0.1:${port}`],
      ["https://localhost:8444", desk.origin],
    ]) {
      if (!text.includes(from)) throw new Error(`titian.toml lacks ${from}`);
      text = text.replaceAll(from, to);
    }
    writeFileSync(file, text);
    await desk.serve();
    const spki = new X509Certificate(readFileSync(join(desk.home, "keys/tls.pem"))).publicKey;
    const pin = createHash("sha256")
      .update(spki.export({ type: "spki", format: "der" }))
      .digest("base64");
    desk.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", `--ignore-certificate-errors-spki-list=${pin}`],
    });
    return desk;
  }

  serve() {
    this.server = spawn(titian, ["serve", "--home", this.home], { stdio: ["ignore", "pipe", "pipe"] });
    this.log = "";
    this.server.stderr.on("data", (data) => (this.log += data));
    return new Promise((ready, failed) => {
      let said = "";
      this.server.stdout.on("data", (data) => {
        said += data;
        if (said.includes("officers ")) ready();
      });
      this.server.on("exit", (code) => failed(new Error(`it ended with ${code}: ${this.log}`)));
    });
  }

  async close() {
    await this.browser?.close();
    this.server.removeAllListeners("exit");
    this.server.kill("SIGTERM");
    await new Promise((ended) => this.server.on("exit", ended));
    rmSync(this.root, { recursive: true });
  }

  // Runs the command line against this home and reads its JSON.
  run(...args) {
    return this.lines(...args)[0];
  }

  // Runs the command line against this home.
  runText(...args) {
    const env = { ...process.env, TITIAN_HOME: this.home };
    return execFileSync(titian, args, { env, encoding: "utf8" });
  }

  // As `run`, for what is written a line each.
  lines(...args) {
    const said = this.runText(...args, "--json");
    return said.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  // Signs and sends the example of a message as a party, with what `change` makes of it.
  send(party, example, change = (claims) => claims, ...rest) {
    const claims = JSON.parse(readFileSync(join(examples, `${example}.json`), "utf8"));
    const file = join(this.root, `${randomBytes(8).toString("hex")}.json`);
    writeFileSync(file, JSON.stringify(change(claims)));
    return this.run("send", file, "--as", party, ...rest);
  }

  // What a party's inbox holds, from the first on: each release with what it says.
  inbox(party) {
    const pages = this.lines("inbox", "--as", party, "--after", "0");
    return pages
      .flatMap(({ items }) => items)
      .map((item) => {
        const [statement, disclosure] = item.release.split("~");
        const claims = JSON.parse(Buffer.from(statement.split(".")[1], "base64url"));
        const [, , body] = JSON.parse(Buffer.from(disclosure, "base64url"));
        return { ...item, claims, body };
      });
  }

  // A reference that nobody has used.
  fresh() {
    return Array.from(randomBytes(26), (b) => "abcdefghijklmnopqrstuvwxyz234567"[b % 32]).join("");
  }

  // BNPT refers a child, the unit takes the case and tells BNPT and CUTA; answers its message's id.
  told(change = (claims) => claims) {
    const unit = "kemensos/sentra-handayani";
    this.send("bnpt", "referral.typical", (claims) => {
      claims.body.subject.ref = this.fresh();
      return change(claims);
    });
    const { release_id, exchange, body } = this.inbox(unit).at(-1);
    this.run("ack", release_id, "--as", unit);
    const status = (claims) => {
      claims.body.subject.ref = body.subject.ref;
      delete claims.in_reply_to;
      return claims;
    };
    return this.send(unit, "status.typical", status, "--in-reply-to", exchange).message_id;
  }

  // An officer's browser, with an authenticator of its own.
  async seat(officer, { language = "en-GB", script = true } = {}) {
    const context = await this.browser.newContext({ locale: language, javaScriptEnabled: script });
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    const go = (path) => page.goto(this.origin + path);
    return { officer, context, page, cdp, authenticatorId, go };
  }

  // Invites the officer, makes the passkey, has two officers put it in force, and signs in.
  async enrolled(officer, options) {
    const seat = await this.seat(officer, options);
    const { link } = this.run("officer", "invite", officer, "--as", "petugas-kebijakan");
    await seat.page.goto(link);
    await Promise.all([seat.page.waitForNavigation(), seat.page.click("main button")]);
    await this.approved(officer);
    await this.signIn(seat);
    return seat;
  }

  // The draft of a record, proposed and approved at the command line.
  async approved(officer) {
    this.run("officer", "propose", officer, "--as", "petugas-kebijakan");
    const [last] = this.run("officer", "history", officer).slice(-1);
    const confirm = ["--confirm", `${last.version}:${last.digest}`];
    this.run("officer", "approve", officer, "--as", "pejabat-pengesah", ...confirm);
  }

  // What axe-core finds against WCAG 2.2 AA on the page as it stands: nothing, it is hoped.
  async audit({ cdp, page }) {
    // in a world of its own: the page's policy lets no foreign script in
    const { frameTree } = await cdp.send("Page.getFrameTree");
    const { executionContextId: contextId } = await cdp.send("Page.createIsolatedWorld", {
      frameId: frameTree.frame.id,
    });
    const run = (expression) =>
      cdp.send("Runtime.evaluate", { expression, contextId, awaitPromise: true, returnByValue: true });
    await run(axe);
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { result, exceptionDetails } = await run(
      `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ": " + nodes.map((n) => n.target + " " + n.failureSummary).join("; ")))`,
    );
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description);
    return result.value.map((found) => `${page.url()} ${found}`);
  }

  // A picture for people to look at, where the run keeps them.
  async picture({ page }, name) {
    const directory = process.env.TITIAN_SCREENSHOTS;
    if (directory) await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
  }

  async signIn({ page }) {
    await page.goto(`${this.origin}/sign-in`);
    await Promise.all([page.waitForURL(`${this.origin}/`), page.click("main button")]);
  }
}
