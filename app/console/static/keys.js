// The keyboard: moving through a list, the command palette, and a page of help. Nothing here is reachable by keys alone.
"use strict";

(() => {
  const list = () => [...document.querySelectorAll("[data-row]")];
  const present = () => document.querySelector("[data-row].is-present");
  const palette = document.getElementById("palette");
  const opened = () => document.querySelector("dialog[open]");

  function step(by) {
    const rows = list();
    if (!rows.length) return;
    const at = rows.indexOf(present());
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    rows[at]?.classList.remove("is-present");
    next.classList.add("is-present");
    next.querySelector("a").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  function tick() {
    const box = present()?.querySelector("input[type=checkbox]");
    if (box) box.click();
  }

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    x: tick,
    o: () => present()?.querySelector("a").click(),
    n: () => document.querySelector("a[rel=next]")?.click(),
    "?": () => document.getElementById("keys-help")?.showModal(),
    "/": () => document.querySelector("[data-search]")?.focus(),
  };

  function openPalette() {
    const input = palette.querySelector("input");
    input.value = "";
    palette.showModal();
    input.dispatchEvent(new Event("palette"));
  }

  // In the palette the arrows move the choice; the words stay in the box.
  const options = () => [...palette.querySelectorAll("[role=option]")];

  function choose(option) {
    options().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
    palette.querySelector("input").setAttribute("aria-activedescendant", option?.id || "");
    option?.scrollIntoView({ block: "nearest" });
  }

  function inPalette(event) {
    const all = options();
    const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (all.length) choose(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
    } else if (event.key === "Enter" && all[at]) {
      event.preventDefault();
      all[at].querySelector("a").click();
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (palette && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (!opened()) openPalette();
      return;
    }
    if (palette?.open) return inPalette(event);
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (typing || opened() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    if (!row) return;
    present()?.classList.remove("is-present");
    row.classList.add("is-present");
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-palette]")) openPalette();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "palette-list") choose(options()[0]);
  });
})();
