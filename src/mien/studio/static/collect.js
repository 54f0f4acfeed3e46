import { api, byId, every } from "./mien.js";
every(1500, async () => {
  const state = await api("/api/project");
  byId("start").hidden = state.n_photos > 0 || state.classes.length > 0;
  byId("board").hidden = !byId("start").hidden;
});
