// What a member asked this browser to keep for times without a connection: only then the worker is there. It goes with the
// choice, at log-out, and when somebody else is logged in. Without this file, and in browsers that keep nothing, pages just work online.
"use strict";
{
  const CHOICE = "keep";
  const owner = document.body.dataset.owner || "";
  const worker = window.caches && navigator.serviceWorker;

  const chosen = () => {
    try {
      return localStorage.getItem(CHOICE) || "";
    } catch {
      return "";
    }
  };

  const keep = async () => {
    await navigator.serviceWorker.register("/worker.js");
    await navigator.serviceWorker.ready;
    localStorage.setItem(CHOICE, owner);
  };

  const forget = async () => {
    localStorage.removeItem(CHOICE);
    if (!worker) return;
    for (const each of await navigator.serviceWorker.getRegistrations()) await each.unregister();
    for (const name of await caches.keys()) await caches.delete(name);
  };

  const is_mine = owner && chosen() === owner;
  if (worker && is_mine) navigator.serviceWorker.register("/worker.js").catch(() => {});
  // Somebody else's page, or the page of a session that is over.
  if (chosen() && !is_mine && (owner || location.pathname.startsWith("/login"))) forget();

  document.addEventListener("submit", (event) => {
    const leaves = new URL(event.target.action).pathname.startsWith("/logout");
    if (leaves && chosen()) forget();
  });

  const section = document.querySelector("[data-keep]");
  if (section && worker) {
    const said = section.querySelector("[role=status]");
    const show = () => {
      const now = chosen() === owner ? "kept" : "none";
      for (const each of section.querySelectorAll("[data-when]")) each.hidden = each.dataset.when !== now;
    };
    section.hidden = false;
    show();
    section.addEventListener("click", async (event) => {
      const does = { keep, forget }[event.target.dataset.does];
      if (!does) return;
      try {
        await does();
        said.textContent = event.target.dataset.done;
      } catch {
        said.textContent = section.dataset.failed;
      }
      show();
      said.focus();
    });
  }
}
