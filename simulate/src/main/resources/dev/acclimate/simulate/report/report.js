'use strict';
(() => {
  document.documentElement.classList.add('scripted');

  // one setting at a time
  const sections = [...document.querySelectorAll('.setting')];
  const tabs = [...document.querySelectorAll('.tabs a')];
  const show = () => {
    if (tabs.length === 0) return;
    const wanted = Math.max(0, sections.findIndex(one => '#' + one.id === location.hash));
    sections.forEach((one, i) => { one.hidden = i !== wanted; });
    tabs.forEach((one, i) => {
      if (i === wanted) one.setAttribute('aria-current', 'true');
      else one.removeAttribute('aria-current');
    });
  };
  addEventListener('hashchange', () => {
    show();
    document.querySelector('.tabs').scrollIntoView();
  });
  tabs.forEach(tab => tab.addEventListener('click', event => {
    event.preventDefault(); // no jump: the tabs stay where they are
    history.replaceState(null, '', tab.getAttribute('href'));
    show();
  }));
  show();

  // tables in the order of a column; the first click puts the lowest first
  document.querySelectorAll('table.sortable').forEach(table => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const original = [...body.rows];
    const value = (row, column) => {
      const text = row.cells[column].dataset.sort;
      const number = text === undefined ? NaN : parseFloat(text);
      return Number.isNaN(number) ? Infinity : number;
    };
    heads.forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const next = {ascending: 'descending', descending: 'none'}[head.getAttribute('aria-sort')]
          || 'ascending';
        heads.forEach(other => other.removeAttribute('aria-sort'));
        const rows = [...original];
        if (next !== 'none' && column > 0) {
          head.setAttribute('aria-sort', next);
          const sign = next === 'ascending' ? 1 : -1;
          rows.sort((a, b) => sign * (value(a, column) - value(b, column)) || 0);
        }
        body.append(...rows);
      });
    });
  });

  // values under the pointer, read off the drawing
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  const cell = (row, tag, text) => {
    const one = document.createElement(tag);
    one.append(text);
    row.append(one);
    return one;
  };
  document.querySelectorAll('svg.chart').forEach(chart => {
    const numbers = name => chart.dataset[name].split(' ').map(Number);
    const [left, top, right, bottom] = numbers('plot');
    const [xFrom, xTo, xDecimals] = numbers('x');
    const [yFrom, yTo, yDecimals] = numbers('y');
    const lines = [...chart.querySelectorAll('polyline')].filter(line => line.dataset.label)
      .map(line => ({
        label: line.dataset.label,
        style: line.getAttribute('class').replace('line', 'key'),
        points: line.getAttribute('points').split(' ').filter(Boolean)
          .map(point => point.split(',').map(Number)),
      }));
    const pointer = chart.querySelector('.pointer');
    const hide = () => { tip.hidden = true; pointer.setAttribute('hidden', ''); };
    chart.addEventListener('pointerleave', hide);
    chart.addEventListener('pointermove', event => {
      const at = new DOMPoint(event.clientX, event.clientY)
        .matrixTransform(chart.getScreenCTM().inverse());
      if (at.x < left || at.x > right || at.y < top || at.y > bottom) return hide();
      const table = document.createElement('table');
      let x = at.x;
      lines.map(line => {
        const nearest = line.points.reduce(
          (a, b) => Math.abs(b[0] - at.x) < Math.abs(a[0] - at.x) ? b : a, [Infinity, NaN]);
        return {line, nearest};
      }).filter(one => Number.isFinite(one.nearest[0]))
        .sort((a, b) => a.nearest[1] - b.nearest[1])
        .forEach(({line, nearest}) => {
          x = nearest[0];
          const row = table.insertRow();
          const head = cell(row, 'th', '');
          const key = document.createElement('span');
          key.className = line.style;
          head.append(key, line.label);
          const y = yFrom + (bottom - nearest[1]) / (bottom - top) * (yTo - yFrom);
          cell(row, 'td', y.toFixed(yDecimals));
        });
      const title = document.createElement('p');
      const value = xFrom + (x - left) / (right - left) * (xTo - xFrom);
      const band = [...chart.querySelectorAll('rect.band')].findIndex(one => {
        const from = Number(one.getAttribute('x'));
        return x >= from && x <= from + Number(one.getAttribute('width'));
      });
      const name = chart.querySelectorAll('.band-name')[band];
      title.append(chart.dataset.xName + ' ' + value.toFixed(xDecimals)
        + (name ? ', ' + name.textContent : ''));
      tip.replaceChildren(title, table);
      tip.hidden = false;
      const width = tip.offsetWidth;
      const beside = event.clientX + 16;
      const room = document.documentElement.clientWidth;
      tip.style.left = Math.max(4, beside + width > room ? event.clientX - width - 16 : beside) + 'px';
      tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 12) + 'px';
      pointer.setAttribute('x1', x);
      pointer.setAttribute('x2', x);
      pointer.removeAttribute('hidden');
    });
  });

  // copies what is to be typed elsewhere
  document.querySelectorAll('.copyable').forEach(box => {
    const button = box.querySelector('button');
    const pre = box.querySelector('pre');
    button.hidden = false;
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent);
        button.textContent = 'copied';
      } catch {
        getSelection().selectAllChildren(pre); // not allowed: ready for the user to copy
        button.textContent = 'selected';
      }
      setTimeout(() => { button.textContent = 'copy'; }, 1500);
    });
  });
})();
