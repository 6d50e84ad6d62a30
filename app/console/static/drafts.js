// Long texts survive what happens to a page: an expired session, a closed lid, a wrong click. They stay in this tab alone,
// for this person alone, and are forgotten when the form is sent or the person signs out. Only forms marked with
// data-draft take part: none of them holds anything of a reporter's identity.
"use strict";

(() => {
  const SENT = "drafts-sent";
  const account = document.body.dataset.account;
  const areas = () => [...document.querySelectorAll("form[data-draft] textarea")];
  const numberOf = (area) => [...area.form.querySelectorAll("textarea")].indexOf(area);
  const keyOf = (area) => `draft|${account}|${location.pathname}|${area.form.dataset.draft}|${area.name}|${numberOf(area)}`;

  function note(area) {
    const told = document.createElement("p");
    told.className = "draft-note";
    told.setAttribute("role", "status");
    told.append("已恢复您上次未提交的内容。");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-link";
    button.textContent = "清除";
    button.addEventListener("click", () => {
      area.value = area.defaultValue;
      sessionStorage.removeItem(keyOf(area));
      told.remove();
      area.focus();
    });
    told.append(button);
    area.after(told);
  }

  function restore() {
    for (const area of areas()) {
      const kept = sessionStorage.getItem(keyOf(area));
      if (!kept || kept === area.value) continue;
      area.value = kept;
      area.dispatchEvent(new Event("input", { bubbles: true }));
      const action = area.closest("details.action");
      if (action) action.open = true;
      note(area);
    }
  }

  if (!account) return;
  document.addEventListener("input", (event) => {
    const area = event.target;
    if (!area.matches("form[data-draft] textarea")) return;
    if (area.value.trim()) sessionStorage.setItem(keyOf(area), area.value);
    else sessionStorage.removeItem(keyOf(area));
  });
  // What was sent is forgotten once a page says that it is done; a refusal or a sign-in in between leaves it.
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-forget]")) sessionStorage.clear();
    if (event.target.dataset.sent !== "yes") return;
    const sent = areas().filter((area) => area.form === event.target).map(keyOf);
    sessionStorage.setItem(SENT, JSON.stringify(sent));
  });

  if (document.querySelector(".toast-success")) {
    JSON.parse(sessionStorage.getItem(SENT) || "[]").forEach((key) => sessionStorage.removeItem(key));
  }
  sessionStorage.removeItem(SENT);
  restore();
})();
