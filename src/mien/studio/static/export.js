// Export: the model in every format, each with what its own consumer said of it.
// Law: a parity figure is shown only where a consumer was really asked.
// @ts-check

import { api, el, percent, t, tell } from "./mien.js";

const FORMATS = ["teachable-machine", "keras", "tfjs", "onnx", "litert", "litert-int8", "savedmodel"];
const ASK_MS = 400;

/** Open the list of formats. @param {string} run */
export function openExport(run) {
  const dialog = el("dialog", { class: "wide", "aria-labelledby": "export-title", onclose: () => dialog.remove() },
    el("div", { class: "stack" },
      el("h2", { id: "export-title" }, t("export.title", { run })),
      el("p", { class: "soft small" }, t("export.lead")),
      el("div", { class: "formats" }, ...FORMATS.map((to) => row(run, to))),
      el("form", { method: "dialog", class: "row end" }, el("button", null, t("common.close")))));
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {string} run @param {string} to */
function row(run, to) {
  const outcome = el("div", { class: "outcome small", role: "status" });
  const button = el("button", { type: "button", "aria-label": t("export.make_this", { name: t(`export.${to}`) }),
    onclick: () => make().catch(tell).finally(() => { button.disabled = false; }) }, t("export.make"));
  async function make() {
    button.disabled = true;
    outcome.replaceChildren(t("export.making"));
    let job = await api("/api/try/export", { json: { run, to } });
    while (job.state === "running") {
      await new Promise((next) => setTimeout(next, ASK_MS));
      ({ job } = await api(`/api/jobs/${job.id}`));
    }
    outcome.replaceChildren(...(job.state === "done" ? await done(run, to, job.answer)
      : [el("p", { class: "note bad" }, [job.error?.message, job.error?.hint].filter(Boolean).join(" · ") || t("export.failed"))]));
  }
  return el("div", { class: "format" },
    el("div", null, el("strong", null, t(`export.${to}`)), el("p", { class: "small soft" }, t(`export.${to}_about`))),
    button, outcome);
}

/** @param {string} run @param {string} to @param {any} answer */
async function done(run, to, answer) {
  const query = `run=${encodeURIComponent(run)}&to=${encodeURIComponent(to)}`;
  const readme = await (await fetch(`/api/try/export/readme?${query}`)).text();
  const snippet = /```(?:python|html)\n([\s\S]*?)```/.exec(readme)?.[1];
  return [
    el("ul", { class: "quiet-list" }, ...answer.parity.map((/** @type {any} */ one) => el("li", null, one.checked
      ? t("export.parity", { file: one.file, consumer: one.consumer, diff: one.max_abs_diff.toExponential(1), same: percent(one.same_top), n: one.n })
      : t("export.not_checked", { file: one.file, consumer: one.consumer, reason: one.reason })))),
    el("div", { class: "row" }, el("a", { class: "button main", href: `/api/try/export/download?${query}`, download: "" }, t("export.download"))),
    snippet ? el("details", null, el("summary", null, t("export.snippet")), el("pre", { tabindex: "0" }, el("code", null, snippet))) : "",
  ];
}
