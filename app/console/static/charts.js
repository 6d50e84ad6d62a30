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

function draw(element) {
  const chart = echarts.getInstanceByDom(element) || echarts.init(element);
  chart.setOption(DRAWN[element.dataset.chart](JSON.parse(element.dataset.values)), true);
  return chart;
}

const charts = [...document.querySelectorAll("[data-chart]")].map(draw);
addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
addEventListener("beforeprint", () => charts.forEach((chart) => chart.resize()));
new MutationObserver(() => document.querySelectorAll("[data-chart]").forEach(draw))
  .observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
