// Dropping files on the page that validates them, and how far the sending has come. Without it the form
// works as forms do.
"use strict";

(() => {
  const form = document.querySelector("form.upload");
  const drop = form.querySelector(".drop");
  const file = form.querySelector("#file");
  const sending = form.querySelector(".sending");
  const bar = sending.querySelector("progress");
  const said = sending.querySelector("[role=status]");
  const button = form.querySelector("button");

  form.querySelector(".hint").hidden = false;
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    drop.addEventListener(kind, () => drop.classList.remove("over"));
  }
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length === 1) {
      file.files = event.dataTransfer.files;
      file.focus();
    } else {
      say("Drop one signed file; choose what it signs below.");
    }
  });

  const say = (words) => {
    sending.hidden = false;
    said.textContent = words;
  };

  const size = () =>
    [...form.querySelectorAll("input[type=file]")]
      .flatMap((one) => [...one.files])
      .reduce((sum, one) => sum + one.size, 0);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (size() > Number(form.dataset.most)) {
      bar.hidden = true;
      say("The files are longer than may be sent here.");
      return;
    }
    const request = new XMLHttpRequest();
    bar.hidden = false;
    bar.value = 0;
    button.disabled = true;
    say("Sending…");
    request.upload.addEventListener("progress", (at) => {
      if (at.lengthComputable) {
        bar.value = (100 * at.loaded) / at.total;
      }
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      say("Validating…");
    });
    request.addEventListener("load", () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      document.title = page.title;
      for (const sheet of page.querySelectorAll("link[rel=stylesheet]")) {
        if (!document.querySelector(`link[href="${sheet.getAttribute("href")}"]`)) {
          document.head.append(document.adoptNode(sheet));
        }
      }
      document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
      document.querySelector("main").focus();
      window.scrollTo(0, 0);
      if (document.querySelector("form.upload")) {
        // The form again, with a reason: wake it as this one was.
        const again = document.createElement("script");
        again.src = "/static/validation.js";
        document.head.append(again);
      } else {
        history.pushState({ verdict: true }, "", "/validation");
      }
    });
    request.addEventListener("error", () => {
      button.disabled = false;
      bar.hidden = true;
      say("The file could not be sent. Try again.");
    });
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    request.send(new FormData(form));
  });
  window.onpopstate = () => location.reload();
})();
