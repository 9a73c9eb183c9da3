// Renews the preview of an e-mail while it is written. Without it the Preview button does.
"use strict";

for (const form of document.querySelectorAll("form[data-preview]")) {
  const target = document.getElementById(form.dataset.preview);
  let timer;
  let latest = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      latest += 1;
      const number = latest;
      const answer = await fetch(form.dataset.previewUrl, { method: "POST", body: new FormData(form) })
        .catch(() => null);
      // A text that cannot be filled (a tag half written) keeps the last preview.
      if (answer && answer.ok && !answer.redirected) {
        const text = await answer.text();
        if (number === latest) target.innerHTML = text;
      }
    }, 400);
  });
}
