// The study page: choose what to vary, follow the trainings, see every setting with its spread.
// Law: a mean is never shown without its interval and its runs.
// @ts-check

import { api, byId, el, interval, number, percent, spokenIn, svg, t, tell, toast, unbroken } from "./mien.js";
import { Follower, whyNot } from "./follow.js";
import { onPulse } from "./pulse.js";

/** Setting → the values that are offered; the user may write others. */
const SETTINGS = {
  epochs: "20, 50, 100, 200",
  learning_rate: "0.0001, 0.0005, 0.001, 0.002",
  batch_size: "8, 16, 32",
  hidden_units: "50, 100, 200",
  mirror: `${t("study.no")}, ${t("study.yes")}`,
  head: "mlp, logistic",
};
/** Recipe → what is varied unless the user says otherwise. */
const RECIPES = { "expression": ["head"], "teachable-machine": ["epochs"] };
/** Recipe → its head; head → the settings that make no difference to it. */
const { heads: HEADS, idle: IDLE } = JSON.parse(byId("recipe").dataset.idle);

/** Whether the chart's names stand over their rows, because there is no room beside them. */
const narrow = matchMedia("(max-width: 640px)");
/** @type {{job: any, result: any, sets: any[], n_classes: number, pulse?: Record<string, string>}} */
let state = { job: null, result: null, sets: [], n_classes: 0 };

/** What is written in the page's language → as the server reads it. @type {Record<string, string>} */
const WORDS = { [t("study.no")]: "no", [t("study.yes")]: "yes" };

const split = (/** @type {string} */ text) => text.split(",").map((one) => one.trim()).filter(Boolean);

/** What is to be varied now: setting → values. */
function vary() {
  /** @type {Record<string, string[]>} */
  const chosen = {};
  for (const name of Object.keys(SETTINGS)) {
    if (byId(`vary-${name}`).checked) chosen[name] = split(byId(`values-${name}`).value).map((word) => WORDS[word] ?? word);
  }
  return chosen;
}

function drawForm() {
  byId("settings").replaceChildren(...Object.entries(SETTINGS).map(([name, values]) => {
    const words = t(`study.setting.${name}`);
    const field = el("input", { type: "text", id: `values-${name}`, value: values, disabled: true,
      "aria-label": t("study.values", { name: words }), "aria-describedby": `about-${name}`, spellcheck: "false", oninput: drawSize });
    const box = el("input", { type: "checkbox", id: `vary-${name}`,
      onchange: () => { field.disabled = !box.checked; drawSize(); } });
    return el("div", { class: "setting" }, el("label", { class: "check" }, box, words), field,
      el("p", { class: "small soft", id: `about-${name}` }, t(`study.about.${name}`)));
  }));
  byId("recipe").replaceChildren(...Object.keys(RECIPES).map((name) =>
    el("option", { value: name }, t(`study.recipe_${name}`))));
  offerSettings();
}

/** Offer what makes a difference to the recipe that is started from. */
function offerSettings() {
  const recipe = /** @type {keyof typeof RECIPES} */ (byId("recipe").value);
  for (const name of Object.keys(SETTINGS)) {
    const box = byId(`vary-${name}`);
    box.disabled = IDLE[HEADS[recipe]].includes(name);
    box.checked = RECIPES[recipe].includes(name);
    byId(`values-${name}`).disabled = !box.checked;
    box.closest(".setting").hidden = box.disabled;
  }
  byId("recipe-note").hidden = HEADS[recipe] !== "logistic";
}

/** Why the study cannot be run as it stands, empty where it can. */
function refusal() {
  const chosen = vary();
  if (state.n_classes < 2) return t("study.train_first");
  if (!Object.keys(chosen).length) return t("study.nothing");
  const short = Object.entries(chosen).find(([, values]) => new Set(values).size < 2);
  return short ? t("study.one_value", { name: t(`study.setting.${short[0]}`) }) : "";
}

/** How many settings the study tries: a head is tried with what makes a difference to it. */
function countCells() {
  const chosen = vary();
  const heads = new Set(chosen.head ?? [HEADS[byId("recipe").value]]);
  return [...heads].reduce((sum, head) => sum + Object.entries(chosen).reduce((n, [name, values]) =>
    (name === "head" || IDLE[head]?.includes(name) ? n : n * values.length), 1), 0);
}

function drawSize() {
  const cells = countCells();
  const seeds = Number(byId("seeds").value) || 0;
  const running = state.job?.state === "running";
  byId("size").textContent = refusal() || t("study.n_runs", { cells: number(cells), seeds, n: number(cells * seeds) });
  byId("run").disabled = running || Boolean(refusal()) || seeds < 2;
  byId("cancel").hidden = !running;
  byId("progress-box").hidden = !running;
  byId("test-note").hidden = byId("test").value === "";
}

function drawTests() {
  const select = byId("test");
  const before = select.value;
  select.replaceChildren(el("option", { value: "" }, t("study.test_none")),
    ...state.sets.filter((set) => !set.trouble).map((set) => el("option", { value: set.id }, `${set.name} (${set.n})`)));
  if ([...select.options].some((option) => option.value === before)) select.value = before;
}

const studies = new Follower(async (job) => {
  state.job = job;
  drawSize();
  if (job.state === "failed") toast(t("study.failed", { message: whyNot(job, t("error.ours")) }), { bad: true });
  else if (job.state !== "done") toast(t(`study.${job.state}`), { bad: job.state === "lost" });
  if (job.state !== "done") return;
  const { result } = await api("/api/study");
  state.result = result;
  drawResult();
  byId("result-title").focus();
});

/** @param {any} vary */
const name_of = (vary) => Object.entries(vary).map(([name, value]) =>
  `${SETTINGS_NAME(name)} ${typeof value === "boolean" ? t(value ? "study.yes" : "study.no") : value}`).join(", ");
const SETTINGS_NAME = (/** @type {string} */ name) => (name in SETTINGS ? t(`study.setting.${name}`) : name);

function drawResult() {
  const result = state.result;
  byId("result").hidden = !result;
  if (!result) return;
  byId("verdict").textContent = unbroken(result.verdict);
  byId("verdict").lang = spokenIn(result.verdict) ?? document.documentElement.lang;
  byId("sentences").replaceChildren(...result.sentences.filter((/** @type {string} */ one) => one !== result.verdict)
    .map((/** @type {string} */ one) => el("li", { lang: spokenIn(one) }, one)));
  const best = result.cells.find((/** @type {any} */ cell) => cell.name === result.chosen);
  byId("files").replaceChildren(
    best ? el("button", { type: "button", class: "main", onclick: () => trainWith(best).catch(tell) }, t("study.train")) : "",
    el("a", { class: "button quiet", href: "/api/study/result.json", download: "study.json" }, t("study.save_json")),
    el("a", { class: "button quiet", href: "/api/study/report.html", download: "study.html" }, t("study.save_html")));
  byId("chart").replaceChildren(chart(result));
  byId("table").replaceChildren(el("table", null,
    el("thead", null, el("tr", null, ...["setting", "mean", "interval", "sd", "seeds"].map((key, i) =>
      el("th", { scope: "col", class: i > 2 ? "n roomy" : i ? "n" : null }, t(`study.column_${key}`))))),
    el("tbody", null, ...result.cells.map((/** @type {any} */ cell) => el("tr", { class: cell.name === result.chosen ? "best" : null },
      el("th", { scope: "row" }, name_of(cell.vary), " ",
        cell.name === result.chosen ? el("span", { class: "badge good" }, t("study.chosen"))
          : cell.candidate && el("span", { class: "badge" }, t("study.candidate"))),
      el("td", { class: "n" }, percent(cell.mean, 1)),
      el("td", { class: "n" }, interval(cell)),
      el("td", { class: "n roomy" }, cell.sd === null ? "–" : percent(cell.sd, 1)),
      el("td", { class: "n roomy" }, number(cell.n_seeds)))))));
}

/** Every setting as a row: its runs as faint dots, its interval, its mean. @param {any} result */
function chart({ cells, runs }) {
  const [left, width, row, top] = narrow.matches ? [16, 330, 50, 26] : [230, 760, 34, 26];
  const key = (/** @type {any} */ vary) => JSON.stringify(Object.entries(vary).sort());
  const scores = runs.map((/** @type {any} */ run) => run.accuracy);
  const low = Math.max(0, Math.floor(10 * Math.min(...scores, ...cells.map((/** @type {any} */ c) => c.low)) - 0.2) / 10);
  const high = Math.min(1, Math.ceil(10 * Math.max(...scores, ...cells.map((/** @type {any} */ c) => c.high)) + 0.2) / 10);
  const x = (/** @type {number} */ score) => left + ((score - low) / (high - low)) * (width - left - 24);
  const height = top + row * cells.length + 8;
  const box = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("study.chart") });
  for (let tick = Math.round(10 * low); tick <= Math.round(10 * high); tick += 1) {
    box.append(svg("line", { class: "grid", x1: x(tick / 10), x2: x(tick / 10), y1: top - 6, y2: height }),
      svg("text", { x: x(tick / 10), y: 14, "text-anchor": "middle" }, percent(tick / 10)));
  }
  cells.forEach((/** @type {any} */ cell, /** @type {number} */ i) => {
    const y = top + row * (i + (narrow.matches ? 0.7 : 0.5));
    const label = name_of(cell.vary);
    box.append(svg("text", { class: "label", ...(narrow.matches ? { x: 0, y: y - 18 } : { x: left - 12, y: y + 4, "text-anchor": "end" }) },
      label.length > 34 ? `${label.slice(0, 33)}…` : label));
    const mine = runs.filter((/** @type {any} */ run) => key(run.vary) === key(cell.vary));
    mine.forEach((/** @type {any} */ run, /** @type {number} */ k) => box.append(svg("circle", { class: "run", r: 3.2,
      cx: x(run.accuracy), cy: y - 7 + (14 * (k % 5)) / 4 })));
    box.append(svg("line", { class: "band", x1: x(cell.low), x2: x(cell.high), y1: y, y2: y }),
      svg("circle", { class: "mean", cx: x(cell.mean), cy: y, r: 6 }, svg("title", {}, `${label}: ${percent(cell.mean, 1)}`)));
  });
  return box;
}

/** Train the setting that the study advises, and go where it is seen. @param {any} cell */
async function trainWith(cell) {
  await api("/api/train", { json: { recipe: cell.recipe.name, settings: cell.vary } });
  location.assign("/");
}

narrow.onchange = drawResult;
byId("form").onsubmit = (/** @type {Event} */ event) => {
  event.preventDefault();
  (async () => {
    const job = await api("/api/study/run", { json: { recipe: byId("recipe").value, vary: vary(),
      seeds: Number(byId("seeds").value), set: byId("test").value || null } });
    state.job = job; // not awaited into: `state` may be another by now
    drawSize();
    studies.follow(job.id);
  })().catch(tell);
};
byId("cancel").onclick = () => { api(`/api/jobs/${state.job.id}/cancel`, { method: "POST" }).catch(tell); };
byId("seeds").oninput = drawSize;
byId("recipe").onchange = () => { offerSettings(); drawSize(); };
byId("test").onchange = drawSize;
drawForm();
async function load() {
  state = await api("/api/study");
  drawTests();
  drawSize();
  drawResult();
  byId("study").setAttribute("aria-busy", "false");
  if (state.job?.state === "running") studies.follow(state.job.id);
}
load().catch(tell);
onPulse(["photos", "exams", "jobs"], () => (studies.busy ? undefined : state.pulse), load);
