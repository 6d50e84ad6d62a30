// Files of a form go up one by one while the rest is being written: small ones in one piece, larger ones in parts, which
// a broken network or a reloaded page only delays. Without this file the form sends its files itself.
"use strict";

// The words of this page's language; {0}, {1} … are filled here.
const shudiWords = JSON.parse(document.body.dataset.words);
const shudiSay = (name, ...values) => shudiWords[name].replace(/\{(\d)\}/g, (_, index) => values[index]);

const shudiUploads = (form, chooser, list, submit, changed) => {
  const say = shudiSay;
  const KEPT_FOR = 20 * 3600 * 1000; // the server keeps an unused upload for 24 hours
  const IN_ONE_PIECE = 1024 * 1024;
  const PATIENCE = 8;
  const store = {
    get() { try { return JSON.parse(localStorage.getItem("shudi-uploads")) ?? {}; } catch { return {}; } },
    set(value) { try { localStorage.setItem("shudi-uploads", JSON.stringify(value)); } catch { /* private mode */ } },
  };
  let running = 0;
  const fields = () => [...form.querySelectorAll("input[name=evidence]")];
  const settle = () => { submit.disabled = running > 0; };

  // The list of files.
  const entry = (name) => {
    const item = document.createElement("li");
    item.appendChild(document.createElement("span")).textContent = name;
    const state = item.appendChild(document.createElement("em"));
    const bar = item.appendChild(document.createElement("progress"));
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", say("uploading", name));
    list.append(item);
    return { item, state, bar };
  };
  const addRemove = (item, field) => {
    const remove = item.appendChild(document.createElement("button"));
    remove.type = "button";
    remove.className = "plain";
    remove.textContent = say("remove");
    remove.addEventListener("click", () => { field?.remove(); item.remove(); changed(); chooser.focus(); });
  };
  const uploaded = (shown, id, at) => {
    const field = form.appendChild(document.createElement("input"));
    field.type = "hidden";
    field.name = "evidence";
    field.value = id;
    field.dataset.at = at;
    shown.bar.remove();
    shown.state.textContent = say("uploaded");
    addRemove(shown.item, field);
    changed();
  };
  const failed = (shown, text) => {
    shown.bar.remove();
    shown.item.classList.add("failed");
    shown.state.textContent = text;
    addRemove(shown.item, null);
  };

  // What a crowd is asked: a small work, or, where this browser cannot compute it, a little patience.
  const workFor = async ({ challenge, difficulty_bits: bits }) => {
    for (let number = 0; ; number += 1) {
      const proof = `${challenge}.${number}`;
      const hash = new DataView(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(proof)));
      if (hash.getUint32(0) >>> (32 - bits) === 0) return proof;
    }
  };
  const proofFor = async (answer, shown) => {
    if (globalThis.crypto?.subtle) return workFor(answer);
    shown.state.textContent = say("busy", answer.wait_seconds);
    await new Promise((done) => setTimeout(done, 1000 * answer.wait_seconds + 500));
    return answer.waiting_ticket;
  };

  // One request: its status and answer; no status at all where the network broke.
  const ask = (method, path, body, type, progress, proof) => new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open(method, chooser.dataset.upload + path);
    if (type) request.setRequestHeader("Content-Type", type);
    if (proof) request.setRequestHeader("X-Proof-Of-Work", proof);
    if (progress) request.upload.addEventListener("progress", (event) => progress(event.loaded));
    const end = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* a gateway's own page */ }
      done({ status: request.status, answer });
    };
    for (const event of ["load", "error", "timeout", "abort"]) request.addEventListener(event, end);
    request.timeout = 120000;
    request.send(body);
  });
  const reason = ({ status, answer }) => {
    if (!status) return say("interrupted");
    return answer.detail || Object.values(answer.errors ?? {}).flat().join("；") || answer.title || say("notSent");
  };
  const isPassing = ({ status }) => !status || status === 429 || status >= 500;
  const pause = (attempt) => new Promise((done) => {
    const timer = setTimeout(done, Math.min(30000, 500 * 2 ** attempt));
    addEventListener("online", () => { clearTimeout(timer); done(); }, { once: true });
  });
  // Again and again while only the network or the server is in the way.
  const insist = async (shown, method, path, body, type, progress) => {
    for (let attempt = 0; ; attempt += 1) {
      let got = await ask(method, path, body, type, progress);
      if (got.answer.challenge) got = await ask(method, path, body, type, progress, await proofFor(got.answer, shown));
      if (!isPassing(got) || attempt === PATIENCE) return got;
      shown.state.textContent = say("waiting");
      await pause(attempt);
      shown.state.textContent = "";
    }
  };

  const whole = async (file, shown) => {
    const body = new FormData();
    body.append("file", file, file.name);
    return insist(shown, "POST", "", body, null, (loaded) => { shown.bar.value = loaded / file.size; });
  };

  // In parts. What was begun is remembered by a mark of the file, so that choosing it again goes on.
  const markOf = (file) => {
    let hash = 2166136261;
    for (const letter of file.name) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619) >>> 0;
    return `${file.size}-${file.lastModified}-${hash}`;
  };
  const remember = (mark, id) => {
    const known = Object.fromEntries(Object.entries(store.get()).filter(([, one]) => one.at > Date.now() - KEPT_FOR));
    if (id) known[mark] = { id, at: Date.now() }; else delete known[mark];
    store.set(known);
  };
  const begun = async (file, shown, mark) => {
    const known = store.get()[mark];
    if (known) {
      const got = await insist(shown, "GET", `/partial/${known.id}`);
      if (got.status === 200) return got;
      remember(mark, null);
    }
    const said = JSON.stringify({ size: file.size, name: file.name, type: file.type });
    const got = await insist(shown, "POST", "/partial", said, "application/json");
    if (got.status === 201) remember(mark, got.answer.id);
    return got;
  };
  const inParts = async (file, shown) => {
    const mark = markOf(file);
    const start = await begun(file, shown, mark);
    if (!start.answer.id) return start;
    const path = `/partial/${start.answer.id}`;
    let at = start.answer.received;
    while (at < file.size) {
      const from = at;
      const part = file.slice(from, from + start.answer.part_bytes);
      const got = await insist(shown, "PUT", `${path}?at=${from}`, part, "application/octet-stream",
        (loaded) => { shown.bar.value = (from + loaded) / file.size; });
      if (typeof got.answer.received !== "number") { remember(mark, null); return got; }
      at = got.answer.received;
      shown.bar.value = at / file.size;
    }
    shown.state.textContent = say("checking");
    const end = await insist(shown, "POST", `${path}/complete`);
    remember(mark, null);
    return end;
  };

  const send = async (file) => {
    const shown = entry(file.name);
    const got = await (file.size > IN_ONE_PIECE ? inParts : whole)(file, shown);
    if ([200, 201].includes(got.status) && got.answer.sha256) uploaded(shown, got.answer.id, Date.now());
    else failed(shown, reason(got));
  };
  chooser.addEventListener("change", async () => {
    const most = Number(chooser.dataset.most);
    const chosen = [...chooser.files].slice(0, Math.max(0, most - fields().length - running));
    const left = chooser.files.length - chosen.length;
    chooser.value = "";
    running += chosen.length;
    settle();
    for (const file of chosen) {
      await send(file);
      running -= 1;
    }
    settle();
    if (left > 0) failed(entry(say("more", left)), say("most", most));
  });
  for (const item of list.children) {
    addRemove(item, form.querySelector(`input[name=evidence][value="${item.dataset.file}"]`));
  }
  form.addEventListener("submit", () => { chooser.disabled = true; });
  addEventListener("pageshow", () => { chooser.disabled = false; settle(); });

  return {
    running: () => running > 0,
    kept: () => fields().filter((field) => field.dataset.at).map((field) => [field.value, Number(field.dataset.at)]),
    restore: (files) => {
      for (const [id, at] of files.filter((one) => one[1] > Date.now() - KEPT_FOR)) {
        uploaded(entry(say("file", fields().length + 1)), id, at);
      }
    },
  };
};
