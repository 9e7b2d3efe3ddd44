// Passkeys: the one thing that a browser cannot do with a form alone.
"use strict";
(() => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  const sign = async (form) => {
    const { claims, challenge, credentials } = form.dataset;
    const found = await navigator.credentials.get({
      publicKey: {
        challenge: bytes(challenge),
        rpId: location.hostname,
        userVerification: "required",
        allowCredentials: credentials
          .split(" ")
          .filter(Boolean)
          .map((id) => ({ type: "public-key", id: bytes(id) })),
      },
    });
    const { authenticatorData, clientDataJSON, signature } = found.response;
    const parts = [authenticatorData, clientDataJSON, signature].map(text);
    form.elements.word.value = ["webauthn", claims, ...parts].join(".");
    if (form.elements.credential) form.elements.credential.value = found.id;
  };

  const make = async (form) => {
    const { challenge, officer } = form.dataset;
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: bytes(challenge),
        rp: { id: location.hostname, name: "Titian" },
        user: { id: new TextEncoder().encode(officer), name: officer, displayName: officer },
        pubKeyCredParams: [
          { type: "public-key", alg: -8 },
          { type: "public-key", alg: -7 },
        ],
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        attestation: "none",
      },
    });
    form.elements.credential.value = made.id;
    form.elements.key.value = text(made.response.getPublicKey());
  };

  // The gateway counts bytes: what is too long is said while it is typed, before a passkey is asked.
  for (const field of document.querySelectorAll("[data-bytes]")) {
    const measure = () => {
      const sent = new TextEncoder().encode(field.value.replace(/\r?\n/g, "\r\n"));
      const fits = sent.length <= Number(field.dataset.bytes);
      field.setCustomValidity(fits ? "" : field.dataset.long);
    };
    field.addEventListener("input", measure);
    measure();
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = form.querySelector("[role=alert]");
      said.hidden = true;
      try {
        await (form.dataset.passkey === "make" ? make(form) : sign(form));
      } catch {
        said.hidden = false;
        said.focus();
        return;
      }
      HTMLFormElement.prototype.submit.call(form);
    });
  }
})();
