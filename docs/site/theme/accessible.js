// What the theme leaves out for keyboards and screen readers; it builds parts of a page by script.
function complete() {
  for (const scrolls of document.querySelectorAll(".md-typeset__scrollwrap, pre > code"))
    scrolls.tabIndex = 0;
  document.querySelector(".md-search").setAttribute("aria-label", "Search");
  nameApart(document.querySelectorAll("nav"));
}

// Each gets a name of its own: a number follows one that was there before.
function nameApart(navigations) {
  const times = new Map();
  for (const one of navigations) {
    const by = document.getElementById(one.getAttribute("aria-labelledby"));
    const name = one.getAttribute("aria-label") ?? by?.textContent.trim() ?? "Block of code";
    times.set(name, (times.get(name) ?? 0) + 1);
    one.removeAttribute("aria-labelledby");
    one.setAttribute("aria-label", times.get(name) > 1 ? `${name} ${times.get(name)}` : name);
  }
}

document$.subscribe(() => setTimeout(complete));
