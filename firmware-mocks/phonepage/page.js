"use strict";
// One click at a time: a scanner reads one code at a time.
const status = document.getElementById("status");
const shown = document.getElementById("shown");
const buttons = [...document.querySelectorAll("button[data-post]")];

async function press(button) {
  buttons.forEach((b) => { b.disabled = true; });
  status.textContent = button.dataset.wait || "…";
  try {
    const answer = await fetch(button.dataset.post, { method: "POST" });
    const label = button.querySelector("strong").textContent;
    status.textContent = answer.ok ? (button.dataset.done || label + ": done.") : await answer.text();
    if (button.dataset.post.startsWith("show/")) {
      shown.src = "shown.png?" + Date.now();
      shown.hidden = false;
    }
  } catch {
    status.textContent = "The demo does not answer. Is it still running?";
  }
  buttons.forEach((b) => { b.disabled = false; });
}

buttons.forEach((b) => b.addEventListener("click", () => press(b)));
