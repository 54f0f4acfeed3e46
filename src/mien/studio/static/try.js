// Try: the camera or a picture in, the model's answer out; and the model in every format to take.
// Laws: one frame is under way at a time and the next is sent on the answer, so a slow machine only
// gives fewer answers; what is shown is the answer to the frame that was sent, smoothed if asked.
// @ts-check

import { api, byId, classColour, el, percent, svg, t, tell, toast } from "./mien.js";
import { cameras, cameraTrouble, grabber, openCamera } from "./camera.js";

const FRAME_PX = 320; // what the face detector looks at anyway
const SMOOTHING = 0.35; // weight of the newest answer; at 15 a second half of a change shows in 0.1 s
const RETRY_MS = 1500;
const STALE_MS = 150; // a frame that waited longer is taken anew
const KEPT_MEASURES = 2000; // the browser would keep them for ever

/** @type {any[]} */
let models = [];
/** @type {Map<string, {row: HTMLElement, fill: HTMLElement, value: HTMLElement}>} */
let bars = new Map();
/** @type {Record<string, number>} */
let smooth = {};
/** @type {{close: () => void} | null} */
let camera = null;
/** @type {WebSocket | null} */
let socket = null;
/** @type {number[]} */
let answers = [];
let n_frames = 0;

const stage = byId("try-stage");
const video = byId("try-video");
const picture = byId("try-picture");
const chosen = () => byId("try-model").value;

/** Read the list of models anew; called at the start and after each training. */
export async function refresh() {
  const before = chosen();
  const known = models.map((model) => `${model.id} ${model.made}`).join();
  models = (await api("/api/try/models")).models;
  const has = models.length > 0;
  byId("try-empty").hidden = has;
  byId("try-body").hidden = !has;
  if (!has || known === models.map((model) => `${model.id} ${model.made}`).join()) return;
  const newest = known === "" || before === known.split(" ")[0];
  byId("try-model").replaceChildren(...models.map((model) => el("option", { value: model.id }, model.id)));
  byId("try-model").value = !newest && models.some((model) => model.id === before) ? before : models[0].id;
  byId("try-model-field").hidden = models.length < 2;
  useModel();
}

function useModel() {
  const model = models.find((one) => one.id === chosen());
  if (!model) return;
  smooth = {};
  bars = new Map();
  byId("try-bars").replaceChildren(...model.labels.map((/** @type {string} */ label, /** @type {number} */ i) => {
    const fill = el("span", { style: { "--colour": classColour(i) } });
    const value = el("span", { class: "value" }, "–");
    const row = el("li", null, el("span", { class: "name" }, label), el("div", { class: "bar" }, fill), value);
    bars.set(label, { row, fill, value });
    return row;
  }));
  if (socket) { hangUp(); connect(); }
}

/** @param {any} answer */
function show(answer) {
  const waiting = !answer.probs;
  byId("try-bars").classList.toggle("waiting", waiting);
  box(answer);
  sayOnce(answer);
  if (waiting) return;
  const smoothing = Boolean(camera) && byId("try-smooth").checked;
  let top = "";
  for (const [label, p] of Object.entries(answer.probs)) {
    const before = smooth[label];
    smooth[label] = smoothing && before !== undefined ? before + SMOOTHING * (p - before) : p;
    if (top === "" || smooth[label] > smooth[top]) top = label;
  }
  for (const [label, { row, fill, value }] of bars) {
    fill.style.setProperty("--p", String(smooth[label] ?? 0));
    value.textContent = percent(smooth[label] ?? 0);
    row.classList.toggle("likeliest", label === top);
  }
}

/** @param {{reason: string | null, no_face: boolean}} answer */
function sayOnce({ reason, no_face }) {
  const note = byId("try-say");
  const words = no_face ? t("try.no_face") : reason ? t("try.no_answer", { reason }) : "";
  // Only changes are written: a screen reader reads each.
  if (note.textContent !== words) note.textContent = words;
  note.hidden = !words;
}

/** Draw the face's box over the picture as it is shown. @param {any} answer */
function box(answer) {
  const overlay = byId("try-overlay");
  if (!answer.face || !answer.size) { overlay.replaceChildren(); return; }
  const [width, height] = answer.size;
  const side = Math.max(width, height);
  const x = (/** @type {number} */ px) => (100 * (px + (side - width) / 2)) / side;
  const y = (/** @type {number} */ px) => (100 * (px + (side - height) / 2)) / side;
  const [left, top, right, bottom] = answer.face;
  const [x0, y0, x1, y1] = [x(left), y(top), x(right), y(bottom)];
  let frame = overlay.firstElementChild;
  if (!frame) { frame = svg("rect", { rx: 3 }); overlay.append(frame); }
  for (const [name, value] of Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 })) {
    frame.setAttribute(name, value.toFixed(2));
  }
}

async function startCamera() {
  const button = byId("try-camera");
  try {
    camera = await openCamera(video, { deviceId: byId("try-which").value, onEnd: () => {
      stopCamera();
      toast(t("camera.gone"), { bad: true });
    } });
  } catch (error) {
    toast(cameraTrouble(error), { bad: true });
    return;
  }
  smooth = {};
  button.setAttribute("aria-pressed", "true");
  button.textContent = t("try.camera_stop");
  show_stage("video");
  byId("try-camera-row").hidden = false;
  const known = await cameras();
  const which = byId("try-which");
  const now = which.value;
  which.replaceChildren(...known.map((one) => el("option", { value: one.id }, one.name)));
  if (known.some((one) => one.id === now)) which.value = now;
  which.hidden = known.length < 2;
  connect();
}

function stopCamera() {
  hangUp();
  camera?.close();
  camera = null;
  const button = byId("try-camera");
  button.setAttribute("aria-pressed", "false");
  button.textContent = t("try.camera");
  byId("try-camera-row").hidden = true;
  byId("try-rate").textContent = "";
  show_stage("none");
}

/** @param {"video" | "picture" | "none"} what */
function show_stage(what) {
  video.hidden = what !== "video";
  picture.hidden = what !== "picture";
  byId("try-note").hidden = what !== "none";
  byId("try-overlay").replaceChildren();
  stage.classList.toggle("mirrored", what === "video" && byId("try-mirror").checked);
}

function connect() {
  const line = new WebSocket(`ws://${location.host}/api/try/camera?run=${encodeURIComponent(chosen())}`);
  const grab = grabber(video, { side_px: FRAME_PX });
  const take = async () => ({ at: performance.now(), frame: await grab() });
  /** The frame that goes next: it is taken while the one before is answered. @type {ReturnType<typeof take> | null} */
  let next = null;
  let taken = 0;
  socket = line;
  answers = [];
  const send = async () => {
    if (socket !== line || line.readyState !== WebSocket.OPEN) return;
    if (document.hidden) { setTimeout(send, 250); return; }
    let { at, frame } = await (next ?? take());
    if (performance.now() - at > STALE_MS) ({ at, frame } = await take());
    next = null;
    if (line.readyState !== WebSocket.OPEN) return;
    taken = at;
    line.send(frame);
    next = take();
  };
  line.onmessage = (event) => {
    const answer = JSON.parse(event.data);
    if (answer.error) { toast([answer.error.message, answer.error.hint].filter(Boolean).join(" · "), { bad: true }); return; }
    if (!answer.labels) {
      show(answer);
      // Seen in the browser's own tools, and read by benchmarks/studio_preview.py.
      n_frames += 1;
      if (n_frames % KEPT_MEASURES === 0) performance.clearMeasures("preview");
      rate(performance.measure("preview", { start: taken, end: performance.now() }).duration);
    }
    send();
  };
  line.onclose = () => {
    if (socket !== line) return;
    // The server was stopped or started anew: ask again while the camera is on.
    setTimeout(() => { if (socket === line && camera) connect(); }, RETRY_MS);
  };
}

function hangUp() {
  const line = socket;
  socket = null;
  line?.close();
}

/** @param {number} round_trip_ms from the moment a frame was taken to its answer on the screen */
function rate(round_trip_ms) {
  const now = performance.now();
  answers.push(now);
  if (answers.length > 30) answers.shift();
  if (answers.length % 6 || answers.length < 12) return;
  const per_second = (answers.length - 1) / ((now - answers[0]) / 1000);
  byId("try-rate").textContent = t("try.rate", { n: Math.round(per_second), ms: Math.round(round_trip_ms) });
  stage.dataset.rate = per_second.toFixed(1);
}

/** @param {File} file */
async function ask(file) {
  if (camera) stopCamera();
  const body = new FormData();
  body.append("file", file);
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(file);
  show_stage("picture");
  show(await api(`/api/try/picture?run=${encodeURIComponent(chosen())}`, { body }));
}

const guarded = (/** @type {(event?: any) => Promise<void>} */ work) =>
  (/** @type {any} */ event) => { work(event).catch(tell); };
byId("try-camera").onclick = guarded(async () => { if (camera) stopCamera(); else await startCamera(); });
byId("try-file").onclick = () => byId("try-input").click();
byId("try-input").onchange = guarded(async () => {
  const [file] = byId("try-input").files;
  byId("try-input").value = "";
  if (file) await ask(file);
});
byId("try-model").onchange = useModel;
byId("try-mirror").onchange = () => stage.classList.toggle("mirrored", Boolean(camera) && byId("try-mirror").checked);
byId("try-which").onchange = guarded(async () => { stopCamera(); await startCamera(); });
// A picture that the browser cannot show (TIFF) is still answered.
picture.onerror = () => { if (picture.src) { picture.hidden = true; byId("try-note").hidden = false; } };
stage.addEventListener("dragover", (/** @type {DragEvent} */ event) => {
  event.preventDefault(); event.stopPropagation(); stage.classList.add("dropping"); });
stage.addEventListener("dragleave", () => stage.classList.remove("dropping"));
stage.addEventListener("drop", guarded(async (event) => {
  event.preventDefault();
  event.stopPropagation();
  stage.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) await ask(file);
}));
byId("try-export").onclick = guarded(async () => (await import("./export.js")).openExport(chosen()));
refresh().catch(tell);
