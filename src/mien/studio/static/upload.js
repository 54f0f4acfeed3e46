// Files on their way to the server: gathered from drops and choosers, sent in batches.
// Laws: 25 files a request and three requests under way, because a server's form stops at 1,000 and
// one request after the other would leave the line idle; what fails is named, the rest goes on.
// @ts-check

import { api, ApiError, byId, el, number, t, tell, toast } from "./mien.js";
import { renameClass } from "./collect.js";
import { look } from "./state.js";

const BATCH = 25;
const UNDER_WAY = 3;
const BATCH_BYTES = 40 * 1024 * 1024;
const SHOWN = 200;

/** @typedef {{file: File, path: string}} Found */
/** @typedef {{n_added: number, known: number, n_rejects: number, rejects: {path: string, reason: string}[]}} Sum */

/**
 * The files of a drop, folders searched to any depth. Must be called in the event's own turn.
 * @param {DataTransfer} transfer
 * @returns {Promise<Found[]>}
 */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((e) => e !== null);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const lists = await Promise.all(entries.map((entry) => walk(entry, "")));
  return lists.flat();
}

/** @param {FileSystemEntry} entry @param {string} folder @returns {Promise<Found[]>} */
async function walk(entry, folder) {
  const path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise((done, fail) => /** @type {FileSystemFileEntry} */ (entry).file(done, fail));
    return [{ file, path }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  // A reader gives a hundred entries at a time.
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    for (const one of some) found.push(...await walk(one, `${path}/`));
  }
  return found;
}

/**
 * Let the user choose files.
 * @param {{folder?: boolean, accept?: string}} [options]
 * @returns {Promise<Found[]>}
 */
export function choose({ folder = false, accept = "image/*,.tif,.tiff,.zip,.tm" } = {}) {
  return new Promise((done) => {
    const input = el("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1",
      "aria-hidden": "true", accept: folder ? null : accept, webkitdirectory: folder,
      oncancel: () => { input.remove(); done([]); },
      onchange: () => {
        input.remove();
        done([...input.files].map((/** @type {File} */ file) =>
          ({ file, path: file.webkitRelativePath || file.name })));
      } });
    document.body.append(input);
    input.click();
  });
}

/**
 * Send files to one class, or, where `label` is null, each to the class its folder is called.
 * @param {Found[]} found
 * @param {string | null} label
 */
export async function send(found, label) {
  const seen = found.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")
    || part === "__MACOSX"));
  const zips = seen.filter(({ path }) => /\.(zip|tm)$/i.test(path));
  const tables = seen.filter(({ path }) => /(^|\/)groups\.csv$/i.test(path));
  const pictures = seen.filter((one) => !zips.includes(one) && !/\.(csv|txt|md|json)$/i.test(one.path));
  const total = pictures.length + zips.length;
  if (!total) return;
  /** @type {Sum} */
  const sum = { n_added: 0, known: 0, n_rejects: 0, rejects: [] };
  let loose = 0; // stored from no folder that would name their class
  const progress = new Progress(total);
  try {
    const jobs = [...batches(pictures, label), ...zips.map((zip) => ({ zip, label, files: [zip] }))];
    await inParallel(jobs, async (job) => {
      const answer = "zip" in job ? await sendZip(job.zip, job.label) : await sendBatch(job.files, job.label);
      for (const key of /** @type {const} */ (["n_added", "known", "n_rejects"])) sum[key] += answer[key];
      sum.rejects.push(...answer.rejects);
      if (label === null && !("zip" in job) && job.files.some(({ path }) => !path.includes("/"))) loose += answer.n_added;
      progress.add(job.files.length);
    });
    if (tables.length === 1 && label === null) await sendTable(tables[0]);
  } catch (error) {
    tell(error);
  } finally {
    progress.end();
    await look().catch(() => {});
  }
  report(sum);
  if (loose) tellLoose(t("start.first_class"));
}

/** Say where photos without a folder went, and how it is otherwise. @param {string} label */
function tellLoose(label) {
  toast(t("collect.loose", { label }), { action: t("collect.rename"), onAction: () => renameClass(label), seconds: 20 });
}

/** @param {Found[]} found @param {string | null} label */
function batches(found, label) {
  /** @type {Map<string, Found[]>} */
  const classes = new Map();
  for (const one of found) {
    const target = label ?? one.path.split("/").at(-2) ?? t("start.first_class");
    classes.set(target, [...(classes.get(target) ?? []), one]);
  }
  const all = [];
  for (const [target, files] of classes) {
    let batch = /** @type {Found[]} */ ([]);
    let bytes = 0;
    for (const one of files) {
      if (batch.length === BATCH || (batch.length && bytes + one.file.size > BATCH_BYTES)) {
        all.push({ label: target, files: batch });
        batch = [];
        bytes = 0;
      }
      batch.push(one);
      bytes += one.file.size;
    }
    all.push({ label: target, files: batch });
  }
  return all;
}

/**
 * @template T
 * @param {T[]} jobs
 * @param {(job: T) => Promise<void>} work
 */
async function inParallel(jobs, work) {
  const queue = [...jobs];
  const lanes = Array.from({ length: Math.min(UNDER_WAY, queue.length) }, async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await work(job);
  });
  await Promise.all(lanes);
}

/** @param {{file: Blob, path: string}[]} files @param {string} label */
export async function sendBatch(files, label) {
  const form = new FormData();
  form.append("label", label);
  for (const { file, path } of files) form.append("files", file, path.split("/").at(-1));
  try {
    return await api("/api/upload", { body: form });
  } catch (error) {
    // A file that was changed or taken away since it was chosen cannot be read by the browser.
    if (!(error instanceof ApiError) || error.status !== 0 || files.length === 1) throw error;
    return sendEach(files, label);
  }
}

/** @param {{file: Blob, path: string}[]} files @param {string} label */
async function sendEach(files, label) {
  /** @type {Sum} */
  const sum = { n_added: 0, known: 0, n_rejects: 0, rejects: [] };
  for (const one of files) {
    try {
      await one.file.slice(0, 1).arrayBuffer();
    } catch {
      sum.n_rejects += 1;
      sum.rejects.push({ path: one.path, reason: t("upload.unreadable") });
      continue;
    }
    const answer = await sendBatch([one], label);
    for (const key of /** @type {const} */ (["n_added", "known", "n_rejects"])) sum[key] += answer[key];
    sum.rejects.push(...answer.rejects);
  }
  return sum;
}

/** @param {Found} zip @param {string | null} label */
function sendZip(zip, label) {
  const form = new FormData();
  if (label !== null) form.append("label", label);
  form.append("file", zip.file, zip.file.name);
  return api(/\.tm$/i.test(zip.path) ? "/api/upload/tm" : "/api/upload/zip", { body: form });
}

/** @param {Found} table */
function sendTable({ file }) {
  const form = new FormData();
  form.append("file", file, "groups.csv");
  return api("/api/groups/table", { body: form });
}

class Progress {
  /** @param {number} total */
  constructor(total) {
    this.total = total;
    this.done = 0;
    this.words = el("span", null);
    this.bar = el("progress", { max: total, value: 0, "aria-label": t("collect.progress") });
    this.node = el("div", { class: "card uploading" }, this.words, this.bar);
    byId("uploads").append(this.node);
    this.add(0);
  }

  /** @param {number} n */
  add(n) {
    this.done += n;
    this.bar.value = this.done;
    this.words.textContent = t("collect.uploading", { done: number(this.done), total: number(this.total) });
  }

  end() { this.node.remove(); }
}

/** @param {{n_added: number, known: number, n_rejects: number, rejects: any[]}} sum */
function report({ n_added, known, n_rejects, rejects }) {
  const words = [t("collect.stored", { n: number(n_added) })];
  if (known) words.push(t("collect.known", { n: number(known) }));
  if (n_rejects) words.push(t("collect.rejected", { n: number(n_rejects) }));
  toast(words.join(" · "), n_rejects
    ? { action: t("collect.show_rejects"), onAction: () => showRejects(rejects, n_rejects), seconds: 15 }
    : {});
}

/** @param {{path: string, reason: string}[]} rejects @param {number} total @param {string} [title] */
export function showRejects(rejects, total, title = t("collect.rejects_title")) {
  const shown = rejects.slice(0, SHOWN);
  const dialog = el("dialog", { class: "wide", "aria-labelledby": "rejects-title", onclose: () => dialog.remove() },
    el("h2", { id: "rejects-title" }, title),
    el("div", { class: "scroll tall", tabindex: "0" }, el("table", null, el("tbody", null,
      ...shown.map(({ path, reason }) => el("tr", null, el("th", { scope: "row" }, path), el("td", null, reason)))))),
    total > shown.length && el("p", { class: "soft" }, t("collect.more_rejects", { n: number(total - shown.length) })),
    el("form", { method: "dialog", class: "row end" }, el("button", { class: "main" }, t("common.close"))));
  document.body.append(dialog);
  dialog.showModal();
}
