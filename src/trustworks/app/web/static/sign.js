// Keeps the file that the signer chose, so that he chooses it once: it is compared with what is shown, and sent
// again with his agreement. Without it the forms work as forms do. All words are in the page.
"use strict";

(() => {
  let file = null;
  wake();

  function wake() {
    const form = document.querySelector("form.signs");
    if (!form) {
      return;
    }
    const field = form.querySelector("input[type=file]");
    if (file && form.querySelector("input[name=ticket]")) {
      field.required = false;
      form.querySelector(".again").hidden = true;
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, field);
    });
  }

  async function send(form, field) {
    const said = form.querySelector(".sending");
    const button = form.querySelector("button");
    const body = new FormData(form);
    file = field.files[0] || file;
    body.delete("file");
    body.append("file", file, file.name);
    said.textContent = form.dataset.reading;
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      said.textContent = form.dataset.unsent;
      button.disabled = false;
    }
  }

  function show(page) {
    document.title = page.title;
    document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
    document.querySelector("main").focus();
    window.scrollTo(0, 0);
    wake();
    const own = document.querySelector("#shown-own");
    if (own) {
      const script = document.createElement("script");
      script.src = "/static/shown.js";
      script.addEventListener("load", () => {
        const given = new DataTransfer();
        given.items.add(file);
        own.files = given.files;
        own.dispatchEvent(new Event("change"));
      });
      document.head.append(script);
    }
  }
})();
