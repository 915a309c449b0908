// Sorting by headings and filtering by text. What is not known stays at the end, whichever way a table is sorted.
(() => {
  'use strict';
  const status = document.createElement('p');
  status.setAttribute('role', 'status');
  status.className = 'unseen';
  document.body.append(status);

  function keyOf(row, column) {
    const cell = row.cells[column];
    return 'value' in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  }

  function isUnknown(key) {
    return key === '' || key === '–';
  }

  function compare(one, other, direction) {
    if (isUnknown(one) || isUnknown(other)) return isUnknown(one) - isUnknown(other);
    if (typeof one === 'number' && typeof other === 'number') return direction * (one - other);
    return direction * String(one).localeCompare(String(other), undefined, {numeric: true});
  }

  function sort(table, heading) {
    const direction = heading.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
    for (const each of table.tHead.rows[0].cells) each.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', direction === 1 ? 'ascending' : 'descending');
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [keyOf(row, heading.cellIndex), row]);
    keyed.sort((one, other) => compare(one[0], other[0], direction));
    body.append(...keyed.map(([, row]) => row));
    status.textContent = `Sorted by ${heading.textContent}, ${heading.getAttribute('aria-sort')}`;
  }

  function filter(input) {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...document.getElementById(input.dataset.table).tBodies[0].rows];
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    input.parentElement.querySelector('output').textContent = words.length ? `${shown} of ${rows.length} rows` : '';
  }

  for (const table of document.querySelectorAll('table.sortable')) {
    for (const heading of table.tHead.rows[0].cells) {
      heading.querySelector('button').addEventListener('click', () => sort(table, heading));
    }
  }
  for (const input of document.querySelectorAll('input[data-table]')) {
    input.addEventListener('input', () => filter(input));
  }
  for (const each of document.querySelectorAll('.filter')) each.hidden = false;

  // paper shows all of it
  window.addEventListener('beforeprint', () => {
    for (const each of document.querySelectorAll('details:not([open])')) {
      each.open = true;
      each.dataset.closed = '';
    }
  });
  window.addEventListener('afterprint', () => {
    for (const each of document.querySelectorAll('details[data-closed]')) {
      each.open = false;
      delete each.dataset.closed;
    }
  });
})();
