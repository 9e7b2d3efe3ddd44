// Sends one message: node send.mjs KIT CA URL CLAIMS (KIT: the party's directory of keys).
import { randomBytes } from "node:crypto"; import { readFileSync as read } from "node:fs";
import https from "node:https"; import { basename } from "node:path"; import { text } from "node:stream/consumers";
import { CompactSign, importJWK } from "jose";

const [kit, ca, url, claims] = process.argv.slice(2), party = basename(kit);
const jwk = JSON.parse(read(`${kit}/signing.jwk`)), key = await importJWK(jwk, "EdDSA");
const agent = new https.Agent({ ca: read(ca), cert: read(`${kit}/tls.pem`), key: read(`${kit}/tls.key`), keepAlive: true });
const ask = (method, path, headers, body) => new Promise((done, failed) => https.request(url + path, { method, headers, agent },
  async (answer) => done({ status: answer.statusCode, ...JSON.parse(await text(answer)) })).on("error", failed).end(body));
const { id: gateway } = await ask("GET", "/.well-known/titian.json");

const sign = async (typ, lifetime, claims) => { // a compact JWS, EdDSA; what is signed is what is sent
  const iat = Math.floor(Date.now() / 1000), jti = Array.from(randomBytes(26), (b) => "abcdefghijklmnopqrstuvwxyz234567"[b & 31]).join("");
  const bytes = new TextEncoder().encode(JSON.stringify({ ...claims, iss: party, aud: gateway, jti, iat, exp: iat + lifetime }));
  return new CompactSign(bytes).setProtectedHeader({ alg: "EdDSA", typ, kid: jwk.kid }).sign(key);
};
const form = new URLSearchParams({ grant_type: "client_credentials", client_id: party, scope: "messages:write",
  client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion: await sign("JWT", 120, { sub: party }) });
const token = await ask("POST", "/v1/token", { "Content-Type": "application/x-www-form-urlencoded" }, form.toString());
const answer = await ask("POST", "/v1/messages", { Authorization: `Bearer ${token.access_token}`, "Content-Type": "application/jose" },
  await sign("titian-message+jwt", 86400, JSON.parse(read(claims))));
console.log(answer.status, answer.state ?? answer); agent.destroy();
