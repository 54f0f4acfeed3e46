// Train: one button, how far it is, and what came of it. The job runs in a process of its own;
// this page only looks, so closing it loses nothing and opening it again shows the same.
// @ts-check

import { api, byId, duration, el, language, number, percent, spokenIn, stageInWords, t, tell } from "./mien.js";
import { curves } from "./charts.js";
import { confusion, share, shareTable } from "./figures.js";
import { openGrid } from "./grid.js";
import { listen, now } from "./state.js";
import { showRejects } from "./upload.js";

const POLL_MS = 350;
const SIGNED = new Intl.NumberFormat(language, { signDisplay: "exceptZero", maximumFractionDigits: 1 });
const LEAST = 2;
const TEACHABLE = { recipe: "teachable-machine", epochs: 50, batch_size: 16, learning_rate: 0.001, seeds: 1, mirror: false };
const RECOMMENDED = { ...TEACHABLE, recipe: "expression" };

/** @type {string | null} */
let watching = null;
let trainedOn = "";
/** The stamp of the jobs that was seen last, and the training that is shown. */
let jobs = "";
let shown = "";
/** @type {() => void} */
let onTrained = () => {};

/** @param {() => void} trained called after each training */
export function beginTrain(trained) {
  onTrained = trained;
  byId("train-button").addEventListener("click", start);
  byId("train-advanced").append(advanced());
  listen(() => enable());
  listen((state) => {
    if (state.jobs === jobs) return;
    ({ jobs } = state);
    renew().catch(tell);
  });
}

/** Show the latest training, whichever tab began it. */
async function renew() {
  if (watching) return;
  const { job } = await api("/api/jobs/latest?verb=train");
  if (watching || !job || shown === `${job.id} ${job.state}`) return;
  if (job.state === "running") watch(job);
  else await show(job);
}

function enable() {
  const state = now();
  if (!state) return;
  const short = state.classes.find((one) => one.n - one.faceless < LEAST);
  const why = watching ? "" : state.classes.length < 2 ? t("train.need_classes")
    : short ? t("train.need_photos", { label: short.label, n: LEAST })
    : trainedOn && trainedOn !== state.listing ? t("train.changed") : "";
  byId("train-why").textContent = why;
  byId("train-button").disabled = Boolean(watching) || state.classes.length < 2 || Boolean(short);
}

/** @type {Record<string, any>} */
const fields = {};

function advanced() {
  const numeric = (/** @type {string} */ name, /** @type {any} */ limits) => {
    fields[name] = el("input", { type: "number", ...limits });
    return el("label", { class: "field" }, t(`train.${name}`), fields[name]);
  };
  fields.recipe = el("select", { onchange: dim, "aria-describedby": "recipe-note" },
    el("option", { value: "expression" }, t("train.recipe_expression")),
    el("option", { value: "teachable-machine" }, t("train.recipe_teachable")));
  fields.mirror = el("input", { type: "checkbox" });
  const node = el("div", { class: "advanced" },
    el("label", { class: "field" }, t("train.recipe"), fields.recipe),
    el("p", { class: "soft small", id: "recipe-note" }, t("train.recipe_note")),
    el("div", { class: "pair" },
      numeric("epochs", { min: 1, max: 5000 }), numeric("batch_size", { min: 1, max: 512 }),
      numeric("learning_rate", { min: 0.000001, max: 1, step: "any" }), numeric("seeds", { min: 1, max: 50 })),
    el("label", { class: "check" }, fields.mirror, t("train.mirror")),
    el("div", { class: "row" },
      el("button", { type: "button", onclick: () => set(TEACHABLE) }, t("train.defaults")),
      el("button", { type: "button", class: "quiet", onclick: () => set(RECOMMENDED) }, t("train.reset"))));
  set(RECOMMENDED);
  return node;
}

/** @param {typeof TEACHABLE} settings */
function set(settings) {
  for (const name of /** @type {const} */ (["recipe", "epochs", "batch_size", "learning_rate", "seeds"])) {
    fields[name].value = settings[name];
  }
  fields.mirror.checked = settings.mirror;
  dim();
}

/** The recommended recipe's head has no epochs: what makes no difference to it is not offered. */
function dim() {
  const { heads, idle } = JSON.parse(byId("train-advanced").dataset.idle ?? "");
  const head = heads[fields.recipe.value];
  for (const name of ["epochs", "batch_size", "learning_rate"]) fields[name].disabled = idle[head].includes(name);
  fields.recipe.closest(".advanced").querySelector("#recipe-note").hidden = head !== "logistic";
}

async function start() {
  for (const field of Object.values(fields)) if (!field.disabled && !field.reportValidity()) return;
  /** @type {Record<string, any>} */
  const settings = { mirror: fields.mirror.checked };
  for (const name of ["epochs", "batch_size", "learning_rate"]) {
    if (!fields[name].disabled) settings[name] = Number(fields[name].value);
  }
  byId("train-button").disabled = true;
  try {
    watch(await api("/api/train", { json: { recipe: fields.recipe.value, seeds: Number(fields.seeds.value), settings } }));
  } catch (error) { tell(error); enable(); }
}

/** @param {any} job */
async function watch(job) {
  watching = job.id;
  const listing = now()?.listing ?? "";
  const stage = el("span", null, t("train.preparing"));
  const left = el("span", { class: "soft small number" });
  const bar = el("progress", { max: 1, "aria-label": t("train.progress") });
  const live = el("div", { class: "charts" });
  byId("train-result").replaceChildren();
  byId("train-progress").hidden = false;
  byId("train-progress").replaceChildren(el("div", { class: "spread" }, stage, left), bar, live,
    el("div", { class: "row end" }, el("button", { type: "button", onclick: () => cancel(job.id) }, t("train.cancel"))));
  enable();
  let offset = 0;
  const begun = new Map();
  const told = new Curves(live);
  while (watching === job.id) {
    let answer;
    try {
      answer = await api(`/api/jobs/${job.id}?offset=${offset}`);
    } catch (error) {
      if (/** @type {any} */ (error).status === 401) { tell(error); return; }
      await new Promise((go) => setTimeout(go, 4 * POLL_MS));
      continue;
    }
    offset = answer.offset;
    told.add(answer.events.filter((/** @type {any} */ event) => event.curve));
    const last = answer.events.filter((/** @type {any} */ event) => event.stage).at(-1);
    if (last) showStage(last, begun, stage, left, bar);
    if (answer.job.state !== "running") {
      watching = null;
      byId("train-progress").hidden = true;
      if (answer.job.state === "done") trainedOn = listing;
      await show(answer.job);
      onTrained();
      break;
    }
    await new Promise((go) => setTimeout(go, POLL_MS));
  }
  enable();
}

/**
 * @param {any} event @param {Map<string, any>} begun
 * @param {HTMLElement} stage @param {HTMLElement} left @param {any} bar
 */
function showStage(event, begun, stage, left, bar) {
  stage.textContent = stageInWords(event);
  if (event.total) { bar.max = event.total; bar.value = event.done; }
  if (!begun.has(event.stage)) begun.set(event.stage, event);
  const first = begun.get(event.stage);
  const seconds = event.at - first.at;
  const rate = (event.done - first.done) / seconds;
  left.textContent = seconds > 1 && rate > 0 && event.total > event.done
    ? t("train.time_left", { time: duration((event.total - event.done) / rate) }) : "";
}

/** @param {string} id */
async function cancel(id) {
  try { await api(`/api/jobs/${id}/cancel`, { json: {} }); } catch (error) { tell(error); }
}

/** Curves while they grow. */
class Curves {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    /** @type {Record<string, any>} */
    this.seeds = {};
  }

  /** @param {any[]} events */
  add(events) {
    if (!events.length) return;
    for (const { curve } of events) {
      const seed = this.seeds[curve.seed] ??= { train_loss: [], train_accuracy: [], validation_loss: [], validation_accuracy: [] };
      for (const key of Object.keys(seed)) seed[key].push(...(curve[key] ?? []));
    }
    this.box.replaceChildren(...charts(Object.values(this.seeds)));
  }
}

/** @param {any[]} seeds @returns {HTMLElement[]} */
function charts(seeds) {
  const lines = (/** @type {string} */ what) => [
    { name: t("train.curve_train"), seeds: seeds.map((seed) => seed[`train_${what}`]) },
    { name: t("train.curve_validation"), seeds: seeds.map((seed) => seed[`validation_${what}`]) },
  ];
  return [
    curves({ title: t("train.curves_accuracy"), lines: lines("accuracy"), top: 1 }),
    curves({ title: t("train.curves_loss"), lines: lines("loss") }),
    ...(seeds.length > 1 ? [el("p", { class: "soft small" }, t("train.curves_band", { n: seeds.length }))] : []),
  ];
}

/** @param {any} job */
async function show(job) {
  shown = `${job.id} ${job.state}`;
  const box = byId("train-result");
  if (job.state !== "done") {
    const words = job.state === "failed"
      ? t("train.failed", { message: job.error ? [job.error.message, job.error.hint].filter(Boolean).join(" · ") : t("error.ours") })
      : t(job.state === "cancelled" ? "train.cancelled" : "train.lost");
    box.replaceChildren(el("p", { class: job.state === "cancelled" ? "note" : "note bad", role: "status" }, words));
    return;
  }
  const view = await api(`/api/train/result?job=${job.id}`);
  if (!trainedOn && view.unchanged) trainedOn = now()?.listing ?? "";
  box.replaceChildren(result(view));
  enable();
}

/** This training beside the one before it. @param {any} before @param {any} now */
function whatChanged({ score, difference, n_photos, per_class, recipe }, now) {
  const points = (/** @type {number} */ share) => SIGNED.format(Math.round(1000 * share) / 10).replace("-", "−");
  const { value, low, high } = difference;
  const verdict = low > 0 ? "train.change_better" : high < 0 ? "train.change_worse" : "train.change_none";
  const cell = (/** @type {any} */ part) => el("td", { class: "n" }, part.estimate
    ? `${percent(part.estimate.value)} (${number(part.correct)}/${number(part.n)})` : "–");
  return el("div", { class: "changed" },
    el("p", null, t(verdict)),
    el("p", { class: "small soft" }, t("train.change", { before: percent(score.value), score: percent(now.score.value),
      points: points(value), low: points(low), high: points(high), then: number(n_photos[0]), n: number(n_photos[1]) }),
      recipe === now.recipe ? "" : ` ${t("train.change_recipe", { recipe: t(`study.recipe_${recipe}`) })}`),
    per_class.length > 0 && el("details", { class: "small" }, el("summary", null, t("train.change_by_class")),
      el("div", { class: "scroll" }, el("table", null,
        el("thead", null, el("tr", null, ...["class", "change_then", "change_now"].map((key, i) =>
          el("th", { scope: "col", class: i ? "n" : null }, t(`train.${key}`))))),
        el("tbody", null, ...per_class.map((/** @type {any} */ one) => el("tr", null,
          el("th", { scope: "row" }, one.label), cell(one.before), cell(one.now))))))));
}

/** @param {any} view */
function result(view) {
  const { score } = view;
  return el("div", { class: "stack result", role: "status" },
    score && el("p", { class: "score number" }, percent(score.value), el("small", null, t("train.held_back"))),
    score && share(score, { correct: Math.round(score.value * score.n), n: score.n, large: true }),
    score && el("p", { class: "soft small" }, t("train.validation_note", { n: number(score.n) })),
    view.before && whatChanged(view.before, view),
    view.rejects.length > 0 && el("p", { class: "small" }, t("train.left_out", { n: number(view.rejects.length) }), " ",
      el("button", { type: "button", class: "inline", onclick: () => showRejects(view.rejects, view.rejects.length,
        t("train.left_out_title")) }, t("collect.show_rejects"))),
    el("p", { class: "soft small done" }, t("train.done", { time: duration(view.seconds) })),
    el("button", { type: "button", class: "hood-button", onclick: () => openHood(view) }, t("train.hood")));
}

/** Everything that a training tells, as wide as the window. @param {any} view */
function openHood(view) {
  const part = (/** @type {string} */ title, /** @type {Node[]} */ ...content) =>
    el("section", null, el("h3", null, title), ...content);
  const dialog = el("dialog", { class: "hood-sheet", "aria-labelledby": "hood-title", onclose: () => dialog.remove() },
    el("form", { method: "dialog", class: "spread" }, el("h2", { id: "hood-title" }, t("train.hood")),
      el("button", null, t("common.close"))),
    el("div", { class: "hood" },
      view.per_class && part(t("train.per_class"), shareTable("", t("train.class"), view.per_class)),
      view.confusion && part(t("train.confusion"), confusion(view.confusion, (truth) => { dialog.close(); openGrid(truth); })),
      view.seeds.length > 0 && part(t("train.curves"), el("div", { class: "charts" }, ...charts(view.seeds))),
      part(t("train.log_lines"), el("ul", { class: "plain small" },
        ...view.sentences.map((/** @type {string} */ one) => el("li", { lang: spokenIn(one) }, one))))));
  document.body.append(dialog);
  dialog.showModal();
}
