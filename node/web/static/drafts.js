// What was typed into a form and not sent stays in this browser, and is shown again with words that say so. Nothing is ever
// sent by this file. Without it, and in browsers that keep nothing, forms work as ever.
"use strict";
{
  const KEPT_MS = 7 * 24 * 3600 * 1000;
  // These outlast the tab on one's own computer; the others, and all on a shared one, end with it.
  const LASTING = ["message", "post", "post-price", "record"];
  const owner = document.body.dataset.owner || "";
  const stranger = document.body.classList.contains("visitor");
  const whose = "draft:" + (stranger ? "visitor" : owner || "tab") + ":";
  const came = performance.getEntriesByType("navigation")[0]?.type;
  const here = location.href.split("#")[0];
  // Days are written as on the pages themselves: 4 March.
  const speaks = document.documentElement.lang.replace(/^en$/, "en-GB");
  const failed = document.querySelector("[data-failed]");
  const wrong = document.querySelector(".errors");

  const read = (store, key) => {
    try {
      return JSON.parse(store.getItem(key)) || null;
    } catch {
      return null;
    }
  };
  const write = (store, key, draft) => {
    try {
      store.setItem(key, JSON.stringify(draft));
    } catch {
      // Full, or not allowed: it is not kept.
    }
  };
  const stores = () => {
    try {
      return [localStorage, sessionStorage];
    } catch {
      return [];
    }
  };
  const each = (act) => {
    for (const store of stores())
      for (const key of Object.keys(store).filter((name) => name.startsWith("draft:"))) act(store, key);
  };

  each((store, key) => {
    const draft = read(store, key);
    const others = store === localStorage ? owner && !key.startsWith(whose) : stranger && key.startsWith("draft:tab:");
    if (!draft || others || Date.now() - draft.at > KEPT_MS) return store.removeItem(key);
    // This page is what came of sending it: it was taken, or the page says what is wrong.
    if (!key.startsWith(whose) || !draft.sent || draft.sent !== document.referrer || came !== "navigate") return;
    if (failed || wrong) write(store, key, { ...draft, sent: "", unsure: Boolean(failed) });
    else store.removeItem(key);
  });

  const follow = (form) => {
    const store = stores()[owner && LASTING.includes(form.dataset.draft) ? 0 : 1];
    const line = form.querySelector("[data-kept]");
    if (!store || !line) return;
    const hidden = [...form.querySelectorAll("input[type=hidden]")]
      .filter((field) => !["form_token", "once"].includes(field.name)).map((field) => field.name + "=" + field.value);
    const key = whose + [form.dataset.draft, form.getAttribute("action"), ...hidden].join(" ");
    const fields = [...form.elements].filter((field) =>
      field.name && !["hidden", "password", "file", "submit", "button"].includes(field.type));
    const isChoice = (field) => field.type === "radio" || field.type === "checkbox";

    const say = (why, at) => {
      for (const words of line.querySelectorAll("[data-why]")) words.hidden = words.dataset.why !== why;
      for (const moment of line.querySelectorAll("time"))
        moment.textContent = new Date(at).toLocaleString(speaks, { dateStyle: "full", timeStyle: "short" });
      line.hidden = !why;
    };
    const offer = () => {
      const draft = read(store, key);
      if (!draft) return;
      for (const field of fields) {
        const typed = draft.typed[field.name];
        if (isChoice(field)) field.checked = field.checked || typed === field.value;
        else if (!field.value && typed) field.value = typed;
      }
      const unsure = Boolean(draft.sent || draft.unsure);
      if (unsure) write(store, key, { ...draft, sent: "", unsure });
      say(unsure ? "unsure" : "unsent", draft.at);
    };
    const keep = (sent, unsure) => {
      const typed = {};
      for (const field of fields) if (!isChoice(field) || field.checked) typed[field.name] = field.value;
      if (fields.some((field) => !isChoice(field) && field.type !== "select-one" && field.value.trim()))
        write(store, key, { at: Date.now(), typed, sent, unsure });
      else store.removeItem(key);
    };

    if (!wrong) offer();
    window.addEventListener("pageshow", (event) => { if (event.persisted) offer(); });
    form.addEventListener("input", () => keep("", Boolean(read(store, key)?.unsure)));
    form.addEventListener("submit", (event) => {
      keep(navigator.onLine ? here : "", false);
      if (navigator.onLine) return;
      event.preventDefault();
      say("offline");
    });
    line.querySelector("button").addEventListener("click", () => {
      const { typed } = read(store, key) || { typed: {} };
      for (const field of fields) if (!isChoice(field) && field.value === typed[field.name]) field.value = "";
      store.removeItem(key);
      say("");
      fields[0].focus();
    });
  };
  // What is typed for somebody else, who may be another next time, is not kept.
  if (!document.querySelector("form.acting")) document.querySelectorAll("form[data-draft]").forEach(follow);

  document.addEventListener("submit", (event) => {
    if (new URL(event.target.action).pathname.startsWith("/logout")) each((store, key) => store.removeItem(key));
  });
}
