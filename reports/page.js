"use strict";
const rows = [...document.querySelectorAll("details.row")];
const counts = [...document.querySelectorAll(".count[data-status]")];
const never = document.querySelector(".count[data-seen]");
const picks = [...document.querySelectorAll(".pick")];
const fields = ["story", "standin", "seen", "q"].map((id) => document.getElementById(id));
const [story, standin, seen, words] = fields;
const shown = document.getElementById("shown");
const reset = document.getElementById("reset");

function chosen() {
  return counts.filter((one) => one.ariaPressed === "true").map((one) => one.dataset.status);
}

function onStandIn(row) {
  const on = row.dataset.standins.split(" ").filter(Boolean);
  if (standin.value === "yes") return on.length > 0;
  if (standin.value === "no") return on.length === 0;
  return on.includes(standin.value);
}

function matches(row, statuses, sought) {
  const text = sought.length ? row.textContent.toLowerCase() : "";
  return (statuses.length === 0 || statuses.includes(row.dataset.status))
    && (!story.value || row.dataset.story === story.value)
    && (!standin.value || onStandIn(row))
    && (!seen.value || row.dataset.seen.split(" ").includes(seen.value))
    && sought.every((word) => text.includes(word));
}

function show() {
  const statuses = chosen();
  const sought = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) row.hidden = !matches(row, statuses, sought);
  for (const section of document.querySelectorAll("section.story")) {
    section.hidden = !section.querySelector("details.row:not([hidden])");
  }
  never.ariaPressed = String(seen.value === "never");
  for (const pick of picks) pick.ariaPressed = String(pick.dataset.story === story.value);
  const visible = rows.filter((row) => !row.hidden).length;
  shown.textContent = visible === rows.length ? `${rows.length} rows` : `${visible} of ${rows.length} rows`;
  document.getElementById("nothing").hidden = visible > 0;
  reset.hidden = statuses.length === 0 && fields.every((field) => !field.value);
}

// What is filtered stands in the address, so that the view can be sent as it is.
function keep() {
  const state = new URLSearchParams();
  if (chosen().length) state.set("status", chosen().join(","));
  for (const field of fields) if (field.value) state.set(field.id, field.value);
  const hash = state.toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

function changed() {
  show();
  keep();
}

function set(state) {
  const statuses = (state.get("status") || "").split(",");
  for (const count of counts) count.ariaPressed = String(statuses.includes(count.dataset.status));
  for (const field of fields) {
    field.value = state.get(field.id) || "";
    if (field.selectedIndex === -1) field.value = "";
  }
  show();
}

function follow() {
  const hash = location.hash.slice(1);
  if (hash.includes("=")) {
    set(new URLSearchParams(hash));
    return;
  }
  const row = hash && document.getElementById(decodeURIComponent(hash));
  if (!row) return;
  if (row.hidden) set(new URLSearchParams());
  row.open = true;
  row.scrollIntoView();
}

for (const count of counts) {
  count.addEventListener("click", () => {
    count.ariaPressed = count.ariaPressed === "true" ? "false" : "true";
    changed();
  });
}
never.addEventListener("click", () => {
  seen.value = seen.value === "never" ? "" : "never";
  changed();
});
for (const pick of picks) {
  pick.addEventListener("click", () => {
    story.value = story.value === pick.dataset.story ? "" : pick.dataset.story;
    changed();
  });
}
for (const field of fields) field.addEventListener("input", changed);
reset.addEventListener("click", () => {
  set(new URLSearchParams());
  keep();
});
document.getElementById("expand").addEventListener("click", () => {
  const visible = rows.filter((row) => !row.hidden);
  const open = visible.some((row) => !row.open);
  for (const row of visible) row.open = open;
});
addEventListener("hashchange", follow);
addEventListener("beforeprint", () => {
  for (const row of rows) if (row.dataset.scenarios !== "0") row.open = true;
});
show();
follow();
