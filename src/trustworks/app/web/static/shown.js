// Whether the file that the signer has, or gets from here, is the one that is signed: SHA-256 is computed here,
// in the browser, and compared. And the text of pages, when it is asked for. All words are in the page.
"use strict";

(() => {
  for (const part of document.querySelectorAll(".compare")) {
    compare(part);
  }
  for (const details of document.querySelectorAll("details[data-text]")) {
    details.addEventListener("toggle", () => text(details), { once: true });
  }

  function compare(part) {
    const said = part.querySelector(".said");
    const asks = part.querySelector(".asks");
    const computed = part.querySelector(".computed");
    const save = part.querySelector(".save");
    let turn = 0;
    if (!window.crypto || !window.crypto.subtle) {
      said.textContent = part.dataset.insecure;
      return;
    }
    asks.hidden = false;

    const judge = async (given, same) => {
      turn += 1;
      const mine = turn;
      part.classList.remove("same", "differs");
      part.removeAttribute("data-outcome");
      computed.hidden = true;
      save.hidden = true;
      said.textContent = part.dataset.computing;
      let words = part.dataset.failed;
      let outcome = "failed";
      let hex = "";
      try {
        const octets = await given();
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", octets));
        hex = [...digest].map((one) => one.toString(16).padStart(2, "0")).join("");
        outcome = hex === part.dataset.sha256 ? "same" : "differs";
        words = outcome === "same" ? same : part.dataset.differs;
        if (mine === turn && outcome === "same" && same === part.dataset.fetched) {
          const link = save.querySelector("a");
          URL.revokeObjectURL(link.href);
          // The very octets that were compared, not fetched a second time.
          link.href = URL.createObjectURL(new Blob([octets], { type: "application/octet-stream" }));
          save.hidden = false;
        }
      } catch (error) {
        if (error instanceof RangeError || error.name === "NotReadableError") {
          words = part.dataset.large;
        }
      }
      if (mine !== turn) {
        return; // another file was chosen meanwhile
      }
      if (hex) {
        computed.querySelector("code").textContent = hex.match(/.{8}/g).join(" ");
        computed.hidden = false;
        part.classList.add(outcome);
      }
      part.dataset.outcome = outcome;
      said.textContent = words;
    };

    part.querySelector("input").addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (file) {
        judge(() => file.arrayBuffer(), part.dataset.same);
      }
    });
    part.querySelector("button")?.addEventListener("click", () => {
      judge(async () => {
        const answer = await fetch(part.dataset.document, { cache: "no-store", credentials: "same-origin" });
        if (!answer.ok) {
          throw new Error(answer.statusText);
        }
        return answer.arrayBuffer();
      }, part.dataset.fetched);
    });
  }

  async function text(details) {
    const place = details.querySelector("div");
    try {
      const answer = await fetch(details.dataset.text, { credentials: "same-origin" });
      if (!answer.ok) {
        return; // the link stays
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(document.adoptNode(page.querySelector(".page-text")));
    } catch {
      // The link stays.
    }
  }
})();
