// Figures that several pages share: a share with its interval, a confusion matrix, a gallery.
// Each takes plain JSON of the server and gives an element; none asks the server.
// @ts-check

import { el, interval, number, percent, t } from "./mien.js";

/**
 * @typedef {{value: number, low: number, high: number, level: number, method: string}} Estimate
 */

/**
 * A bar of a share with its interval, and marks to compare it with.
 * @param {Estimate | null} estimate null where there are too few photos to say
 * @param {{correct: number, n: number, large?: boolean,
 *   marks?: {value: number, label: string}[]}} options
 */
export function share(estimate, { correct, n, large = false, marks = [] }) {
  const at = (/** @type {number} */ value) => `${(100 * value).toFixed(2)}%`;
  const of = t("figures.of", { k: number(correct), n: number(n) });
  if (!estimate) {
    return el("div", { class: "soft small" }, n ? `${of} · ${t("figures.too_few")}` : t("figures.none"));
  }
  const words = large ? t("figures.range", { low: percent(estimate.low), high: percent(estimate.high) })
    : `${percent(estimate.value)} (${interval(estimate)})`;
  const track = el("div", { class: "track", "aria-hidden": "true" },
    el("div", { class: "fill", style: { width: at(estimate.value) } }),
    el("div", { class: "whisker",
      style: { left: at(estimate.low), width: at(estimate.high - estimate.low) } }),
    ...marks.map((mark) => el("div", { class: "mark", title: mark.label,
      style: { left: at(mark.value) } })));
  return el("div", { class: large ? "share large" : "share" }, track,
    el("span", { class: "words number small" }, large ? "" : `${of} · `,
      el("span", { class: large ? null : "whole" }, words)));
}

/**
 * Who was taken for whom; a cell that holds photos is a button.
 * @param {{labels: string[], matrix: number[][], no_answer: number[]}} confusion
 * @param {(truth: string, answer: string | null, cell: HTMLButtonElement) => void} onCell
 *   answer null: no answer
 */
export function confusion({ labels, matrix, no_answer }, onCell) {
  const hasNone = no_answer.some((n) => n > 0);
  const columns = hasNone ? [...labels, null] : labels;
  const cell = (/** @type {number} */ row, /** @type {string | null} */ answer, /** @type {number} */ column) => {
    const n = answer === null ? no_answer[row] : matrix[row][column];
    const total = matrix[row].reduce((sum, one) => sum + one, 0) + no_answer[row];
    if (!n) return el("td", null, el("div", { class: "zero" }, "0"));
    const words = t("figures.cell", { n, truth: labels[row], answer: answer ?? t("figures.no_answer") });
    const button = el("button", {
      type: "button", class: answer === labels[row] ? "right" : "wrong", "aria-label": words,
      title: words, style: { "--share": String(total ? n / total : 0) },
      onclick: () => onCell(labels[row], answer, button),
    }, number(n));
    return el("td", null, button);
  };
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("figures.confusion") },
    el("table", { class: "confusion" },
      el("caption", { class: "unseen" }, t("figures.confusion")),
      el("thead", null, el("tr", null, el("td", { class: "small soft" }, t("figures.axes")),
        ...columns.map((label) => el("th", { scope: "col" }, label ?? t("figures.no_answer"))))),
      el("tbody", null, ...labels.map((label, row) => el("tr", null,
        el("th", { scope: "row" }, label),
        ...columns.map((answer, column) => cell(row, answer, column)))))));
}

/**
 * Photos with words under them; each opens large.
 * @param {{small: string, large: string, name: string, words: (Node | string)[]}[]} photos
 */
export function gallery(photos) {
  return el("ul", { class: "gallery" }, ...photos.map((photo) => el("li", null,
    el("figure", null,
      el("button", { type: "button", class: "picture", title: photo.name,
        "aria-label": t("figures.open", { name: photo.name }), onclick: () => openLarge(photo) },
        el("img", { src: photo.small, alt: "", loading: "lazy", width: "160", height: "160" })),
      el("figcaption", null, ...photo.words)))));
}

/**
 * One photo as large as the window allows.
 * @param {{large: string, name: string}} photo
 */
export function openLarge({ large, name }) {
  const dialog = el("dialog", { class: "large-photo", "aria-label": name,
    onclose: () => dialog.remove(),
    onclick: (/** @type {Event} */ event) => { if (event.target === dialog) dialog.close(); } },
    el("img", { src: large, alt: name }),
    el("form", { method: "dialog", class: "spread" },
      el("p", { class: "small soft" }, name),
      el("button", { class: "main" }, t("figures.close"))));
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * A table of rows with a share in the last column.
 * @param {string} caption
 * @param {string} head
 * @param {{label: string, n: number, correct: number, estimate: Estimate | null}[]} rows
 */
export function shareTable(caption, head, rows) {
  return el("div", { class: "scroll" }, el("table", null,
    caption && el("caption", null, caption),
    el("thead", null, el("tr", null, el("th", { scope: "col" }, head),
      el("th", { scope: "col" }, t("figures.right")))),
    el("tbody", null, ...rows.map((row) => el("tr", null,
      el("th", { scope: "row" }, row.label),
      el("td", null, share(row.estimate, { correct: row.correct, n: row.n })))))));
}
