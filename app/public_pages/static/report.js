// The public pages without WeChat work without this file. It adds: one step at a time, a draft kept on this device,
// the proposal of the district in place, copying and printing, and the text size. Uploads are in uploads.js.
"use strict";

(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const store = {
    get(key) { try { return localStorage.getItem(key); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, value); } catch { /* private mode keeps nothing */ } },
    remove(key) { try { localStorage.removeItem(key); } catch { /* the same */ } },
  };
  const DRAFT = "shudi-draft";
  const SIZE = "shudi-size";

  const words = shudiWords;
  const say = shudiSay;

  root.classList.add("js");
  for (const element of document.querySelectorAll("button.js-only")) element.hidden = false;
  const problem = byId("problem");
  if (problem) problem.focus();

  // Text size: the link works by itself; here the page keeps what is typed.
  const showSize = (size) => {
    if (size) root.dataset.view = size; else delete root.dataset.view;
    for (const link of document.querySelectorAll("[data-size]")) {
      if (link.dataset.size === size) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
  };
  const kept = store.get(SIZE);
  if (kept !== null && !location.search.includes("view=")) showSize(kept);
  for (const link of document.querySelectorAll("[data-size]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      store.set(SIZE, link.dataset.size);
      showSize(link.dataset.size);
    });
  }

  // Receipt: copy, print, and the draft has done its work.
  if (document.querySelector("[data-page=receipt]")) store.remove(DRAFT);
  byId("print")?.addEventListener("click", () => print());
  byId("copy")?.addEventListener("click", async () => {
    const codes = byId("codes");
    try {
      await navigator.clipboard.writeText(codes.dataset.copy);
      byId("copied").textContent = say("copied");
    } catch {
      getSelection().selectAllChildren(codes);
      byId("copied").textContent = say("selected");
    }
  });

  const supplement = byId("supplement");
  if (supplement) shudiUploads(supplement, byId("file"), byId("files"), supplement.querySelector("button.primary"), () => {});
  const form = byId("statement");
  if (!form) return;

  // Draft on this device. Who reports is never part of it.
  const isKept = (field) => field.name && !["hidden", "file", "submit"].includes(field.type)
    && !("notKept" in field.dataset) && !field.name.startsWith("reporter.") && field.name !== "truthful";
  const saveDraft = () => {
    const values = [...form.elements].filter(isKept).filter((f) => !["radio", "checkbox"].includes(f.type) || f.checked)
      .map((f) => [f.name, f.value]).filter(([, value]) => value);
    store.set(DRAFT, JSON.stringify({ id: form.elements.client_request_id.value, values, files: uploads.kept() }));
  };
  const restoreDraft = () => {
    let draft = null;
    try { draft = JSON.parse(store.get(DRAFT) ?? "null"); } catch { store.remove(DRAFT); }
    if (!draft?.values?.some(([name]) => name !== "subject.kind" && name !== "naming") && !draft?.files?.length) return;
    uploads.restore(draft.files ?? []);
    form.elements.client_request_id.value = draft.id;
    for (const field of [...form.elements].filter(isKept)) {
      const found = draft.values.filter(([name]) => name === field.name).map(([, value]) => value);
      if (["radio", "checkbox"].includes(field.type)) field.checked = found.includes(field.value);
      else field.value = found[0] ?? "";
      const more = field.closest("details");
      if (more && field.value && field.type !== "radio") more.open = true;
    }
    byId("draft-note").hidden = false;
  };
  byId("draft-clear").addEventListener("click", () => { store.remove(DRAFT); location.assign(location.pathname + location.search); });

  // The fields of a named reporter show when they are wanted.
  const named = byId("named");
  const showNamed = () => { named.hidden = form.elements.naming.value !== "named"; };
  form.addEventListener("change", showNamed);
  showNamed();

  // One step at a time.
  const steps = [...form.querySelectorAll(".step")];
  const marks = [...document.querySelectorAll(".progress li")];
  let at = 0;
  const show = (wanted, focus) => {
    at = Math.max(0, Math.min(wanted, steps.length - 1));
    steps.forEach((step, index) => { step.hidden = index !== at; });
    marks.forEach((mark, index) => {
      mark.classList.toggle("done", index < at);
      if (index === at) mark.firstElementChild.setAttribute("aria-current", "step");
      else mark.firstElementChild.removeAttribute("aria-current");
    });
    byId("back").hidden = at === 0;
    byId("forward").hidden = at === steps.length - 1;
    byId("submit").hidden = at !== steps.length - 1;
    if (!focus) return;
    byId("step-told").textContent = say("step", at + 1, steps.length);
    steps[at].focus({ preventScroll: true });
    document.querySelector(".progress").scrollIntoView({ block: "start" });
  };
  byId("back").addEventListener("click", () => show(at - 1, true));
  byId("forward").addEventListener("click", () => show(at + 1, true));
  marks.forEach((mark, index) => mark.firstElementChild.addEventListener("click", (event) => {
    event.preventDefault();
    show(index, true);
  }));
  const stepOf = (element) => steps.findIndex((step) => step.contains(element));
  const firstWrong = form.querySelector(".wrong");
  show(firstWrong ? stepOf(firstWrong) : Number(form.dataset.at || 1) - 1, false);
  for (const link of document.querySelectorAll(".alert a[href^='#']")) {
    link.addEventListener("click", (event) => {
      const field = byId(link.getAttribute("href").slice(1));
      if (!field) return;
      event.preventDefault();
      show(stepOf(field), false);
      (field.matches("input, select, textarea") ? field : field.querySelector("input") ?? field).focus();
    });
  }
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input") || at === steps.length - 1) return;
    event.preventDefault();
    show(at + 1, true);
  });

  // A crowd waits: the form is sent again by itself, with the ticket that the refusal brought.
  const wait = Number(form.elements.proof?.dataset.wait ?? 0);
  if (wait) {
    byId("problem").querySelector("p").textContent = say("busy", wait);
    setTimeout(() => form.requestSubmit(byId("submit")), 1000 * wait + 500);
  }

  // Companies of the public register, while the name is being typed; whoever chooses one need not know its code.
  const name = form.elements["subject.name"];
  const code = form.elements["subject.uscc"];
  const companies = byId("companies");
  let typing = 0;
  let offered = [];
  name.addEventListener("input", () => {
    clearTimeout(typing);
    const chosen = offered.find((one) => one.name === name.value);
    if (chosen) {
      if (chosen.uscc) { code.value = chosen.uscc; code.dataset.filled = chosen.uscc; code.closest("details").open = true; }
      saveDraft();
      return;
    }
    if (code.dataset.filled && code.value === code.dataset.filled) code.value = ""; // it was another company's
    if (name.value.trim().length < 2) return;
    typing = setTimeout(async () => {
      try {
        const answer = await fetch(`${companies.dataset.ask}?q=${encodeURIComponent(name.value.trim())}`, { credentials: "omit" });
        if (!answer.ok) return;
        offered = (await answer.json()).items;
        companies.replaceChildren(...offered.map((one) => {
          const option = document.createElement("option");
          option.value = one.name;
          option.label = [one.district_name, one.uscc].filter(Boolean).join(" · ");
          return option;
        }));
        if (!steps[at].contains(name)) return; // whoever went on hears where they are
        byId("step-told").textContent = offered.length ? say("companies", offered.length) : "";
      } catch { /* a name that is not offered is as good */ }
    }, 350);
  });

  // The proposal of the district, in place.
  const value = (name) => form.elements[name].value.trim() || null;
  byId("preview-button").addEventListener("click", async (event) => {
    event.preventDefault();
    const target = byId("preview");
    target.replaceChildren();
    const line = (text, tag) => {
      const paragraph = document.createElement("p");
      const inner = tag ? paragraph.appendChild(document.createElement(tag)) : paragraph;
      inner.textContent = text;
      target.append(paragraph);
    };
    try {
      const answer = await fetch("/api/v1/jurisdiction/preview", {
        method: "POST", headers: { "Content-Type": "application/json" }, credentials: "omit",
        body: JSON.stringify({
          subject_kind: value("subject.kind") ?? "unknown", name: value("subject.name"), uscc: value("subject.uscc"),
          registered_address: value("subject.registered_address"), operating_address: value("subject.operating_address"),
        }),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      line(found.lead ? say("lead", found.names[found.lead]) : say("noLead"), "strong");
      line(words.rules ? (found.lead && words.rules[found.rule]) || say("noReason") : found.explanation || say("noReason"));
    } catch {
      line(say("noAnswer"));
    }
  });

  // Files go one by one, while the rest is being written.
  const submit = byId("submit");
  const uploads = shudiUploads(form, byId("file"), byId("files"), submit, saveDraft);
  if (form.dataset.fresh === "yes") restoreDraft();
  form.addEventListener("input", saveDraft);
  form.addEventListener("change", saveDraft);
  form.addEventListener("submit", () => { submit.disabled = true; submit.textContent = say("submitting"); });
  addEventListener("pageshow", () => { submit.disabled = uploads.running(); submit.textContent = say("submit"); });
})();
