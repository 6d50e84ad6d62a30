// The idle clock. Typing counts as being there, so the server is told now and then; before the time is up a dialog asks.
// When it is up, the page leaves the screen: drafts.js keeps long texts of marked forms, and the sign-in leads back. A form
// that is not marked (it may hold a reporter's identity) is kept nowhere: it stays behind a cover until the same person
// has signed in again beside it.
"use strict";

(() => {
  const { idle, account } = document.body.dataset;
  const limit = Number(idle) * 1000;
  const dialog = document.getElementById("idle-dialog");
  if (!limit || !dialog) return;
  const HEARD = "shudi-heard"; // when any tab of this browser last heard of the server
  const WARNING = Math.min(120000, limit / 3);
  const TOLD_EVERY = Math.min(60000, limit / 5);
  const told = dialog.querySelector("[data-idle-text]");
  let worked = 0;
  let unsaved = false;

  const heard = () => Number(localStorage.getItem(HEARD));
  const hear = () => localStorage.setItem(HEARD, String(Date.now()));

  async function ask() {
    const answer = await fetch(dialog.dataset.alive, { redirect: "manual" }).catch(() => null);
    if (!answer) return;
    if (!answer.ok) return leave();
    const now = await answer.json();
    if (now.account !== account) return location.reload();
    document.querySelector("meta[name=csrf-token]").content = now.token;
    document.querySelectorAll("input[name=csrf_token]").forEach((input) => { input.value = now.token; });
    hear();
    show("");
  }

  function show(state, text = "") {
    dialog.dataset.state = state;
    told.textContent = text;
    if (state && !dialog.open) dialog.showModal();
    if (!state && dialog.open) dialog.close();
  }

  function leave() {
    if (unsaved) return show("over", "本页填写的内容仍在。请重新登录，然后回到本页继续。");
    location.assign(`${dialog.dataset.signIn}?next=${encodeURIComponent(location.pathname + location.search)}`);
  }

  function tick() {
    const quiet = Date.now() - heard();
    if (dialog.dataset.state === "over") return;
    if (quiet >= limit) return leave();
    if (worked > heard() && quiet > TOLD_EVERY && Date.now() - worked < 2 * TOLD_EVERY) return ask();
    if (quiet < limit - WARNING) return show("");
    show("warning", `您已有一段时间没有操作，${Math.ceil((limit - quiet) / 1000)} 秒后将自动退出登录。`);
  }

  hear();
  document.addEventListener("htmx:afterOnLoad", hear);
  for (const sign of ["keydown", "pointerdown", "input"]) {
    document.addEventListener(sign, () => { worked = Date.now(); }, { capture: true, passive: true });
  }
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.method === "post" && !form.matches("[data-draft]")) unsaved = true;
  });
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-idle-stay]")) ask();
  });
  window.addEventListener("focus", () => {
    if (dialog.dataset.state === "over") ask();
  });
  setInterval(tick, 1000);
})();
