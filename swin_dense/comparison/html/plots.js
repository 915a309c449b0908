// Draws the plots with plotly.js, in the colours of the page, again when those or the width change.
(() => {
  'use strict';
  // Okabe and Ito's colours, darker on white and lighter on black; a dash and a marker tell models apart without them
  const COLORS = {
    light: ['#0072b2', '#c44e00', '#00785a', '#a8467f', '#6a4c93', '#806000', '#444444', '#b3123f'],
    dark: ['#5cb8f0', '#f59a5c', '#3ccba2', '#ec9fca', '#bda4f0', '#f0cb50', '#dddddd', '#ff8fa3'],
  };
  const MARKERS = ['circle', 'square', 'diamond', 'triangle-up', 'cross', 'x', 'pentagon', 'star'];
  const DASHES = ['solid', 'dash', 'dot', 'dashdot', 'longdash', 'longdashdot', '6px,2px', '2px,6px'];
  const CONFIG = {
    responsive: true, displayModeBar: false, displaylogo: false, showLink: false, plotlyServerURL: '',
    topojsonURL: '', scrollZoom: false,
  };
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');
  const coarse = window.matchMedia('(pointer: coarse)');

  function style(place) {
    const colors = dark.matches ? COLORS.dark : COLORS.light;
    return {
      color: colors[place % colors.length],
      marker: MARKERS[place % MARKERS.length],
      dash: DASHES[place % DASHES.length],
    };
  }

  // plotly.js takes text for markup
  function plain(text) {
    return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  }

  function variable(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function layout(xTitle, yTitle, legendAt) {
    const axis = {
      gridcolor: variable('--line'), linecolor: variable('--line'), zeroline: false, automargin: true, ticks: '',
    };
    return {
      paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      font: {family: variable('--sans'), size: 13, color: variable('--text')},
      margin: {l: 50, r: 16, t: 12, b: 44},
      xaxis: {...axis, title: {text: plain(xTitle), standoff: 8}},
      yaxis: {...axis, title: {text: plain(yTitle), standoff: 8}},
      legend: {orientation: 'h', y: legendAt, yanchor: 'top', x: 0, xanchor: 'left', font: {size: 12}},
      hoverlabel: {
        bgcolor: variable('--paper'), bordercolor: variable('--strong'), align: 'left',
        font: {family: variable('--sans'), color: variable('--text')},
      },
      hovermode: 'closest', dragmode: coarse.matches ? false : 'zoom', showlegend: true,
      transition: {duration: still.matches ? 0 : 150},
    };
  }

  function scatter(values, div) {
    const cost = div.dataset.cost;
    const shown = values.models.filter((model) => model.costs[cost] !== null && model.score !== null);
    const onFront = shown.filter((model) => values.fronts[cost].includes(model.name));
    onFront.sort((one, other) => one.costs[cost] - other.costs[cost]);
    const front = {
      x: onFront.map((model) => model.costs[cost]), y: onFront.map((model) => model.score), mode: 'lines',
      name: 'Pareto front', line: {color: variable('--soft'), width: 1.5, dash: 'dot'}, hoverinfo: 'skip',
    };
    const points = shown.map((model) => ({
      x: [model.costs[cost]], y: [model.score], mode: 'markers', name: plain(model.name),
      marker: {
        color: style(model.style).color, symbol: style(model.style).marker, size: 11,
        line: {color: variable('--paper'), width: 1},
      },
      error_y: {
        type: 'data', symmetric: false, thickness: 1.5, width: 4, color: style(model.style).color,
        array: [model.high === null ? 0 : model.high - model.score],
        arrayminus: [model.low === null ? 0 : model.score - model.low],
      },
      hovertext: [model.lines.map(plain).join('<br>')], hoverinfo: 'text',
    }));
    return [onFront.length > 1 ? [front, ...points] : points, layout(values.axes[cost], values.score, -0.24)];
  }

  function curves(values, div) {
    const select = document.querySelector(`select[data-plot="${div.id}"]`);
    const quantity = select ? select.value : values.chosen;
    const named = new Set();
    const lines = values.curves.filter((curve) => curve.quantity === quantity).map((curve) => {
      const {color, marker, dash} = style(curve.style);
      const isFirst = !named.has(curve.model);
      named.add(curve.model);
      return {
        x: curve.steps, y: curve.values, name: plain(curve.model), legendgroup: String(curve.style), showlegend: isFirst,
        mode: curve.steps.length > 60 ? 'lines' : 'lines+markers', line: {color, dash, width: 1.5},
        marker: {symbol: marker, size: 6, color}, hoverinfo: 'text',
        hovertext: curve.values.map((value, place) => plain(
          `${curve.model}, seed ${curve.seed}\niteration ${curve.steps[place]}: ${value === null ? '–' : value.toPrecision(4)}`
        ).replace('\n', '<br>')),
      };
    });
    return [lines, layout('Iteration', quantity, -0.14)];
  }

  const KINDS = {scatter, curves};

  function draw(div) {
    const values = JSON.parse(document.getElementById(div.dataset.values).textContent);
    const [data, drawn] = KINDS[div.dataset.kind](values, div);
    div.querySelector('.fallback')?.remove();
    return Plotly.react(div, data, drawn, CONFIG);
  }

  const all = [...document.querySelectorAll('.plot')];
  all.forEach(draw);
  for (const select of document.querySelectorAll('select[data-plot]')) {
    select.addEventListener('change', () => draw(document.getElementById(select.dataset.plot)));
  }
  dark.addEventListener('change', () => all.forEach(draw));
})();
