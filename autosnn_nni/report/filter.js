// Sliders on the objectives: only architectures within all limits are drawn and listed.
addEventListener("load", () => {
  const form = document.getElementById("filter");
  if (!form) return;
  const sliders = [...form.querySelectorAll("input[type=range]")];
  const figures = [...document.querySelectorAll("#search .js-plotly-plot")];
  const columns = ["x", "y", "text", "customdata"];
  const filtered = figures.flatMap(figure => figure.data.flatMap((trace, index) => trace.meta
    ? [{figure, index, meta: trace.meta, whole: columns.map(column => trace[column])}]
    : []));

  // The first three columns of customdata are for the text beside the pointer.
  function isWithin(values) {
    return sliders.every((slider, place) => {
      const {atLeast, values: limits} = JSON.parse(slider.dataset.slider);
      const limit = limits[slider.value];
      const open = slider.value === (atLeast ? slider.min : slider.max);
      return open || (atLeast ? values[place] >= limit : values[place] <= limit);
    });
  }

  function update() {
    for (const slider of sliders) {
      const {atLeast, texts} = JSON.parse(slider.dataset.slider);
      const open = slider.value === (atLeast ? slider.min : slider.max);
      const text = open ? "any" : texts[slider.value];
      slider.previousElementSibling.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    }
    const counts = {};
    for (const {figure, index, meta, whole} of filtered) {
      const rows = whole[3].map((row, place) => place).filter(place => isWithin(whole[3][place].slice(3)));
      const change = {visible: meta !== "evaluated" || !form.elements.hide.checked};
      columns.forEach((column, which) => { change[column] = [rows.map(row => whole[which][row])]; });
      Plotly.restyle(figure, change, [index]);
      counts[meta] ??= `${rows.length} of ${whole[3].length}`;
    }
    for (const row of document.querySelectorAll("[data-values]")) {
      row.hidden = !isWithin(JSON.parse(row.dataset.values));
    }
    form.querySelector("[role=status]").textContent =
      `Within these limits: ${counts.evaluated} architectures, ${counts.front} on the Pareto front.`;
  }

  form.addEventListener("input", update);
  update();
});
