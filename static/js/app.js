// Small conveniences. Every page works without them.
"use strict";

// A link or button with data-dialog="id" opens that dialog; without a script the link is followed.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const dialog = document.getElementById(opener.dataset.dialog);
  if (!dialog || !dialog.showModal) return;
  event.preventDefault();
  dialog.showModal();
});

// A click on the backdrop closes the dialog.
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

// [data-copy="id"] copies the value of that control and says so.
for (const copy of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const label = copy.querySelector("[data-copy-label]");
    const before = label.textContent;
    await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).value);
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = before; }, 2000);
  });
}

// The bar of a bulk form appears with the first choice and counts; [data-choose-all] chooses the page.
for (const bar of document.querySelectorAll("[data-bulk]")) {
  const boxes = [...document.querySelectorAll(`input[type=checkbox][form="${bar.dataset.bulk}"]`)]
    .filter((box) => !box.hasAttribute("data-choose-all"));
  const choosers = document.querySelectorAll(`[data-choose-all="${bar.dataset.bulk}"]`);
  const update = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    bar.hidden = chosen === 0;
    bar.querySelector("[data-count]").textContent = `${chosen} chosen`;
    for (const chooser of choosers) {
      chooser.hidden = false;
      if (chooser.type === "checkbox") {
        chooser.checked = boxes.length > 0 && chosen === boxes.length;
        chooser.indeterminate = chosen > 0 && chosen < boxes.length;
      }
    }
  };
  for (const box of boxes) box.addEventListener("change", update);
  for (const chooser of choosers) {
    chooser.addEventListener("click", () => {
      const on = chooser.type === "checkbox" ? chooser.checked : true;
      for (const box of boxes) box.checked = on;
      update();
    });
  }
  update();
}

// A refused form is read from its summary on.
document.querySelector("[data-focus]")?.focus();
