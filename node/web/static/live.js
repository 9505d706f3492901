// What changed of the reader's own shows by itself while the page is in view. Without this file every page is
// complete, and opened again it shows the same.
"use strict";

const TRY_AGAIN_MS = 60_000;
const parts = () => document.querySelectorAll("[data-part]");
const said = document.querySelector("[data-said]");
// As they came, before other scripts touched them.
const shown = new Map([...parts()].map((part) => [part, part.innerHTML]));
let known = document.body.dataset.live;
let source = null;
let looking = null;
let timer = 0;

const alike = (one, other) =>
  one.textContent === other.textContent && one.getAttribute("href") === other.getAttribute("href");

// Shows a part anew. Whoever stands in it keeps their place; if that is no longer there, it waits until they leave.
function show(part, next) {
  if (!next || next.innerHTML === shown.get(part)) return;
  const at = document.activeElement;
  let place = null;
  if (at !== part && part.contains(at)) {
    place = [...next.querySelectorAll("a, button, summary")].find((each) => alike(each, at));
    if (!place) {
      part.addEventListener("focusout", look, { once: true });
      return;
    }
  }
  const typing = at.matches("input, textarea, select") ? at : null;
  const before = typing && typing.getBoundingClientRect().top;
  const told = part.textContent.trim() !== next.textContent.trim() && next.dataset.say;
  shown.set(part, next.innerHTML);
  part.replaceChildren(...next.childNodes);
  if (place) place.focus({ preventScroll: true });
  if (typing) window.scrollBy(0, typing.getBoundingClientRect().top - before);
  if (told && said) said.textContent = told;
  document.dispatchEvent(new Event("shown"));
}

async function ask() {
  const answer = await fetch(location.href, { headers: { "X-Live": "1" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || answer.redirected || !fresh.body.dataset.live) return close();
  known = fresh.body.dataset.live;
  document.title = fresh.title;
  for (const part of parts()) show(part, fresh.querySelector(`[data-part="${part.dataset.part}"]`));
}

// One look at a time; a change that comes meanwhile is looked at after it.
function look() {
  const again = () => later(look, 5000);
  looking = (looking || Promise.resolve()).then(ask).catch(again);
}

function later(act, ms) {
  clearTimeout(timer);
  timer = setTimeout(() => { if (!document.hidden) act(); }, ms);
}

function close() {
  clearTimeout(timer);
  if (source) source.close();
  source = null;
}

function open() {
  close();
  source = new EventSource("/live?since=" + known);
  source.addEventListener("changed", (event) => { if (event.lastEventId !== known) look(); });
  source.addEventListener("over", close);
  source.addEventListener("error", () => {
    // Refused: the browser does not come back by itself.
    if (source && source.readyState === EventSource.CLOSED) later(open, TRY_AGAIN_MS);
  });
}

if (window.EventSource && window.fetch && window.DOMParser) {
  const follow = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", follow);
  follow();
}
