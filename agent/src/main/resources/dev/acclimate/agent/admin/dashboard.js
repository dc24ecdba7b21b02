'use strict';
(() => {
  const SPAN = 600000; // ms that curves show
  const HEAT_COLUMN = 10000; // ms in a column of the heat map
  const HEAT_COLUMNS = 60;
  const MOST_EVENTS = 200;
  const NONE = '–';

  const byId = id => document.getElementById(id);
  const models = new Map(); // name -> what is known of it
  let selected = null;
  let token = sessionStorage.getItem('acclimate-token');

  // --- asking the agent

  class Refused extends Error {
    constructor(status, message) {
      super(message);
      this.status = status;
    }
  }

  async function ask(path, options = {}) {
    const headers = {...options.headers};
    if (token) headers.authorization = 'Bearer ' + token;
    const response = await fetch('api/' + path, {...options, headers, cache: 'no-store'});
    if (response.ok) return response;
    let message = response.status + ' ' + response.statusText;
    try {
      message = (await response.json()).error || message;
    } catch { /* no JSON: the status has to do */ }
    throw new Refused(response.status, message);
  }

  const json = async path => (await ask(path)).json();
  const modelPath = rest => 'models/' + encodeURIComponent(selected) + (rest ? '/' + rest : '');

  function notice(text) {
    byId('notice').textContent = text;
    byId('notice').hidden = !text;
  }

  function login() {
    const dialog = byId('login');
    byId('token').value = '';
    if (!dialog.open) dialog.showModal();
    return new Promise(resolve => dialog.addEventListener('close', () => {
      token = byId('token').value.trim();
      sessionStorage.setItem('acclimate-token', token);
      resolve();
    }, {once: true}));
  }

  function confirmed(title, text, yes) {
    const dialog = byId('ask');
    byId('ask-title').textContent = title;
    byId('ask-text').textContent = text;
    byId('ask-yes').textContent = yes;
    dialog.returnValue = 'no';
    dialog.showModal();
    byId('ask-no').focus();
    return new Promise(resolve => dialog.addEventListener(
      'close', () => resolve(dialog.returnValue === 'yes'), {once: true}));
  }

  /** Does what a control asks for; what goes wrong is told on the page. */
  async function act(control, what) {
    control.disabled = true;
    try {
      notice('');
      await what();
      await refresh();
    } catch (e) {
      notice(e.message);
      if (e.status === 401) await login();
    } finally {
      control.disabled = false;
    }
  }

  const sendJson = (path, method, body) => ask(path, {
    method,
    headers: {'content-type': 'application/json'},
    body: JSON.stringify(body),
  });

  // --- models

  function known(name) {
    let model = models.get(name);
    if (!model) {
      model = {name, signals: [], heat: new Map(), sites: [], events: [], info: {}};
      models.set(name, model);
    }
    return model;
  }

  async function refresh() {
    const listed = (await json('models')).models;
    for (const name of [...models.keys()]) {
      if (!listed.some(one => one.name === name)) models.delete(name);
    }
    listed.forEach(info => { known(info.name).info = info; });
    if (!models.has(selected)) selected = listed.length ? listed[0].name : null;
    drawTabs();
    if (selected !== null) {
      drawInfo();
      drawSnapshots((await json(modelPath('snapshots'))).snapshots);
    }
  }

  function drawTabs() {
    const buttons = [...models.keys()].map(name => {
      const button = document.createElement('button');
      button.textContent = name;
      if (name === selected) button.setAttribute('aria-current', 'true');
      button.addEventListener('click', () => act(button, async () => {
        selected = name;
        await refresh();
        drawAll();
      }));
      return button;
    });
    byId('models').replaceChildren(...(buttons.length > 1 ? buttons : []));
    byId('title').textContent = selected === null ? 'No model is loaded' : selected;
  }

  function drawInfo() {
    const {info} = known(selected);
    byId('mode').textContent = info.mode ?? NONE;
    byId('method').textContent = info.method ?? NONE;
    byId('step').textContent = number(info.step);
    byId('guard').textContent = info.guard ?? 'none';
    byId('guard').classList.toggle('alarm', /held/.test(info.guard ?? ''));
    for (const id of ['take', 'reset', 'download', 'upload']) byId(id).disabled = !info.stateful;
    document.querySelector('label[for=upload]').classList.toggle('disabled', !info.stateful);
    const asked = (info.mode ?? '').split(':');
    if (document.activeElement !== byId('mode-kind') && asked[0]) {
      byId('mode-kind').value = asked[0];
      if (asked[1]) byId('percent').value = parseFloat(asked[1]);
      showPercent();
    }
    if (document.activeElement !== byId('method-text')) byId('method-text').value = info.method ?? '';
  }

  function showPercent() {
    const canary = byId('mode-kind').value === 'canary';
    byId('percent').hidden = !canary;
    byId('percent-label').hidden = !canary;
  }

  // --- figures and tables

  const number = (value, digits = 0) => Number.isFinite(value)
    ? value.toLocaleString('en', {minimumFractionDigits: digits, maximumFractionDigits: digits})
    : NONE;
  const clock = time => new Date(time).toLocaleTimeString('en-GB');

  function row(cells) {
    const line = document.createElement('tr');
    for (const [text, style] of cells) {
      const cell = document.createElement('td');
      cell.append(text);
      if (style) cell.className = style;
      line.append(cell);
    }
    return line;
  }

  function drawSnapshots(snapshots) {
    const lines = snapshots.map(one => {
      const button = document.createElement('button');
      button.textContent = 'Roll back…';
      button.addEventListener('click', async () => {
        if (await confirmed('Roll back?',
          `The state of ${selected} goes back to step ${number(one.step)}; what came after is forgotten.`,
          'Roll back')) {
          await act(button, () => ask(
            modelPath('snapshots/' + encodeURIComponent(one.id) + '/restore'), {method: 'POST'}));
        }
      });
      return row([[clock(one.time), 'when'], [number(one.step), 'number'],
        [number(one.bytes / 1024, 1), 'number'], [one.by], [button]]);
    });
    byId('snapshots').tBodies[0].replaceChildren(
      ...(lines.length ? lines : [row([['none taken'], [''], [''], [''], ['']])]));
  }

  function drawEvents() {
    const {events} = known(selected);
    byId('no-events').hidden = events.length > 0;
    byId('events').tBodies[0].replaceChildren(...events.map(one =>
      row([[clock(one.time), 'when'], [one.what], [one.why ?? '']])));
  }

  function drawNow() {
    const {signals} = known(selected);
    const last = signals[signals.length - 1];
    if (!last) return;
    byId('rate').textContent = number(last.samples_per_second, last.samples_per_second < 10 ? 1 : 0);
    byId('latency').textContent = number(last.p50_ms, 1) + ' / ' + number(last.p99_ms, 1);
    byId('queue').textContent = number(last.waiting);
    byId('refused').textContent = number(last.refused);
    byId('step').textContent = number(last.step);
  }

  // --- curves

  const SVG = 'http://www.w3.org/2000/svg';
  function node(name, attributes, text) {
    const one = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    if (text !== undefined) one.textContent = text;
    return one;
  }

  /** What each drawing shows: a class for the line, the value of a second, and the least maximum. */
  const CHARTS = {
    rate: {lines: [['adapted', one => one.samples_per_second]], least: 1},
    latency: {lines: [['c2', one => one.p50_ms], ['c3', one => one.p99_ms]], least: 1},
    accuracy: {least: 100, lines: [['frozen', one => percent(one.accuracy_frozen)],
      ['adapted', one => percent(one.accuracy_adapted)]]},
    entropy: {least: .1, lines: [['frozen', one => one.entropy_frozen],
      ['adapted', one => one.entropy_adapted]]},
    diversity: {least: 1, lines: [['frozen', one => one.diversity_frozen],
      ['adapted', one => one.diversity_adapted]]},
    disagreement: {least: 10, lines: [['adapted', one => percent(one.disagreement)]]},
  };
  const percent = value => value == null ? NaN : 100 * value;

  function niceTop(highest) {
    const scale = 10 ** Math.floor(Math.log10(highest));
    return [1, 1.5, 2, 3, 5, 7.5, 10].map(step => step * scale).find(top => top >= highest * .999);
  }

  function draw(figure, chart, signals, now) {
    const [width, height, left, bottom, top] = [340, 150, 40, 18, 8];
    const svg = node('svg', {viewBox: `0 0 ${width} ${height}`, role: 'img',
      'aria-label': figure.querySelector('figcaption').textContent});
    const values = chart.lines.flatMap(([, read]) => signals.map(read)).filter(Number.isFinite);
    const highest = niceTop(Math.max(chart.least, ...values));
    const x = time => left + (width - left - 6) * (1 - (now - time) / SPAN);
    const y = value => top + (height - top - bottom) * (1 - value / highest);
    for (const share of [0, .5, 1]) {
      const at = y(share * highest);
      svg.append(node('line', {class: 'grid', x1: left, x2: width - 6, y1: at, y2: at}));
      const label = share * highest;
      svg.append(node('text', {x: left - 5, y: at + 4, 'text-anchor': 'end'},
        number(label, label !== 0 && label < 10 && label % 1 !== 0 ? (label < 1 ? 2 : 1) : 0)));
    }
    for (const minutes of [10, 5, 0]) {
      svg.append(node('text', {x: x(now - minutes * 60000), y: height - 4,
        'text-anchor': minutes === 10 ? 'start' : minutes === 0 ? 'end' : 'middle'},
      minutes === 0 ? 'now' : '−' + minutes + ' min'));
    }
    for (const [style, read] of chart.lines) {
      let points = [];
      const flush = () => {
        if (points.length > 1) {
          svg.append(node('polyline', {class: 'line ' + style, points: points.join(' ')}));
        } else if (points.length === 1) {
          const [cx, cy] = points[0].split(',');
          svg.append(node('circle', {class: 'dot ' + style, cx, cy, r: 1.5}));
        }
        points = [];
      };
      let before = null;
      for (const one of signals) {
        const value = read(one);
        if (Number.isFinite(value)) {
          if (before !== null && one.time - before > 15000) flush(); // a pause is no line
          points.push(x(one.time).toFixed(1) + ',' + y(value).toFixed(1));
          before = one.time;
        }
      }
      flush();
    }
    if (!values.length) {
      svg.append(node('text', {x: (left + width) / 2, y: height / 2, 'text-anchor': 'middle'}, 'nothing yet'));
    }
    const old = figure.querySelector('svg');
    if (old) old.replaceWith(svg);
    else figure.append(svg);
  }

  function drawCurves() {
    const {signals} = known(selected);
    const now = signals.length ? signals[signals.length - 1].time : Date.now();
    document.querySelectorAll('figure[data-chart]').forEach(
      figure => draw(figure, CHARTS[figure.dataset.chart], signals, now));
  }

  // --- shift by site

  function heatColour(shift) {
    return `rgba(var(--heat), ${(1 - Math.exp(-shift / 1.2)).toFixed(3)})`;
  }

  function drawHeat() {
    const {heat, sites} = known(selected);
    const columns = [...heat.keys()].sort((a, b) => a - b);
    byId('no-heat').hidden = columns.length > 0 && sites.length > 0;
    if (!columns.length || !sites.length) {
      byId('heat').replaceChildren();
      return;
    }
    const table = document.createElement('table');
    sites.forEach((site, i) => {
      const line = table.insertRow();
      const head = document.createElement('th');
      head.textContent = site;
      head.title = site;
      line.append(head);
      for (const column of columns) {
        const shift = heat.get(column)[i];
        const cell = line.insertCell();
        cell.style.background = heatColour(shift);
        cell.title = `${clock(column)}: ${number(shift, 2)}`;
      }
      const cell = line.insertCell();
      cell.className = 'value';
      cell.textContent = number(heat.get(columns[columns.length - 1])[i], 2);
    });
    byId('heat').replaceChildren(table);
  }

  function drawAll() {
    if (selected === null) return;
    drawNow();
    drawCurves();
    drawHeat();
    drawEvents();
  }

  // --- what comes in

  function addSignals(one) {
    const model = known(one.model);
    model.signals.push(one);
    const oldest = one.time - SPAN;
    while (model.signals[0].time < oldest) model.signals.shift();
  }

  function addShift(one) {
    const model = known(one.model);
    model.sites = one.sites;
    model.heat.set(Math.floor(one.time / HEAT_COLUMN) * HEAT_COLUMN, one.shifts);
    while (model.heat.size > HEAT_COLUMNS) model.heat.delete(Math.min(...model.heat.keys()));
  }

  function addEvent(one) {
    const {events} = known(one.model);
    events.unshift(one);
    events.length = Math.min(events.length, MOST_EVENTS);
  }

  const HANDLERS = {
    signals(one) {
      addSignals(one);
      if (one.model === selected) {
        drawNow();
        drawCurves();
      }
    },
    shift(one) {
      addShift(one);
      if (one.model === selected) drawHeat();
    },
    event(one) {
      addEvent(one);
      if (one.model === selected) drawEvents();
      refresh().catch(e => notice(e.message));
    },
  };

  function dispatch(block) {
    let name = 'message';
    let data = '';
    for (const line of block.split('\n')) {
      if (line.startsWith('event:')) name = line.slice(6).trim();
      else if (line.startsWith('data:')) data += line.slice(5).trim();
    }
    if (HANDLERS[name] && data) HANDLERS[name](JSON.parse(data));
  }

  /** Reads server-sent events; EventSource itself could not send the token. */
  async function listen() {
    const response = await ask('events', {headers: {accept: 'text/event-stream'}});
    link('live', 'live');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop();
      blocks.forEach(dispatch);
    }
  }

  function link(style, text) {
    byId('link').className = 'link ' + style;
    byId('link').textContent = text;
  }

  const pause = ms => new Promise(resolve => { setTimeout(resolve, ms); });

  async function live() {
    for (let wait = 500; ; wait = Math.min(wait * 2, 10000)) {
      try {
        await refresh();
        const history = await json('history');
        models.forEach(model => {
          Object.assign(model, {signals: [], heat: new Map(), events: []});
        });
        history.signals.forEach(addSignals);
        history.shifts.forEach(addShift);
        history.events.forEach(addEvent);
        drawAll();
        notice('');
        wait = 500;
        await listen();
        link('lost', 'the agent closed the connection; trying again');
      } catch (e) {
        link('lost', e.status ? e.message : 'no connection to the agent; trying again');
        if (e.status === 401) {
          await login();
          continue;
        }
      }
      await pause(wait);
    }
  }

  // --- controls

  byId('mode-kind').addEventListener('change', showPercent);

  byId('mode-form').addEventListener('submit', async event => {
    event.preventDefault();
    const kind = byId('mode-kind').value;
    const mode = kind === 'canary' ? `canary:${byId('percent').value}%` : kind;
    if (await confirmed('Change the mode?', `From the next batch on, ${selected} runs in mode ${mode}.`, 'Set mode')) {
      await act(event.submitter, () => sendJson(modelPath('mode'), 'PUT', {mode}));
    }
  });

  byId('method-form').addEventListener('submit', async event => {
    event.preventDefault();
    const method = byId('method-text').value.trim();
    if (await confirmed('Switch the method?',
      `${selected} goes on with ${method}; the state learnt so far is of no use to another method.`, 'Switch')) {
      await act(event.submitter, () => sendJson(modelPath('method'), 'PUT', {method}));
    }
  });

  byId('take').addEventListener('click', event => act(event.currentTarget,
    () => ask(modelPath('snapshots'), {method: 'POST'})));

  byId('reset').addEventListener('click', async event => {
    const button = event.currentTarget;
    if (await confirmed('Reset the state?', `${selected} forgets what it has learnt.`, 'Reset')) {
      await act(button, () => ask(modelPath('reset'), {method: 'POST'}));
    }
  });

  byId('download').addEventListener('click', event => act(event.currentTarget, async () => {
    const content = await (await ask(modelPath('state'))).blob();
    const anchor = document.createElement('a');
    anchor.href = URL.createObjectURL(content);
    anchor.download = selected + '.safetensors';
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  }));

  byId('upload').addEventListener('change', async event => {
    const input = event.currentTarget;
    const file = input.files[0];
    input.value = '';
    if (file && await confirmed('Replace the state?',
      `${selected} goes on from ${file.name} (${number(file.size / 1024, 1)} KiB).`, 'Replace')) {
      await act(input, () => ask(modelPath('state'), {
        method: 'PUT',
        headers: {'content-type': 'application/octet-stream'},
        body: file,
      }));
    }
  });

  setInterval(() => refresh().catch(() => { /* the stream of events tells */ }), 15000);
  live();
})();
