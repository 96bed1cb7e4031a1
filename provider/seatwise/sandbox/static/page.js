// Refreshes what the page shows, once a second. Everything works without it.
"use strict";

const INTERVAL = 1000; // milliseconds
const follow = document.getElementById("follow");
const last = document.getElementById("log-last");

function number(row) {
  return Number(row?.dataset.number ?? 0);
}

function newest(root) {
  return number(root.querySelector("[data-number]"));
}

function take(fresh) {
  const seen = newest(document);
  for (const row of fresh.querySelectorAll("[data-number]")) {
    row.classList.toggle("new", number(row) > seen);
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (part.textContent === other.textContent) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.replaceChildren(...other.childNodes);
    if (focused) document.getElementById(focused)?.focus();
  }
}

async function refresh() {
  if (document.hidden || !follow.querySelector("input").checked) return;
  try {
    const answer = await fetch("/");
    take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    last.textContent = "The sandbox does not answer: it has stopped.";
  }
}

async function run() {
  await refresh();
  setTimeout(run, INTERVAL);
}

history.replaceState(null, "", `/${location.hash}`); // a reload does not say again what was done
follow.hidden = false;
setTimeout(run, INTERVAL);
