// What every page of the console does. No inline handlers anywhere: behaviour hangs on data- attributes.
"use strict";

const YEAR = 31536000;
const root = document.documentElement;
const byId = (id) => document.getElementById(id);

// The server reads both cookies and renders the page in the wanted look, so nothing flashes while loading.
function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
}

function toggleLook(button, attribute, cookie, on, off) {
  const value = root.getAttribute(attribute) === on ? off : on;
  root.setAttribute(attribute, value);
  button.setAttribute("aria-pressed", String(value === on));
  remember(cookie, value);
}

function toggleSidebar(open) {
  document.body.classList.toggle("sidebar-open", open);
  document.querySelector("[data-sidebar-toggle]")?.setAttribute("aria-expanded", String(open));
}

function showToast(text, tone = "info") {
  const toast = byId("toast-template").content.firstElementChild.cloneNode(true);
  toast.classList.add(`toast-${tone}`);
  toast.querySelector("[data-toast-text]").textContent = text;
  byId("toasts").append(toast);
  leaveByItself(toast);
}

// Good news goes by itself; what needs attention stays until it is closed.
function leaveByItself(toast) {
  if (toast.matches(".toast-success:not([data-stays]), .toast-info")) setTimeout(() => toast.remove(), 8000);
}

// A form with data-confirm asks first; any form is sent once only, however often the button is pressed.
function guardSubmit(event) {
  const form = event.target;
  if (form.dataset.confirm && form.dataset.confirmed !== "yes") {
    event.preventDefault();
    askToConfirm(form, event.submitter);
    return;
  }
  if (form.dataset.sent === "yes") {
    event.preventDefault();
    return;
  }
  if (form.method === "post") {
    form.dataset.sent = "yes";
    if (form.matches("[data-again]")) setTimeout(() => { releaseForms(); form.closest("dialog")?.close(); }, 1500); // a file comes, the page stays
    form.querySelectorAll("button[type=submit]").forEach((button) => button.setAttribute("aria-busy", "true"));
  }
}

function askToConfirm(form, submitter) {
  const dialog = byId("confirm-dialog");
  dialog.querySelector("[data-confirm-text]").textContent = form.dataset.confirm;
  dialog.querySelector("[data-confirm-yes]").textContent = submitter?.textContent.trim() || "确认办理";
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter);
  }, { once: true });
  dialog.showModal();
}

function releaseForms() {
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    delete form.dataset.confirmed;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });
}

function fileSize(bytes) {
  return bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

function listChosenFiles(input) {
  const list = input.closest("[data-file-field]").querySelector("[data-file-list]");
  const limit = Number(input.dataset.maxBytes || Infinity);
  const files = [...input.files];
  list.replaceChildren(...files.map((file) => {
    const item = document.createElement("li");
    item.textContent = `${file.name}（${fileSize(file.size)}）`;
    return item;
  }));
  const tooLarge = files.find((file) => file.size > limit);
  input.setCustomValidity(tooLarge ? `“${tooLarge.name}”超过 ${fileSize(limit)}，请压缩后再上传` : "");
  input.reportValidity();
}

function countCharacters(area) {
  const counter = area.closest(".field")?.querySelector("[data-counter]");
  if (counter) counter.textContent = `${[...area.value].length} / ${area.maxLength}`;
}

// Which columns of a list are shown is remembered by this browser; the server writes the list accordingly.
function chooseColumns() {
  const hidden = [...document.querySelectorAll("[data-column]:not(:checked)")].map((box) => box.dataset.column);
  byId("results").dataset.hide = hidden.join(" ");
  remember("shudi_columns", hidden.join("."));
}

function countPicked() {
  const told = document.querySelector("[data-picked]");
  if (told) told.textContent = `已勾选 ${document.querySelectorAll("input[form=bulk]:checked").length} 件`;
}

function pickAll() {
  const boxes = [...document.querySelectorAll("input[form=bulk]")];
  const all = boxes.every((box) => box.checked);
  boxes.forEach((box) => { box.checked = !all; });
  countPicked();
}

// Looking at evidence: zoom and turn a picture; the pages of a PDF come one by one as pictures.
const look = { zoom: 0, turn: 0, page: 1, pages: 1 };

function showPicture() {
  const picture = document.querySelector("[data-picture]");
  const fit = picture.parentElement.clientWidth;
  picture.classList.toggle("is-zoomed", look.zoom !== 0);
  picture.style.width = look.zoom === 0 ? "" : `${Math.round(fit * 1.4 ** look.zoom)}px`;
  picture.style.transform = look.turn ? `rotate(${look.turn * 90}deg)` : "";
}

function zoom(button) {
  const by = Number(button.dataset.zoom);
  look.zoom = by === 0 ? 0 : Math.min(Math.max(look.zoom + by, -3), 6);
  showPicture();
}

async function openPage(by) {
  const viewer = document.querySelector("[data-pages]");
  const wanted = Math.min(Math.max(look.page + by, 1), look.pages);
  const told = viewer.querySelector("[data-page-told]");
  const answer = await fetch(viewer.dataset.pages.replace(/\d+$/, String(wanted)));
  if (!answer.ok) {
    told.textContent = "这一页无法显示，请下载原件查看";
    return;
  }
  look.page = wanted;
  look.pages = Number(answer.headers.get("X-Pages"));
  const picture = viewer.querySelector("[data-picture]");
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(await answer.blob());
  picture.alt = `第 ${look.page} 页`;
  told.textContent = `第 ${look.page} 页，共 ${look.pages} 页`;
  viewer.querySelector('[data-page="-1"]').disabled = look.page === 1;
  viewer.querySelector('[data-page="1"]').disabled = look.page === look.pages;
}

// A file dropped beside its box would replace the page, and with it what was typed.
function dropField(event) {
  return event.target.closest?.("[data-file-field]");
}

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  dropField(event)?.classList.add("is-over");
});
document.addEventListener("dragleave", (event) => dropField(event)?.classList.remove("is-over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const field = dropField(event);
  if (!event.dataTransfer?.files.length) return;
  if (!field) {
    showToast("文件没有上传。请把文件拖到表单的材料框内，或者点击材料框选择。", "warning");
    return;
  }
  field.classList.remove("is-over");
  const input = field.querySelector("input[type=file]");
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

const OPEN_MENUS = "details.menu[open], details.pop[open]";

const CLICKS = {
  "[data-theme-toggle]": (button) => toggleLook(button, "data-bs-theme", "shudi_theme", "dark", "light"),
  "[data-text-toggle]": (button) => toggleLook(button, "data-text", "shudi_text", "large", "normal"),
  "[data-sidebar-toggle]": () => toggleSidebar(!document.body.classList.contains("sidebar-open")),
  "[data-sidebar-close]": () => toggleSidebar(false),
  "[data-open-dialog]": (button) => byId(button.dataset.openDialog).showModal(),
  "[data-close-dialog]": (button) => button.closest("dialog").close(),
  "[data-dismiss]": (button) => button.closest("[data-dismissable]").remove(),
  "[data-print]": () => window.print(),
  "[data-pick-all]": pickAll,
  "[data-zoom]": zoom,
  "[data-turn]": () => { look.turn = (look.turn + 1) % 4; showPicture(); },
  "[data-page]": (button) => openPage(Number(button.dataset.page)),
};

document.addEventListener("click", (event) => {
  for (const [selector, act] of Object.entries(CLICKS)) {
    const hit = event.target.closest(selector);
    if (hit) act(hit);
  }
  document.querySelectorAll(OPEN_MENUS).forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  toggleSidebar(false);
  document.querySelectorAll(OPEN_MENUS).forEach((menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  });
});

document.addEventListener("submit", guardSubmit);
document.addEventListener("input", (event) => {
  if (event.target.matches("textarea[maxlength]")) countCharacters(event.target);
});
document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=file]")) listChosenFiles(event.target);
  if (event.target.matches("[data-column]")) chooseColumns();
  if (event.target.matches("input[form=bulk]")) countPicked();
});
window.addEventListener("pageshow", releaseForms);

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
});
// A link made of filters names only those that are set.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches("[data-clean]")) return;
  const given = event.detail.parameters;
  for (const [name, value] of [...Object.entries(given)]) {
    if (value === "" || (name === "order" && value === "newest")) delete given[name];
  }
});
document.addEventListener("htmx:afterSwap", countPicked);
document.addEventListener("htmx:sendError", () => showToast("网络不通，请检查连接后重试。", "danger"));
document.addEventListener("htmx:responseError", (event) => {
  const expired = event.detail.xhr.status === 401;
  showToast(expired ? "登录已失效，请重新登录。" : "没有办成，请刷新页面后重试。", "danger");
});
document.addEventListener("toast", (event) => showToast(event.detail.text, event.detail.tone));

document.querySelectorAll(".notice-toast").forEach(leaveByItself);
if (document.querySelector("[data-pages]")) openPage(0);
