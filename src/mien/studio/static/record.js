// The recorder of a class: the camera, and a button that records while it is held.
// Laws: frames are sent in the order they were taken, a few at a time; what was taken is sent even
// when the recorder is closed meanwhile, and kept until the studio has stored it: a frame exists
// nowhere else.
// @ts-check

import { el, number, t, tell } from "./mien.js";
import { cameras, cameraTrouble, grabber, openCamera } from "./camera.js";
import { look } from "./state.js";
import { sendBatch } from "./upload.js";

const EVERY_MS = 100;
const SIDE_PX = 480;
const QUALITY = 0.92;
const A_FEW = 8;
const RETRY_MS = 2000;

/** Frames of this tab that are not stored yet. */
let unstored = 0;
// The browser asks before it closes a tab with frames that nobody else has.
window.addEventListener("beforeunload", (event) => { if (unstored) event.preventDefault(); });

/**
 * Make a recorder.
 * @param {string} label the class
 * @param {() => void} onClose
 */
export function recorder(label, onClose) {
  const video = el("video", { playsinline: true, class: "mirrored" });
  const count = el("span", { class: "number" });
  const hold = el("button", { type: "button", class: "main hold" }, t("camera.hold"));
  const toggle = el("input", { type: "checkbox" });
  const mirror = el("input", { type: "checkbox", checked: true,
    onchange: () => video.classList.toggle("mirrored", mirror.checked) });
  const which = el("select", { "aria-label": t("camera.which"), hidden: true,
    onchange: () => start(which.value) });
  const trouble = el("p", { class: "note warn", role: "alert", hidden: true });
  const node = el("div", { class: "recorder", role: "group", "aria-label": t("camera.title", { label }) },
    el("div", { class: "viewfinder" }, video, el("span", { class: "dot", "aria-hidden": "true" })),
    trouble,
    el("div", { class: "row" }, hold, count,
      el("button", { type: "button", class: "quiet", onclick: close }, t("common.close"))),
    el("div", { class: "row small" },
      el("label", { class: "check" }, toggle, t("camera.toggle")),
      el("label", { class: "check" }, mirror, t("camera.mirror")), which),
    el("p", { class: "soft small" }, t("camera.keys")));

  /** @type {{close: () => void} | null} */
  let camera = null;
  /** @type {(() => Promise<Blob>) | null} */
  let grab = null;
  let recording = false;
  let taken = 0;
  /** @type {{file: Blob, path: string}[]} */
  let waiting = [];
  let sending = false;
  let closed = false;
  let held = false;

  async function start(deviceId = "") {
    trouble.hidden = true;
    stop();
    camera?.close();
    try {
      camera = await openCamera(video, { deviceId, onEnd: () => { stop(); say(t("camera.gone")); } });
    } catch (error) {
      say(cameraTrouble(error));
      return;
    }
    if (closed) { camera.close(); return; }
    grab = grabber(video, { side_px: SIDE_PX, quality: QUALITY });
    const all = await cameras();
    which.replaceChildren(...all.map((one) => el("option", { value: one.id }, one.name)));
    if (deviceId) which.value = deviceId;
    which.hidden = all.length < 2;
    hold.disabled = false;
  }

  /** @param {string} text */
  function say(text) {
    trouble.textContent = text;
    trouble.hidden = false;
    hold.disabled = true;
  }

  async function record() {
    if (recording || !grab || hold.disabled) return;
    recording = true;
    node.classList.add("recording");
    hold.textContent = toggle.checked ? t("camera.stop") : t("camera.hold");
    let next = performance.now();
    while (recording && grab) {
      const frame = await grab();
      taken += 1;
      count.textContent = t("camera.recording", { n: number(taken) });
      waiting.push({ file: frame, path: frameName(taken) });
      unstored += 1;
      send();
      next = Math.max(next + EVERY_MS, performance.now() + 5);
      await new Promise((go) => setTimeout(go, next - performance.now()));
    }
  }

  function stop() {
    recording = false;
    node.classList.remove("recording");
    hold.textContent = t("camera.hold");
    if (taken && !held) count.textContent = t("camera.recorded", { n: number(taken) });
    send();
  }

  /** Whatever the reason, what was taken is kept and tried again; it is told once. @param {unknown} error */
  function hold_on(error) {
    if (!held) tell(error);
    held = true;
    stop();
    count.textContent = t("camera.waiting", { n: number(waiting.length) });
    setTimeout(send, RETRY_MS);
  }

  async function send() {
    if (sending || (waiting.length < A_FEW && recording) || !waiting.length) return;
    sending = true;
    try {
      while (waiting.length && (!recording || waiting.length >= A_FEW)) {
        const some = waiting.slice(0, 3 * A_FEW);
        await sendBatch(some, label);
        waiting = waiting.slice(some.length);
        unstored -= some.length;
        held = false;
        await look().catch(() => {});
      }
      if (!recording) count.textContent = t("camera.recorded", { n: number(taken) });
    } catch (error) {
      hold_on(error);
    } finally {
      sending = false;
    }
  }

  function close() {
    closed = true;
    stop();
    camera?.close();
    node.remove();
    onClose();
  }

  hold.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    hold.setPointerCapture(event.pointerId);
    if (toggle.checked && recording) stop();
    else record();
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    hold.addEventListener(name, () => { if (!toggle.checked) stop(); });
  }
  hold.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (event.repeat) return;
    if (toggle.checked && recording) stop();
    else record();
  });
  hold.addEventListener("keyup", (/** @type {KeyboardEvent} */ event) => {
    if ((event.key === " " || event.key === "Enter") && !toggle.checked) stop();
  });
  hold.addEventListener("blur", () => { if (!toggle.checked) stop(); });
  hold.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
  hold.disabled = true;
  start();
  return { node, close, focus: () => hold.focus() };
}

/** Names sort by time, down to the frame. @param {number} n */
function frameName(n) {
  const stamp = new Date().toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `camera-${stamp}-${String(n).padStart(4, "0")}.jpg`;
}
