// Export: the model in every format, each with what its own consumer said of it.
// Laws: a parity figure is shown only where a consumer was really asked; the work is the server's, so
// this list may be closed at any time and shows the same when it is opened again.
// @ts-check

import { api, ApiError, el, number, percent, t, tell } from "./mien.js";

const ASK_MS = 400;
const RETRY_MS = 2000;

/** @typedef {{button: any, outcome: HTMLElement}} Row */

/** Open the list of formats. @param {string} run */
export async function openExport(run) {
  const known = await api(`/api/try/exports?run=${encodeURIComponent(run)}`);
  const list = new List(run, known.formats);
  document.body.append(list.dialog);
  list.dialog.showModal();
  for (const [to, made] of Object.entries(known.made)) list.show(to, made);
  if (known.job?.state === "running") list.follow(known.job).catch(tell);
  else if (known.job?.state === "failed") list.fail(known.job);
}

class List {
  /** @param {string} run @param {string[]} formats */
  constructor(run, formats) {
    this.run = run;
    this.open = true;
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.dialog = el("dialog", { class: "wide", "aria-labelledby": "export-title",
      onclose: () => { this.open = false; this.dialog.remove(); } },
      el("div", { class: "stack" },
        el("h2", { id: "export-title" }, t("export.title", { run })),
        el("p", { class: "soft small" }, t("export.lead")),
        el("div", { class: "formats" }, ...formats.map((to) => this.row(to))),
        el("form", { method: "dialog", class: "row end" }, el("button", null, t("common.close")))));
  }

  /** @param {string} to */
  row(to) {
    const outcome = el("div", { class: "outcome small", role: "status" });
    const button = el("button", { type: "button", "aria-label": t("export.make_this", { name: t(`export.${to}`) }),
      onclick: () => this.make(to).catch(tell) }, t("export.make"));
    this.rows.set(to, { button, outcome });
    return el("div", { class: "format", "data-format": to },
      el("div", null, el("strong", null, t(`export.${to}`)), el("p", { class: "small soft" }, t(`export.${to}_about`))),
      button, outcome);
  }

  /** @param {string} to */
  async make(to) {
    const job = await api("/api/try/export", { json: { run: this.run, to } });
    await this.follow(job);
  }

  /** Show how far an export is until it ends. @param {any} job */
  async follow(job) {
    const { to } = job.arguments;
    const words = el("span", null, t("export.making"));
    const bar = el("progress", { "aria-label": t("export.making") });
    const cancel = el("button", { type: "button", class: "quiet",
      onclick: () => api(`/api/jobs/${job.id}/cancel`, { json: {} }).catch(tell) }, t("common.cancel"));
    this.rows.get(to)?.outcome.replaceChildren(el("div", { class: "spread" }, words, cancel), bar);
    this.enable(false);
    let offset = 0;
    while (this.open && job.state === "running") {
      await new Promise((next) => setTimeout(next, ASK_MS));
      let answer;
      try {
        answer = await api(`/api/jobs/${job.id}?offset=${offset}`);
      } catch (error) {
        // The server may come back, and the work goes on without it.
        if (!(error instanceof ApiError) || error.status !== 0) throw error;
        await new Promise((next) => setTimeout(next, RETRY_MS));
        continue;
      }
      ({ job, offset } = answer);
      const last = answer.events.filter((/** @type {any} */ one) => one.stage === "consumers").at(-1);
      if (last) {
        bar.max = last.total;
        bar.value = last.done;
        words.textContent = t("export.asking", { done: number(last.done), total: number(last.total) });
      }
    }
    if (!this.open) return;
    this.enable(true);
    if (job.state !== "done") { this.fail(job); return; }
    const { made } = await api(`/api/try/exports?run=${encodeURIComponent(this.run)}`);
    if (made[to]) this.show(to, made[to]);
  }

  /** @param {boolean} on */
  enable(on) {
    for (const { button } of this.rows.values()) button.disabled = !on;
  }

  /** @param {any} job */
  fail(job) {
    const words = job.state === "cancelled" ? t("export.cancelled")
      : [job.error?.message, job.error?.hint].filter(Boolean).join(" · ") || t("export.failed");
    this.rows.get(job.arguments.to)?.outcome.replaceChildren(
      el("p", { class: job.state === "cancelled" ? "note" : "note bad" }, words));
  }

  /** @param {string} to @param {any} made */
  show(to, made) {
    const row = this.rows.get(to);
    if (!row) return;
    const query = `run=${encodeURIComponent(this.run)}&to=${encodeURIComponent(to)}`;
    row.button.textContent = t("export.again");
    row.outcome.replaceChildren(
      el("ul", { class: "quiet-list" }, ...made.parity.map((/** @type {any} */ one) => el("li", null, one.left_out
        ? t("export.left_out", { file: one.file, same: percent(one.same_top), n: one.n })
        : one.checked
        ? t("export.parity", { file: one.file, consumer: one.consumer, diff: one.max_abs_diff.toExponential(1), same: percent(one.same_top), n: one.n })
        : t("export.not_checked", { file: one.file, consumer: one.consumer, reason: one.reason })))),
      el("div", { class: "row" }, el("a", { class: "button main", href: `/api/try/export/download?${query}`, download: "" }, t("export.download"))),
      made.snippet ? el("details", null, el("summary", null, t("export.snippet")), el("pre", { tabindex: "0" }, el("code", null, made.snippet))) : "");
  }
}
