// Small comforts. Every page is complete without this file.
"use strict";

// Pressed twice is sent once. The page kept for the Back button is usable again.
const sent = new Set();
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.defaultPrevented) return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
});
window.addEventListener("pageshow", () => sent.clear());

// On a sheet of slips Enter moves on to the next field; in the last one it checks.
for (const sheet of document.querySelectorAll("form[data-enter-moves]")) {
  sheet.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    const fields = [...sheet.querySelectorAll("input:not([type=hidden])")];
    const next = fields[fields.indexOf(event.target) + 1];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

function showPrinting() {
  for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
}
showPrinting();
document.addEventListener("shown", showPrinting);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

const errors = document.querySelector(".errors");
if (errors) errors.focus();
