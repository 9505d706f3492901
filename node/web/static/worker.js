// Between this scheme's pages and the network, where a member asked this browser to keep something. It keeps FILES, which
// are alike for everybody, and the member's own KEPT pages as last shown; nobody else's page, nothing that is sent.
// VERSION, FILES, OFFLINE, KEPT and KEEP_MS stand above (installable.py).
"use strict";

const SHARED = "files-" + VERSION;
const PAGES = "pages";
// On these pages the server put a line for when they are shown without a connection; on nobody else's.
const LINE = ' id="offline" hidden';

async function keepFiles() {
  const cache = await caches.open(SHARED);
  // Without cookies: what is kept for everybody is nobody's.
  await Promise.all([...FILES, OFFLINE].map(async (path) => {
    const answer = await fetch(path, { credentials: "omit", cache: "no-cache" });
    if (!answer.ok) throw new Error(path);
    await cache.put(path, answer);
  }));
}

async function forgetPages() {
  await caches.delete(PAGES);
}

async function keepPage(path, answer) {
  // Sent on to the log-in: the session is over.
  if (answer.type === "opaqueredirect" || answer.redirected) return forgetPages();
  if (!answer.ok) return;
  const text = await answer.clone().text();
  const cache = await caches.open(PAGES);
  if (text.includes(LINE)) await cache.put(path, new Response(text, { headers: answer.headers }));
  else await cache.delete(path);
}

async function keptPage(path) {
  const answer = await (await caches.open(PAGES)).match(path);
  if (!answer || Date.now() - Date.parse(answer.headers.get("Date")) > KEEP_MS) return null;
  return new Response((await answer.text()).replace(LINE, ' id="offline"'), { headers: answer.headers });
}

self.addEventListener("install", (event) => {
  event.waitUntil(keepFiles().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== SHARED && name !== PAGES) await caches.delete(name);
    await self.clients.claim();
    for (const path of KEPT) await keepPage(path, await fetch(path)).catch(() => {});
  })());
});

async function page(event, path) {
  try {
    const answer = await fetch(event.request);
    if (KEPT.includes(path)) event.waitUntil(keepPage(path, answer.clone()));
    return answer;
  } catch {
    return (KEPT.includes(path) && await keptPage(path)) || (await caches.match(OFFLINE)) || Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method !== "GET") {
    if (url.pathname.startsWith("/logout")) event.waitUntil(forgetPages());
  } else if (FILES.includes(url.pathname)) {
    event.respondWith(caches.match(url.pathname).then((kept) => kept || fetch(request)));
  } else if (request.mode === "navigate") {
    event.respondWith(page(event, url.pathname + url.search));
  }
});
