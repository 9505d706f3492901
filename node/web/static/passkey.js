// Passkeys: the browser asks the telephone. Without this file every other way to log in works.
"use strict";

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function ask(options) {
  const key = options.publicKey;
  key.challenge = bytesOf(key.challenge);
  for (const list of [key.excludeCredentials, key.allowCredentials])
    for (const each of list || []) each.id = bytesOf(each.id);
  if (!key.user) return navigator.credentials.get({ publicKey: key });
  key.user.id = bytesOf(key.user.id);
  return navigator.credentials.create({ publicKey: key });
}

function answerOf(made) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (made.response[name]) response[name] = textOf(made.response[name]);
  return JSON.stringify({ id: made.id, rawId: textOf(made.rawId), type: made.type, response });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  for (const each of document.querySelectorAll("[data-passkey-without]")) each.hidden = true;
  const failed = form.querySelector("[data-passkey-failed]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    try {
      const body = new URLSearchParams(new FormData(form));
      const said = await fetch(form.dataset.passkey, { method: "POST", body });
      if (!said.ok) throw new Error("not now");
      form.elements.answer.value = answerOf(await ask(await said.json()));
      form.submit();
    } catch {
      // Broken off by the reader, no key for this address, or too many tries: the page says what to do.
      failed.hidden = false;
    }
  });
}
