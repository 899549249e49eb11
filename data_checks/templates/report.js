"use strict";
// Sorts and filters the tables that the page already shows. Without it everything is there, in order of urgency.
// A table of class "sortable" has th elements with data-sort; cells may have data-sort with the value to sort by.
// A table of class "groups" has one tbody an item, which moves as a whole.

function itemsOf(table) {
  return table.classList.contains("groups") ? [...table.tBodies] : [...table.tBodies[0].rows];
}

function keyOf(item, column) {
  const row = item.rows ? item.rows[0] : item;
  const cell = row.cells[column];
  if (!cell) return "";
  return (cell.hasAttribute("data-sort") ? cell.getAttribute("data-sort") : cell.textContent).trim();
}

function compare(a, b) {
  const numbers = [Number(a), Number(b)];
  if (numbers.every(Number.isFinite)) return numbers[0] - numbers[1];
  return a.localeCompare(b, undefined, { numeric: true, sensitivity: "base" });
}

function sortBy(table, header, column) {
  const first = header.dataset.sort === "number" ? "descending" : "ascending";
  const second = first === "ascending" ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? second : first;
  const sign = order === "ascending" ? 1 : -1;
  const items = itemsOf(table).map((item, place) => ({ item, place, key: keyOf(item, column) }));
  items.sort((a, b) => {
    // What has no value comes last either way; equals keep their order.
    if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "") || a.place - b.place;
    return sign * compare(a.key, b.key) || a.place - b.place;
  });
  const parent = items.length ? items[0].item.parentNode : null;
  const after = table.tFoot;
  for (const { item } of items) parent.insertBefore(item, parent === table ? after : null);
  for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if (!header.dataset.sort) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sortBy(table, header, column));
  });
}

function makeFilter(box) {
  const input = box.querySelector("input");
  const told = box.querySelector("output");
  const items = itemsOf(document.getElementById(input.getAttribute("aria-controls")));
  const names = items.map((item) => keyOf(item, 0).toLowerCase());
  const filter = () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    items.forEach((item, place) => {
      item.hidden = !names[place].includes(wanted);
      shown += item.hidden ? 0 : 1;
    });
    told.textContent = wanted ? `${shown} of ${items.length}` : "";
  };
  input.addEventListener("input", filter);
  box.hidden = false;
  filter();
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll(".filter").forEach(makeFilter);
