"""The peer of the benchmark: what an agency's own team would write in a week.

One FastAPI application over SQLite. It does the job of Titian's `POST /v1/messages`: check the
token, verify the sender's signature, validate against the JSON Schema, apply the recipient's
policy, sign a release and a receipt, append to a hash chain, commit durably, answer.
Left out, in its favour: the token is not bound to the client certificate (uvicorn does not hand
the certificate on), no net, no release schema, no payload encryption, no Merkle proof.
"""
import hashlib, json, os, sqlite3, time, uuid
from pathlib import Path
from urllib.parse import parse_qs

import jwt
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from jsonschema import Draft202012Validator, FormatChecker

HOME = Path(os.environ["DIY_HOME"])
CONFIG = json.loads((HOME / "config.json").read_text())
GATEWAY = CONFIG["id"]
KEY = jwt.PyJWK(CONFIG["key"]).key
PARTIES = {party: jwt.PyJWK(jwk).key for party, jwk in CONFIG["parties"].items()}
DROP = [leaf.strip("/").split("/") for leaf in CONFIG["drop"]]
SCHEMAS = Path(CONFIG["schemas"])
ENVELOPE, BODY = (Draft202012Validator(json.loads((SCHEMAS / name).read_text()), format_checker=FormatChecker())
                  for name in ("envelope.json", "referral.1.json"))

app = FastAPI()
db = sqlite3.connect(HOME / "diy.db", isolation_level=None, timeout=30)
db.executescript("""
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS messages (sender TEXT, id TEXT, digest TEXT, receipt TEXT, raw BLOB, PRIMARY KEY (sender, id));
CREATE TABLE IF NOT EXISTS releases (id TEXT PRIMARY KEY, recipient TEXT, release TEXT);
CREATE TABLE IF NOT EXISTS chain (seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT, hash TEXT);
""")


def strip(value, path):
    if isinstance(value, list):
        for item in value:
            strip(item, path)
    elif isinstance(value, dict):
        if len(path) == 1:
            value.pop(path[0], None)
        elif path[0] in value:
            strip(value[path[0]], path[1:])


def problem(status, code, **more):
    return JSONResponse({"status": status, "code": code, **more}, status, media_type="application/problem+json")


@app.post("/v1/token")
async def token(request: Request):
    form = parse_qs((await request.body()).decode())
    try:
        party = form["client_id"][0]
        jwt.decode(form["client_assertion"][0], PARTIES[party], algorithms=["EdDSA"], audience=GATEWAY, issuer=party)
    except (jwt.PyJWTError, KeyError):
        return JSONResponse({"error": "invalid_client"}, 401)
    now = int(time.time())
    claims = {"iss": GATEWAY, "aud": GATEWAY, "sub": party, "iat": now, "exp": now + 600, "scope": "messages:write"}
    return {"access_token": jwt.encode(claims, KEY, "EdDSA"), "token_type": "Bearer", "expires_in": 600}


@app.post("/v1/messages")
async def submit(request: Request):
    raw = await request.body()
    try:
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        sender = jwt.decode(bearer, KEY.public_key(), algorithms=["EdDSA"], audience=GATEWAY, issuer=GATEWAY)["sub"]
        message = jwt.decode(raw, PARTIES[sender], algorithms=["EdDSA"], audience=GATEWAY, issuer=sender)
    except (jwt.PyJWTError, KeyError):
        return problem(401, "not-authentic")
    body = message.pop("body", None)
    errors = [*ENVELOPE.iter_errors(message), *BODY.iter_errors(body)]
    if errors:
        return problem(422, "schema", errors=[{"pointer": e.json_path, "keyword": e.validator} for e in errors])
    for leaf in DROP:
        strip(body, leaf)
    digest, now = hashlib.sha256(raw).hexdigest(), int(time.time())
    releases = [(uuid.uuid4().hex, recipient) for recipient in message["recipients"]]
    signed = [(id, to, jwt.encode({"iss": GATEWAY, "aud": to, "iat": now, "jti": id, "from": sender, "body": body}, KEY, "EdDSA"))
              for id, to in releases]
    receipt = jwt.encode({"iss": GATEWAY, "aud": sender, "iat": now, "message_id": message["jti"], "digest": digest}, KEY, "EdDSA")
    event = json.dumps({"message": message["jti"], "digest": digest, "releases": releases})
    try:
        db.execute("BEGIN IMMEDIATE")
        last = db.execute("SELECT hash FROM chain ORDER BY seq DESC LIMIT 1").fetchone() or ("",)
        db.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?)", (sender, message["jti"], digest, receipt, raw))
        db.executemany("INSERT INTO releases VALUES (?, ?, ?)", signed)
        db.execute("INSERT INTO chain (event, hash) VALUES (?, ?)", (event, hashlib.sha256((last[0] + event).encode()).hexdigest()))
        db.execute("COMMIT")
    except sqlite3.IntegrityError:
        db.execute("ROLLBACK")
        return problem(409, "already-admitted")
    return JSONResponse({"message_id": message["jti"], "state": "admitted", "receipt": receipt}, 201)
