"use strict";
const rows = [...document.querySelectorAll("details.row")];
const counts = [...document.querySelectorAll(".count")];
const search = document.querySelector("#search");
const shown = document.querySelector("#shown");

function apply() {
  const wanted = new Set(counts.filter((one) => one.ariaPressed === "true").map((one) => one.dataset.status));
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = (wanted.size > 0 && !wanted.has(row.dataset.status)) || !words.every((word) => text.includes(word));
  }
  for (const section of document.querySelectorAll("section.story")) {
    section.hidden = !section.querySelector("details.row:not([hidden])");
  }
  const visible = rows.filter((row) => !row.hidden).length;
  shown.textContent = visible === rows.length ? `${rows.length} rows` : `${visible} of ${rows.length} rows`;
}

for (const count of counts) {
  count.addEventListener("click", () => {
    count.ariaPressed = count.ariaPressed === "true" ? "false" : "true";
    apply();
  });
}
search.addEventListener("input", apply);
document.querySelector("#expand").addEventListener("click", () => {
  const visible = rows.filter((row) => !row.hidden);
  const open = visible.some((row) => !row.open);
  for (const row of visible) row.open = open;
});

function follow() {
  const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (row) {
    row.open = true;
    row.scrollIntoView();
  }
}
addEventListener("hashchange", follow);
addEventListener("beforeprint", () => rows.filter((row) => row.dataset.scenarios !== "0").forEach((row) => { row.open = true; }));
apply();
follow();
