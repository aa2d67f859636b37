// Keeps the files that the signer chose, so that he chooses them once: each is compared with what is shown, and all
// are sent again with his agreement. Without it the forms work as forms do. All words are in the page.
"use strict";

(() => {
  let files = [];
  wake();

  function wake() {
    const form = document.querySelector("form.signs");
    if (!form) {
      return;
    }
    const field = form.querySelector("input[type=file]");
    if (files.length && form.querySelector("input[name=ticket]")) {
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
    const refused = form.querySelector(".refused");
    const button = form.querySelector("button");
    const body = new FormData(form);
    if (field.files.length) {
      files = [...field.files];
    }
    body.delete("file");
    for (const one of files) {
      body.append("file", one, one.name);
    }
    said.textContent = form.dataset.reading;
    button.disabled = true;
    if (refused) {
      refused.hidden = true;
    }
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const wrong = page.querySelector("#wrong");
      if (refused && wrong) {
        // What was read, ticked and chosen stays on the page, to be mended there.
        said.textContent = "";
        refused.textContent = wrong.textContent;
        refused.hidden = false;
        button.disabled = false;
        refused.scrollIntoView({ block: "nearest" });
        return;
      }
      show(page);
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
    const own = [...document.querySelectorAll(".compare input[type=file]")];
    if (own.length) {
      const script = document.createElement("script");
      script.src = "/static/shown.js";
      script.addEventListener("load", () => {
        // They are shown in the order in which they were sent.
        own.forEach((one, at) => {
          const given = new DataTransfer();
          given.items.add(files[at]);
          one.files = given.files;
          one.dispatchEvent(new Event("change"));
        });
      });
      document.head.append(script);
    }
  }
})();
