// A figure is drawn when it is parsed, before the page has its final width.
addEventListener("load", () => dispatchEvent(new Event("resize")));
// On paper figures are scaled to its width, and nothing is folded.
addEventListener("beforeprint", () => {
  for (const svg of document.querySelectorAll(".main-svg")) {
    svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
  }
  for (const details of document.querySelectorAll("details")) details.open = true;
});
addEventListener("afterprint", () => {
  for (const svg of document.querySelectorAll(".main-svg")) svg.removeAttribute("viewBox");
});
// On a phone a row is a card, and every cell has its column's title beside it.
for (const table of document.querySelectorAll("table:not(.matrix)")) {
  const titles = [...table.tHead.rows[0].cells].map(cell => cell.textContent);
  for (const row of table.tBodies[0].rows) {
    [...row.cells].forEach((cell, column) => { cell.dataset.title = titles[column]; });
  }
}
