"use strict";
// The page is complete without this file; it adds buttons that copy, and keeps the page fresh.

function addCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const command of root.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.querySelector("pre").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    command.append(button);
  }
}

async function refresh() {
  const selected = String(getSelection()) !== "";
  const focused = document.activeElement && document.activeElement.closest("main");
  if (document.hidden || selected || focused) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    const opened = [...document.querySelectorAll("main details")].map((one) => one.open);
    fresh.querySelectorAll("details").forEach((one, number) => { one.open = opened[number] === true; });
    addCopyButtons(fresh);
    document.querySelector("main").replaceWith(fresh);
  } catch {
    // the service stops or starts; the next round finds it again
  }
}

addCopyButtons(document);
if (location.pathname === "/") setInterval(refresh, 15000);
