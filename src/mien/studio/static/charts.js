// Curves over epochs as SVG: a line for the mean over seeds, a band from lowest to highest.
// @ts-check

import { el, number, svg, t } from "./mien.js";

const W = 320;
const H = 150;
const LEFT = 34;
const BOTTOM = 20;

/**
 * @param {{title: string, lines: {name: string, dashed?: boolean, seeds: number[][]}[], top?: number}} options
 */
export function curves({ title, lines, top }) {
  const all = lines.flatMap((line) => line.seeds.flat()).filter(Number.isFinite);
  const n = Math.max(2, ...lines.flatMap((line) => line.seeds.map((seed) => seed.length)));
  const high = top ?? Math.max(0.1, ...all);
  const x = (/** @type {number} */ i) => LEFT + (W - LEFT - 4) * i / (n - 1);
  const y = (/** @type {number} */ v) => 6 + (H - BOTTOM - 6) * (1 - Math.min(v, high) / high);
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "curves", role: "img", "aria-label": title });
  for (const part of [0, 0.5, 1]) {
    picture.append(svg("line", { x1: LEFT, x2: W, y1: y(part * high), y2: y(part * high), class: "rule" }),
      svg("text", { x: LEFT - 5, y: y(part * high) + 4, "text-anchor": "end" }, number(Math.round(part * high * 100) / 100)));
  }
  picture.append(svg("text", { x: LEFT, y: H - 4 }, "1"),
    svg("text", { x: W, y: H - 4, "text-anchor": "end" }, t("train.curves_epoch", { n: number(n) })));
  lines.forEach((line, i) => {
    const at = (/** @type {number} */ k) => line.seeds.map((seed) => seed[k]).filter(Number.isFinite);
    const steps = Array.from({ length: n }, (_, k) => ({ k, values: at(k) })).filter(({ values }) => values.length);
    if (!steps.length) return;
    if (line.seeds.length > 1) {
      const upper = steps.map(({ k, values }) => `${x(k).toFixed(1)} ${y(Math.max(...values)).toFixed(1)}`);
      const lower = steps.map(({ k, values }) => `${x(k).toFixed(1)} ${y(Math.min(...values)).toFixed(1)}`).reverse();
      picture.append(svg("path", { class: `band line-${i}`, d: `M${[...upper, ...lower].join("L")}Z` }));
    }
    const point = (/** @type {number} */ k, /** @type {number} */ v) => `${x(k).toFixed(1)} ${y(v).toFixed(1)}`;
    // The mean goes as far as every seed has come: where one ends, a mean of the others would jump.
    const mean = steps.filter(({ values }) => values.length === line.seeds.length).map(({ k, values }) =>
      point(k, values.reduce((a, b) => a + b, 0) / values.length));
    for (const seed of line.seeds) {
      const rest = [...seed.entries()].slice(Math.max(0, mean.length - 1)).filter(([, v]) => Number.isFinite(v));
      if (rest.length > 1) picture.append(svg("path", { class: `line line-${i} ahead`, d: `M${rest.map(([k, v]) => point(k, v)).join("L")}` }));
    }
    if (mean.length) picture.append(svg("path", { class: `line line-${i}`, d: `M${mean.join("L")}` }));
  });
  return el("figure", { class: "chart" },
    el("figcaption", { class: "spread small" }, el("strong", null, title),
      el("span", { class: "row" }, ...lines.map((line, i) =>
        el("span", { class: `key line-${i}` }, line.name)))),
    picture);
}
