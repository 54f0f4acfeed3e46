// The exam page: choose sealed test photos and a model, take the exam, look at what came of it.
// Law: test photos appear only in the result of an exam that was taken on them.
// @ts-check

import { api, ask, byId, el, interval, number, percent, runName, spokenIn, t, tell, toast } from "./mien.js";
import { confusion, gallery, share, shareTable } from "./figures.js";
import { Follower, whyNot } from "./follow.js";
import { onPulse } from "./pulse.js";
import { dropped, showRejects } from "./upload.js";

const BATCH = 25; // the server reads a request whole
/** @type {{models: any[], sets: any[], exams: any[], job: string | null, job_verb: string | null,
 *   own_folder: string, n_photos: number, pulse?: Record<string, string>}} */
let state = { models: [], sets: [], exams: [], job: null, job_verb: null, own_folder: "", n_photos: 0 };
/** What to do with the answer of the job that is followed. @type {(answer: any) => Promise<unknown>} */
let whenDone = async () => null;
/** @type {string | null} */
let chosenSet = null;
/** @type {Set<string>} */
const compared = new Set();

const address = (/** @type {string} */ set, /** @type {string} */ name, large = false) =>
  `/api/exam/photo/${set}?name=${encodeURIComponent(name)}${large ? "&large=true" : ""}`;

async function load() {
  state = await api("/api/exam");
  byId("exam").setAttribute("aria-busy", "false");
  if (!state.sets.some((set) => set.id === chosenSet)) {
    chosenSet = state.sets.find((set) => !set.trouble)?.id ?? null;
  }
  drawSets();
  drawModels();
  drawHistory();
  drawSeal();
}

function drawSets() {
  const rows = state.sets.map((set) => el("label", { class: "set" },
    el("input", { type: "radio", name: "set", value: set.id, disabled: Boolean(set.trouble),
      checked: set.id === chosenSet, onchange: () => { chosenSet = set.id; drawSeal(); } }),
    el("strong", null, set.name),
    el("span", { class: set.looks ? "badge warn" : "badge good" },
      set.looks ? t("exam.looks", { n: set.looks }) : t("exam.sealed")),
    el("span", { class: "facts small soft" }, set.trouble ?? t("exam.set_facts", {
      n: number(set.n),
      classes: Object.entries(set.classes).map(([label, n]) => `${label}\u00a0${n}`).join(", "),
    }))));
  byId("sets").replaceChildren(...(rows.length ? rows : [el("p", { class: "note" }, t("exam.no_sets"))]));
}

function drawModels() {
  const select = byId("model");
  const before = select.value;
  select.replaceChildren(...state.models.map((model, i) => el("option", { value: model.id },
    `${model.id}${i ? "" : ` · ${t("exam.latest")}`}`)));
  if (state.models.some((model) => model.id === before)) select.value = before;
  select.disabled = state.models.length === 0;
  if (select.disabled) select.replaceChildren(el("option", { value: "" }, t("exam.no_model")));
}

function drawSeal() {
  const set = state.sets.find((one) => one.id === chosenSet);
  const model = state.models.find((one) => one.id === byId("model").value);
  byId("take").disabled = !set || !model || Boolean(state.job);
  byId("progress").hidden = !state.job;
  const words = !model ? t("exam.train_first") : !set ? t("exam.choose_set")
    : set.looks ? t("exam.look_again", { n: set.looks + 1 }) : t("exam.first_look");
  byId("seal-note").replaceChildren(model ? words : el("a", { href: "/" }, words));
}

async function take() {
  const job = await api("/api/exam/take", { json: { set: chosenSet, run: byId("model").value } });
  follow(job.id, showTaken);
}

const showTaken = (/** @type {any} */ answer) => show(answer.exam);

const exams = new Follower(async (job) => {
  state.job = null;
  if (job.state === "done") await whenDone(job.answer);
  else toast(whyNot(job, t("exam.failed")), { bad: true });
  await load();
});

/** @param {string} id @param {(answer: any) => Promise<unknown>} done */
function follow(id, done) {
  whenDone = done; // a press that the pulse was quicker than still decides what is shown
  state.job = id;
  drawSeal();
  exams.follow(id);
}

/** @param {string} id @param {boolean} [jump] whether the user asked for it just now */
async function show(id, jump = true) {
  const exam = await api(`/api/exam/one/${id}`);
  const box = byId("result");
  box.replaceChildren(...parts(exam));
  box.hidden = false;
  if (!jump) return;
  box.scrollIntoView({ block: "start" });
  box.querySelector("h2")?.focus({ preventScroll: true });
}

/** @param {any} exam */
function parts(exam) {
  const { result } = exam;
  return [
    headline(exam),
    el("div", { class: "beside" },
      el("section", { class: "card stack" }, el("h3", null, t("exam.confusion")),
        el("p", { class: "small soft" }, t("exam.confusion_note")),
        confusion(result.confusion, (truth, answer, cell) => openCell(exam, truth, answer, cell)),
        el("div", { id: "cell-photos", "aria-live": "polite" })),
      el("section", { class: "card stack" }, el("h3", null, t("exam.by_class")),
        shareTable(t("exam.by_class_note"), t("exam.class"), result.per_class.map(
          (/** @type {any} */ one) => ({ label: one.label, n: one.n, correct: one.correct, estimate: one.recall }))),
        ...groupTables(result))),
    wrongPhotos(exam),
  ].filter(Boolean);
}

/** What the exam is called, its run's name whole. @param {any} exam */
function resultOf(exam) {
  const [before, after] = t("exam.result_of", { run: "\n", set: exam.set_name }).split("\n");
  return [before, runName(exam.run), after];
}

/** @param {any} exam */
function headline(exam) {
  const { result } = exam;
  const model = state.models.find((one) => one.id === exam.run);
  const marks = result.baselines.map((/** @type {any} */ one) => ({ value: one.accuracy,
    label: t(one.label ? "exam.majority" : "exam.chance", { share: percent(one.accuracy), label: one.label ?? "" }) }));
  const hidden = model?.validation;
  return el("section", { class: "card stack" },
    el("div", { class: "spread" },
      el("h2", { tabindex: "-1" }, ...resultOf(exam)),
      el("span", { class: "badge" }, t("exam.look", { n: exam.look }))),
    el("div", { class: "headline" },
      el("div", { class: "score number" }, percent(result.accuracy.value),
        el("small", null, t("exam.right_of", { k: number(result.correct), n: number(result.n) }))),
      el("div", { class: "stack tight" },
        share(result.accuracy, { correct: result.correct, n: result.n, large: true, marks }),
        el("div", { class: "legend small soft" }, ...marks.map((/** @type {any} */ mark) =>
          el("span", null, el("span", { class: "swatch", "aria-hidden": "true" }), mark.label))))),
    el("ul", { class: "sentences" }, ...result.sentences.map((/** @type {string} */ s) => el("li", { lang: spokenIn(s) }, s))),
    el("dl", { class: "facts-list small" },
      ...fact(t("exam.macro_f1"), words(result.macro_f1)),
      ...fact(t("exam.balanced"), words(result.balanced_accuracy)),
      ...(hidden?.accuracy != null
        ? fact(t("exam.hidden"), t("exam.hidden_value", { share: percent(hidden.accuracy), n: hidden.n })) : [])));
}

const words = (/** @type {any} */ one) => `${percent(one.value)} (${interval(one)})`;
const fact = (/** @type {string} */ name, /** @type {string} */ value) => [el("dt", null, name), el("dd", { class: "number" }, value)];

/** @param {any} result */
function groupTables(result) {
  const columns = [...new Set(result.per_group.map((/** @type {any} */ one) => one.column))];
  return columns.map((column) => {
    const rows = result.per_group.filter((/** @type {any} */ one) => one.column === column);
    const title = t("exam.by_group", { column: String(column) });
    // A table of persons with a handful of photos each would say nothing a hundred times.
    if (rows.length > 3 && rows.every((/** @type {any} */ one) => !one.accuracy)) {
      return el("p", { class: "small soft" }, t("exam.all_too_few", { title, n: rows.length }));
    }
    return shareTable(title, String(column), rows.map((/** @type {any} */ one) => ({
      label: one.value ?? t("exam.no_value"), n: one.n, correct: one.correct, estimate: one.accuracy })));
  });
}

/** @param {any} exam @param {any} photo */
function asPhoto(exam, photo) {
  const sure = photo.probs ? Math.max(...photo.probs) : null;
  return {
    small: address(exam.set, photo.path), large: address(exam.set, photo.path, true), name: photo.path,
    words: [el("strong", null, photo.label), " → ",
      photo.predicted ? `${photo.predicted} ${sure === null ? "" : percent(sure)}` : photo.reason],
  };
}

/** @param {any} exam @param {string} truth @param {string | null} answer @param {HTMLButtonElement} cell */
function openCell(exam, truth, answer, cell) {
  const open = cell.getAttribute("aria-pressed") === "true";
  for (const other of document.querySelectorAll(".confusion [aria-pressed]")) other.removeAttribute("aria-pressed");
  const box = byId("cell-photos");
  if (open) { box.replaceChildren(); return; }
  cell.setAttribute("aria-pressed", "true");
  const photos = exam.result.photos.filter((/** @type {any} */ one) => one.label === truth && one.predicted === answer);
  box.replaceChildren(
    el("p", { class: "small" }, t("figures.cell", { n: photos.length, truth, answer: answer ?? t("figures.no_answer") })),
    gallery(photos.map((/** @type {any} */ one) => asPhoto(exam, one))));
}

/** @param {any} exam */
function wrongPhotos(exam) {
  const of = new Map(exam.result.photos.map((/** @type {any} */ one) => [one.path, one]));
  const photos = exam.result.wrong.map((/** @type {string} */ path) => asPhoto(exam, of.get(path)));
  if (!photos.length) return null;
  return el("section", { class: "card stack" },
    el("h3", null, t("exam.wrong", { n: photos.length })),
    el("p", { class: "small soft" }, t("exam.wrong_note")), gallery(photos));
}

function drawHistory() {
  byId("history").hidden = state.exams.length === 0;
  byId("what").hidden = state.exams.length > 0;
  const row = (/** @type {any} */ exam) => el("tr", null,
    el("td", null, el("input", { type: "checkbox", value: exam.id, checked: compared.has(exam.id),
      "aria-label": t("exam.compare_this", { run: exam.run }), onchange: choose })),
    el("td", null, el("button", { type: "button", class: "inline", "aria-label": t("exam.open", { run: exam.run }),
      onclick: () => show(exam.id).catch(tell) }, runName(exam.run)), el("div", { class: "small soft" }, `${exam.set_name} · `,
      new Date(exam.time).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }))),
    el("td", null, share(exam.accuracy, { correct: exam.correct, n: exam.n })));
  byId("history-table").replaceChildren(el("table", null,
    el("caption", null, t("exam.history_note")),
    el("thead", null, el("tr", null, ...["compare", "model", "score"].map((key) =>
      el("th", { scope: "col" }, t(`exam.column_${key}`))))),
    el("tbody", null, ...state.exams.map(row))));
}

/** @param {Event} event */
async function choose(event) {
  const box = /** @type {HTMLInputElement} */ (event.target);
  if (box.checked) compared.add(box.value); else compared.delete(box.value);
  if (compared.size > 2) {
    const [first] = compared;
    compared.delete(first);
    const other = document.querySelector(`#history-table input[value="${first}"]`);
    if (other instanceof HTMLInputElement) other.checked = false;
  }
  const target = byId("comparison");
  target.replaceChildren();
  if (compared.size < 2) return;
  const [b, a] = [...compared].sort();
  try {
    const result = await api("/api/exam/compare", { json: { a, b } });
    target.replaceChildren(el("div", { class: "note", role: "status" },
      el("strong", null, t("exam.verdict")), " ", el("span", { lang: spokenIn(result.verdict) }, result.verdict),
      el("p", { class: "small" }, t("exam.verdict_facts", { both: result.both, only_a: result.only_a,
        only_b: result.only_b, neither: result.neither }))));
  } catch (error) { tell(error); }
}

/** @param {{file: File, path: string}[]} found */
async function upload(found) {
  const wanted = found.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
  let stored = 0;
  /** @type {{path: string, reason: string}[]} */
  const rejects = [];
  for (let start = 0; start < wanted.length; start += BATCH) {
    const body = new FormData();
    for (const { file, path } of wanted.slice(start, start + BATCH)) {
      body.append("files", file, "photo");
      body.append("paths", path);
    }
    const answer = await api("/api/exam/photos", { body });
    stored += answer.n_stored;
    rejects.push(...answer.rejects);
  }
  const words = [t("exam.stored", { n: number(stored) })];
  if (rejects.length) words.push(t("collect.rejected", { n: number(rejects.length) }));
  toast(words.join(" · "), rejects.length
    ? { action: t("collect.show_rejects"), onAction: () => showRejects(rejects, rejects.length), seconds: 15 } : {});
  await load();
}

/** A question with one field; gives null when it was closed. @param {string} title @param {any} field @param {string} yes */
function askFor(title, field, yes) {
  return new Promise((resolve) => {
    const dialog = el("dialog", { "aria-label": title, onclose: () => {
      dialog.remove(); resolve(dialog.returnValue === "yes" ? field.value : null); } },
      el("form", { method: "dialog", class: "stack" }, el("label", { class: "field" }, title, field),
        el("div", { class: "row end" }, // Not a submit button: Enter in the field is to mean yes.
          el("button", { type: "button", onclick: () => dialog.close("no") }, t("common.cancel")),
          el("button", { value: "yes", class: "main" }, yes))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

async function addByPath() {
  const field = el("input", { type: "text", required: true, placeholder: "/home/…/test", spellcheck: "false" });
  const folder = await askFor(t("exam.folder_ask"), field, t("exam.folder_yes"));
  if (!folder) return;
  chosenSet = (await api("/api/exam/folder", { json: { folder } })).id;
  await load();
}

async function freeze() {
  const n = Math.round(0.2 * state.n_photos);
  const yes = await ask(t("exam.freeze_ask", { n, folder: state.own_folder }), { yes: t("exam.freeze_yes") });
  if (!yes) return;
  const job = await api("/api/exam/freeze", { json: { share: 0.2 } });
  follow(job.id, showFrozen);
}

const showFrozen = async (/** @type {any} */ answer) => toast(t("exam.frozen", { n: answer.n }));

/** Follow what runs already, whoever began it. */
function followRunning() {
  if (state.job) follow(state.job, state.job_verb === "freeze" ? showFrozen
    : (answer) => show(answer.exam, false));
}

const guarded = (/** @type {() => Promise<void>} */ work) => () => { work().catch(tell); };
byId("take").onclick = guarded(take);
byId("model").onchange = drawSeal;
byId("by-path").onclick = guarded(addByPath);
byId("freeze").onclick = guarded(freeze);
byId("choose-photos").onclick = () => byId("photo-input").click();
byId("photo-input").onchange = guarded(async () => {
  const input = byId("photo-input");
  await upload([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
  input.value = "";
});
const setup = /** @type {HTMLElement} */ (document.querySelector(".setup"));
setup.addEventListener("dragover", (event) => { event.preventDefault(); setup.classList.add("dropping"); });
setup.addEventListener("dragleave", () => setup.classList.remove("dropping"));
setup.addEventListener("drop", (event) => {
  event.preventDefault();
  setup.classList.remove("dropping");
  if (event.dataTransfer) dropped(event.dataTransfer).then(upload).catch(tell);
});

onPulse(["exams", "runs", "jobs"], () => (exams.busy ? undefined : state.pulse), async () => {
  await load();
  followRunning();
});
load().then(() => {
  if (state.job) followRunning();
  else if (state.exams.length) return show(state.exams[0].id, false);
}).catch(tell);
