// The public pages without WeChat work without this file. It adds: one step at a time, a draft kept on this device,
// uploads one by one with progress, the proposal of the district in place, copying and printing, and the text size.
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
      byId("copied").textContent = "已复制，请粘贴到备忘录或发给家人保存。";
    } catch {
      getSelection().selectAllChildren(codes);
      byId("copied").textContent = "已选中号码，请长按复制。";
    }
  });

  const form = byId("statement");
  if (!form) return;

  // Draft on this device. Who reports is never part of it.
  const isKept = (field) => field.name && !["hidden", "file", "submit"].includes(field.type)
    && !("notKept" in field.dataset) && !field.name.startsWith("reporter.") && field.name !== "truthful";
  const saveDraft = () => {
    const values = [...form.elements].filter(isKept).filter((f) => !["radio", "checkbox"].includes(f.type) || f.checked)
      .map((f) => [f.name, f.value]).filter(([, value]) => value);
    store.set(DRAFT, JSON.stringify({ id: form.elements.client_request_id.value, values }));
  };
  const restoreDraft = () => {
    let draft = null;
    try { draft = JSON.parse(store.get(DRAFT) ?? "null"); } catch { store.remove(DRAFT); }
    if (!draft?.values?.some(([name]) => name !== "subject.kind" && name !== "naming")) return;
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
  if (form.dataset.fresh === "yes") restoreDraft();
  form.addEventListener("input", saveDraft);
  form.addEventListener("change", saveDraft);
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
    byId("step-told").textContent = `第 ${at + 1} 步，共 ${steps.length} 步`;
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
      line(found.lead ? `建议由${found.names[found.lead]}办理` : "暂时看不出由哪里办理", "strong");
      line(found.explanation || "没有关系，请直接提交，我们会查清后交办。");
    } catch {
      line("暂时查不到，没有关系，请继续填写，我们会查清后交办。");
    }
  });

  // Files go one by one, while the rest is being written.
  const chooser = byId("file");
  const list = byId("files");
  let running = 0;
  const submit = byId("submit");
  const count = () => form.querySelectorAll("input[name=evidence]").length + running;
  const entry = (name) => {
    const item = document.createElement("li");
    const label = item.appendChild(document.createElement("span"));
    label.textContent = name;
    const state = item.appendChild(document.createElement("em"));
    const bar = item.appendChild(document.createElement("progress"));
    bar.max = 100;
    bar.value = 0;
    bar.setAttribute("aria-label", `上传 ${name}`);
    list.append(item);
    return { item, state, bar };
  };
  const addRemove = (item, field) => {
    const remove = item.appendChild(document.createElement("button"));
    remove.type = "button";
    remove.className = "plain";
    remove.textContent = "移除";
    remove.addEventListener("click", () => { field?.remove(); item.remove(); chooser.focus(); });
  };
  const uploaded = (shown, id) => {
    const field = form.appendChild(document.createElement("input"));
    field.type = "hidden";
    field.name = "evidence";
    field.value = id;
    shown.state.textContent = "已上传";
    addRemove(shown.item, field);
  };
  const failed = (shown, text) => {
    shown.item.classList.add("failed");
    shown.state.textContent = text;
    addRemove(shown.item, null);
  };
  const problemText = (answer) => {
    try {
      const told = JSON.parse(answer);
      return told.detail || Object.values(told.errors ?? {}).flat().join("；") || told.title;
    } catch { return "没有传上去，请稍后再试"; }
  };
  const send = (file) => new Promise((done) => {
    const shown = entry(file.name);
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, file.name);
    const end = () => { shown.bar.remove(); done(); };
    request.open("POST", chooser.dataset.upload);
    request.upload.addEventListener("progress", (event) => { shown.bar.value = 100 * event.loaded / event.total; });
    request.addEventListener("load", () => {
      end();
      if (request.status === 201) uploaded(shown, JSON.parse(request.responseText).id);
      else failed(shown, problemText(request.responseText));
    });
    request.addEventListener("error", () => { end(); failed(shown, "网络中断，没有传上去，请移除后重新选择"); });
    request.send(body);
  });
  chooser.addEventListener("change", async () => {
    const chosen = [...chooser.files].slice(0, Math.max(0, Number(chooser.dataset.most) - count()));
    const left = chooser.files.length - chosen.length;
    chooser.value = "";
    running += chosen.length;
    submit.disabled = running > 0;
    for (const file of chosen) {
      await send(file);
      running -= 1;
    }
    submit.disabled = running > 0;
    if (left > 0) failed(entry(`另有 ${left} 个文件`), `最多 ${chooser.dataset.most} 个文件`);
  });
  for (const item of list.children) {
    addRemove(item, form.querySelector(`input[name=evidence][value="${item.dataset.file}"]`));
  }
  form.addEventListener("submit", () => { chooser.disabled = true; submit.disabled = true; submit.textContent = "正在提交…"; });
  addEventListener("pageshow", () => { chooser.disabled = false; submit.disabled = running > 0; submit.textContent = "提交举报"; });
})();
