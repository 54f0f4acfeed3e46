// What the board knows of the project: asked of the server again and again, told to whoever listens.
// Law: the server has the truth; after a change of ours it is asked at once, not assumed.
// @ts-check

import { api, ApiError, every, tell } from "./mien.js";

/**
 * @typedef {{label: string, n: number, faceless: number}} Class
 * @typedef {{version: string, listing: string, name: string, root: string, classes: Class[],
 *   n_photos: number, columns: string[], groups: Record<string, Record<string, Record<string,
 *   number>>>, trouble: string | null, looked_at: number, jobs: string, runs: string,
 *   undo: {kind: string, words: Record<string, string | number>} | null}} State
 */

/** @type {State | null} */
let latest = null;
/** @type {Set<(state: State) => void>} */
const listeners = new Set();

/** The latest state, null before the first answer. */
export const now = () => latest;

/** Be told the state now, when there is one, and after each change. @param {(state: State) => void} listener */
export function listen(listener) {
  listeners.add(listener);
  if (latest) listener(latest);
  return () => listeners.delete(listener);
}

/**
 * Ask the server now.
 * @param {{again?: boolean}} [options] `again`: tell listeners even if nothing changed
 */
export async function look({ again = false } = {}) {
  const answer = await api(`/api/project?version=${encodeURIComponent(latest?.version ?? "")}`);
  if (!answer.unchanged) latest = answer;
  if (latest && (again || !answer.unchanged)) for (const listener of listeners) listener(latest);
}

/**
 * Change something, tell what went wrong, and look again.
 * @param {string} path
 * @param {unknown} json
 * @returns {Promise<any>} the answer, null where it went wrong
 */
export async function change(path, json) {
  try {
    return await api(path, { json });
  } catch (error) {
    tell(error);
    return null;
  } finally {
    await look().catch((error) => { if (!(error instanceof ApiError)) throw error; });
  }
}

/** Begin to look every second and a half. */
export function begin() {
  let silent = false;
  every(1500, async () => {
    try {
      await look();
      silent = false;
    } catch (error) {
      // Say it once, not every second.
      if (!silent) tell(error);
      silent = true;
    }
  });
}
