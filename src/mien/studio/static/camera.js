// The one camera of a page: opened once, shared by whoever shows it, closed when the last lets go.
// Knows nothing of what is done with frames. Law: a frame leaves this page only where its user
// sends it; nothing is kept here.
// @ts-check

import { t } from "./mien.js";

/** @type {{stream: MediaStream, deviceId: string, users: Set<object>} | null} */
let open = null;

/**
 * Show the camera in a video element.
 * @param {HTMLVideoElement} video
 * @param {{deviceId?: string, onEnd?: () => void}} [options] `onEnd`: the camera was taken away
 * @returns {Promise<{stream: MediaStream, close: () => void}>}
 */
export async function openCamera(video, { deviceId = "", onEnd } = {}) {
  if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "NotFoundError");
  if (open && deviceId && open.deviceId !== deviceId) stop();
  if (!open || !open.stream.active) {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { width: { ideal: 640 }, height: { ideal: 480 },
        ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" }) },
    });
    const [track] = stream.getVideoTracks();
    open = { stream, deviceId: track.getSettings().deviceId ?? deviceId, users: new Set() };
  }
  const mine = open;
  const user = {};
  mine.users.add(user);
  const ended = () => { close(); onEnd?.(); };
  mine.stream.getVideoTracks()[0].addEventListener("ended", ended, { once: true });
  function close() {
    mine.stream.getVideoTracks()[0]?.removeEventListener("ended", ended);
    video.srcObject = null;
    mine.users.delete(user);
    if (mine.users.size === 0 && open === mine) stop();
  }
  video.srcObject = mine.stream;
  video.muted = true;
  await video.play();
  return { stream: mine.stream, close };
}

function stop() {
  for (const track of open?.stream.getTracks() ?? []) track.stop();
  open = null;
}

/** The cameras by name; the browser tells names only once a camera was allowed. */
export async function cameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter((device) => device.kind === "videoinput" && device.deviceId)
    .map((device, i) => ({ id: device.deviceId, name: device.label || t("camera.one", { n: i + 1 }) }));
}

/** What to tell the user when `openCamera` failed. @param {unknown} error */
export function cameraTrouble(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return t("camera.denied");
  if (name === "NotFoundError" || name === "OverconstrainedError") return t("camera.none");
  return t("camera.busy");
}

/**
 * Make a function that gives the video's present frame, its centred square, as a JPEG.
 * @param {HTMLVideoElement} video
 * @param {{side_px: number, quality?: number}} options
 * @returns {() => Promise<Blob>}
 */
export function grabber(video, { side_px, quality = 0.85 }) {
  const canvas = new OffscreenCanvas(side_px, side_px);
  const context = canvas.getContext("2d", { alpha: false,
    // Each frame is read back to be encoded: kept by the processor, it need not come from a GPU.
    willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "medium";
  return () => {
    const side = Math.min(video.videoWidth, video.videoHeight);
    context.drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2,
      side, side, 0, 0, side_px, side_px);
    return canvas.convertToBlob({ type: "image/jpeg", quality });
  };
}
