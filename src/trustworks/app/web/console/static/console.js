"use strict";
// Passkeys: the browser's part of signing in, of registering one, and of approving by one.

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));

function say(text) {
  document.getElementById("answer").textContent = text;
}

async function send(path, value) {
  const answer = await fetch(path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json", "x-csrf-token": document.body.dataset.csrf || "" },
    body: JSON.stringify(value),
  });
  const type = answer.headers.get("content-type") || "";
  const told = type.startsWith("application/json") ? await answer.json() : { message: await answer.text() };
  if (!answer.ok) {
    if (told.location) location.assign(told.location);
    throw new Error(told.message);
  }
  return told;
}

function asked(options) {
  const list = (name) => (options[name] || []).map((one) => ({ ...one, id: decode(one.id) }));
  return {
    ...options,
    challenge: decode(options.challenge),
    ...(options.user ? { user: { ...options.user, id: decode(options.user.id) } } : {}),
    ...(options.allowCredentials ? { allowCredentials: list("allowCredentials") } : {}),
    ...(options.excludeCredentials ? { excludeCredentials: list("excludeCredentials") } : {}),
  };
}

async function assertion(options) {
  const made = await navigator.credentials.get({ publicKey: asked(options) });
  return {
    id: encode(made.rawId),
    clientDataJSON: encode(made.response.clientDataJSON),
    authenticatorData: encode(made.response.authenticatorData),
    signature: encode(made.response.signature),
  };
}

async function signIn() {
  const told = await send("/console/login/passkey", {
    assertion: await assertion(await send("/console/login/options", {})),
  });
  location.assign(told.location);
}

async function register(form) {
  const options = await send("/console/credentials/options", {});
  const made = await navigator.credentials.create({ publicKey: asked(options) });
  const told = await send("/console/credentials/passkey", {
    label: form.label.value,
    credential: {
      id: encode(made.rawId),
      rawId: encode(made.rawId),
      type: made.type,
      response: {
        clientDataJSON: encode(made.response.clientDataJSON),
        attestationObject: encode(made.response.attestationObject),
      },
    },
  });
  say(`The passkey with the key ${told.key} waits for approvals of roles.change ${told.sha256}. ` +
      `Missing: ${told.missing.join(", ")}.`);
}

async function approve(form) {
  const what = form.dataset.what || form.what.value;
  const sha256 = form.dataset.sha256 || form.sha256.value;
  const options = await send("/console/approvals/options", { what, sha256, role: form.role.value });
  const signed = await assertion(options.publicKey);
  const told = await send("/console/approvals", {
    approval: { version: 1, content: options.content, credential: options.keys[signed.id], webauthn: signed },
  });
  say(told.missing.length ? `Approved. Still missing: ${told.missing.join(", ")}.`
                          : told.applied ? "Approved, and done." : "Approved. The quorum is met.");
}

function on(element, kind, action) {
  if (!element) return;
  element.addEventListener(kind, async (event) => {
    event.preventDefault();
    say("");
    try {
      await action(event.currentTarget || element);
    } catch (error) {
      say(error.message);
    }
  });
}

on(document.getElementById("sign-in"), "click", signIn);
on(document.getElementById("register"), "submit", register);
for (const form of document.querySelectorAll("form.approve")) on(form, "submit", approve);

// A dossier that is being made: how far it is, until it is there.
const progress = document.getElementById("progress");

async function look() {
  const answer = await fetch(progress.dataset.order, { credentials: "same-origin" });
  if (!answer.ok) return location.reload();
  const told = await answer.json();
  const line = progress.querySelector("[role=status]");
  if (line.textContent !== told.told) line.textContent = told.told;
  if (told.open) setTimeout(look, 2000);
  else location.reload();
}

if (progress) setTimeout(look, 2000);
