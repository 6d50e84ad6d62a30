// Charts of the console: an element with data-chart names what is drawn, data-values holds the figures.
// The table below each chart says the same in numbers; colours follow the page's look.
"use strict";

function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function frame() {
  return {
    aria: { enabled: true },
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    textStyle: { color: colourOf("--ink") },
    legend: { textStyle: { color: colourOf("--ink") }, top: 0 },
    grid: { left: 8, right: 8, top: 56, bottom: 8, containLabel: true },
    tooltip: { trigger: "axis", renderMode: "richText" },  // drawn, not written as markup: the page allows no inline style
  };
}

const DRAWN = {
  months: (values) => ({
    ...frame(),
    xAxis: { type: "category", data: values.months, axisLabel: { color: colourOf("--ink-soft") } },
    yAxis: [
      { type: "value", name: "件", minInterval: 1, axisLabel: { color: colourOf("--ink-soft") }, splitLine: { lineStyle: { color: colourOf("--line") } } },
      { type: "value", name: "万元", axisLabel: { color: colourOf("--ink-soft") }, splitLine: { show: false } },
    ],
    series: [
      { name: "案件数", type: "bar", data: values.cases, itemStyle: { color: "#2f6fd1" } },
      { name: "结案数", type: "bar", data: values.closed, itemStyle: { color: "#2a9150" } },
      { name: "集资金额（万元）", type: "line", yAxisIndex: 1, data: values.involved, itemStyle: { color: "#e07b1f" } },
    ],
  }),
};

// What is counted by label: bars side by side (lying where there is one series of kinds), or lines over days.
const COLOURS = ["#2f6fd1", "#e07b1f", "#2a9150"];

DRAWN.series = (values) => {
  const lying = values.flat === true;
  const soft = { color: colourOf("--ink-soft") };
  const labels = { type: "category", data: values.labels, inverse: lying, axisLabel: soft, axisTick: { show: false } };
  const numbers = { type: "value", name: values.unit || "", minInterval: 1, axisLabel: soft, nameTextStyle: soft, splitLine: { lineStyle: { color: colourOf("--line") } } };
  return {
    ...frame(),
    legend: { ...frame().legend, show: values.series.length > 1 },
    grid: { left: 8, right: 24, top: values.series.length > 1 ? 48 : 24, bottom: 8, containLabel: true },
    xAxis: lying ? numbers : labels,
    yAxis: lying ? labels : numbers,
    series: values.series.map((one, number) => ({
      name: one.name, data: one.data, type: values.kind === "line" ? "line" : "bar", symbolSize: 6, barMaxWidth: 28,
      itemStyle: { color: COLOURS[number] }, lineStyle: { type: number ? "dashed" : "solid" },
    })),
  };
};

function draw(element) {
  const chart = echarts.getInstanceByDom(element) || echarts.init(element);
  const values = JSON.parse(element.dataset.values);
  chart.setOption(DRAWN[element.dataset.chart](values), true);
  chart.off("click");
  chart.on("click", (point) => { if (values.links && values.links[point.dataIndex]) location.assign(values.links[point.dataIndex]); });
  return chart;
}

// Pictures ------------------------------------------------------------------------------------------------------------

function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name}.png`;
  link.click();
}

// A map is drawn anew with the colours that the style sheet gives it now, since a picture knows no style sheet.
function saveMap(button) {
  const map = button.closest("section").querySelector("svg.choropleth");
  const copy = map.cloneNode(true);
  const drawn = [...map.querySelectorAll("path, text")];
  [...copy.querySelectorAll("path, text")].forEach((one, number) => {
    const style = getComputedStyle(drawn[number]);
    for (const name of ["fill", "stroke", "stroke-width", "font-size", "text-anchor", "paint-order"]) one.setAttribute(name, style.getPropertyValue(name));
    one.setAttribute("font-family", "sans-serif");
  });
  const { width, height } = map.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const picture = new Image();
  picture.addEventListener("load", () => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height: height + 48 });
    const paper = canvas.getContext("2d");
    paper.fillStyle = colourOf("--surface");
    paper.fillRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(picture, 0, 0);
    paper.fillStyle = colourOf("--ink");
    paper.font = "22px sans-serif";
    paper.fillText(`${button.dataset.saveMap}　${button.dataset.credit}`, 8, height + 32);
    save(canvas.toDataURL("image/png"), button.dataset.saveMap);
  });
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
}

function saveChart(button) {
  const chart = echarts.getInstanceByDom(button.closest("section").querySelector("[data-chart]"));
  if (chart) save(chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: colourOf("--surface") }), button.dataset.saveChart);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save-chart], [data-save-map]");
  if (button) (button.dataset.saveMap ? saveMap : saveChart)(button);
});

const charts = [...document.querySelectorAll("[data-chart]")].map(draw);
addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
addEventListener("beforeprint", () => charts.forEach((chart) => chart.resize()));
new MutationObserver(() => document.querySelectorAll("[data-chart]").forEach(draw))
  .observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
