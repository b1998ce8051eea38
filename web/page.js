'use strict';
// Filters and sorts the rows that the page came with. The page's address keeps both, so that they outlast a reload: words and
// column as parameters, the standing as the fragment, which without this script leads to the first such row.
(() => {
  const body = document.querySelector('#jobs tbody');
  if (!body) return;
  const most = 1000; // rows that are drawn: a browser takes long over more
  const rows = [...body.rows];
  const served = new Map(rows.map((row, place) => [row, place])); // what needs attention first
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const standingOf = (row) => row.cells[0].textContent.replaceAll(' ', '-');
  const heads = [...document.querySelectorAll('#jobs thead th')];
  const links = [...document.querySelectorAll('#summary a')];
  const filter = document.getElementById('filter');
  const parameters = new URLSearchParams(location.search);
  const { compare } = new Intl.Collator('en', { numeric: true });

  const remember = (name, value) => {
    parameters.delete(name);
    if (value) parameters.set(name, value);
    history.replaceState(null, '', `?${parameters}${location.hash}`);
  };

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    const standing = location.hash.slice(1);
    let matching = 0;
    for (const row of rows) {
      const matches = (!standing || standingOf(row) === standing) && words.every((word) => texts.get(row).includes(word));
      row.hidden = !matches || ++matching > most;
    }
    document.getElementById('shown').textContent = `${matching} of ${rows.length} rows${matching > most ? `, the first ${most} shown` : ''}`;
    for (const link of links) link.setAttribute('aria-current', link.hash.slice(1) === standing);
  };

  // A time sorts as a time and not as the age that is shown; the first column as it came.
  const keyOf = (row, column) => row.cells[column].querySelector('time')?.dateTime ?? row.cells[column].textContent;
  const sort = (column, descending) => {
    const keys = new Map(rows.map((row) => [row, keyOf(row, column)]));
    rows.sort((a, b) => (descending ? -1 : 1) * ((column && compare(keys.get(a), keys.get(b))) || served.get(a) - served.get(b)));
    for (const row of rows) body.append(row);
    for (const head of heads) head.removeAttribute('aria-sort');
    heads[column].setAttribute('aria-sort', descending ? 'descending' : 'ascending');
  };

  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    button.addEventListener('click', () => {
      const descending = head.getAttribute('aria-sort') === 'ascending';
      sort(column, descending);
      show();
      remember('sort', column || descending ? (descending ? '-' : '') + button.textContent : '');
    });
    head.append(button);
  });

  const [, sign, name] = /^(-?)(.*)$/.exec(parameters.get('sort') ?? '');
  sort(Math.max(0, heads.findIndex((head) => head.textContent === name)), sign === '-');
  filter.value = parameters.get('q') ?? '';
  filter.addEventListener('input', () => {
    show();
    remember('q', filter.value.trim());
  });
  addEventListener('hashchange', show);
  body.addEventListener('pointerover', ({ target }) => {
    if (target.dateTime) target.title = new Date(target.dateTime).toLocaleString();
  });
  show();
  for (const hidden of document.querySelectorAll('[data-script]')) hidden.hidden = false;
})();
