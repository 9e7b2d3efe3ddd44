"""Sends one message: python send.py KIT CA URL CLAIMS (KIT: the party's directory of keys)."""
import json, pathlib, secrets, ssl, sys, time
import httpx, jwt

kit, ca, url, file = pathlib.Path(sys.argv[1]), *sys.argv[2:]
jwk = json.loads((kit / "signing.jwk").read_text())

def sign(typ, lifetime_s, claims):  # a compact JWS, EdDSA; what is signed is what is sent
    now, id = int(time.time()), "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26))
    claims |= {"iss": kit.name, "aud": gateway, "jti": id, "iat": now, "exp": now + lifetime_s}
    return jwt.encode(claims, jwt.PyJWK(jwk), "EdDSA", {"typ": typ, "kid": jwk["kid"]})

tls = ssl.create_default_context(cafile=ca)
tls.load_cert_chain(kit / "tls.pem", kit / "tls.key")
with httpx.Client(base_url=url, verify=tls) as http:
    gateway = http.get("/.well-known/titian.json").raise_for_status().json()["id"]
    form = {"grant_type": "client_credentials", "client_id": kit.name, "scope": "messages:write",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": sign("JWT", 120, {"sub": kit.name})}
    token = http.post("/v1/token", data=form).raise_for_status().json()["access_token"]
    message = sign("titian-message+jwt", 86400, json.loads(pathlib.Path(file).read_text()))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/jose"}
    answer = http.post("/v1/messages", content=message, headers=headers)
print(answer.status_code, answer.json().get("state") or answer.json())
