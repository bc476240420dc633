// Sliders on the objectives: only architectures within all limits are drawn and listed.
addEventListener("load", () => {
  const form = document.getElementById("filter");
  if (!form) return;
  const sliders = [...form.querySelectorAll("input[type=range]")].map(input => ({
    input, output: input.parentElement.querySelector("output"), ...JSON.parse(input.dataset.slider),
  }));
  const rows = [...document.querySelectorAll("[data-values]")].map(row => (
    {row, values: JSON.parse(row.dataset.values)}));
  const columns = ["x", "y", "text", "customdata"];
  const traces = [...document.querySelectorAll("#search .js-plotly-plot")].flatMap(figure =>
    figure.data.flatMap((trace, index) => trace.meta ? [{
      figure, index, dominated: trace.meta === "evaluated",
      whole: columns.map(column => trace[column]),
      // Before the values, customdata has three columns for the text beside the pointer.
      values: trace.customdata.map(row => row.slice(3)),
    }] : []));

  // The limit of a slider; none at its loose end.
  function limit({input, atLeast, values}) {
    return input.value === (atLeast ? input.min : input.max) ? null : values[input.value];
  }

  function update() {
    const limits = sliders.map(limit);
    const isWithin = values => sliders.every(({atLeast}, place) => limits[place] === null
      || (atLeast ? values[place] >= limits[place] : values[place] <= limits[place]));
    sliders.forEach(({input, output, texts}, place) => {
      output.textContent = limits[place] === null ? "any" : texts[input.value];
      input.setAttribute("aria-valuetext", output.textContent);
    });
    for (const {figure, index, dominated, whole, values} of traces) {
      const kept = [...values.keys()].filter(place => isWithin(values[place]));
      const change = {visible: !(dominated && form.elements.hide.checked)};
      columns.forEach((column, which) => { change[column] = [kept.map(place => whole[which][place])]; });
      Plotly.restyle(figure, change, [index]);
    }
    for (const {row, values} of rows) row.hidden = !isWithin(values);
    const count = all => `${all.filter(({values}) => isWithin(values)).length} of ${all.length}`;
    const evaluated = traces[0].values.map(values => ({values}));
    form.querySelector("[role=status]").textContent =
      `Within these limits: ${count(evaluated)} architectures, ${count(rows)} on the Pareto front.`;
  }

  form.addEventListener("input", update);
  update();
});
