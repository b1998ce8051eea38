'use strict';
// Filters and sorts the entries of the page, and reloads the page about every half minute. The page's URL contains the filter and
// the order, so that they survive a reload: words and column as parameters, the finding as the fragment. Without this script,
// the fragment leads to the first entry with the finding.
(() => {
  const table = document.getElementById('jobs');
  const maxShown = 400; // entries: with more, browsers become slow
  const filter = document.getElementById('filter');
  const heads = [...document.querySelectorAll('#jobs thead th')];
  const parameters = new URLSearchParams(location.search);
  const { compare } = new Intl.Collator('en', { numeric: true });
  let entries = []; // in the shown order
  let served; // the place of each entry in the served page, where those that need attention come first
  let order = [0, false]; // column, and whether it descends

  const index = () => {
    entries = [...(table?.tBodies ?? [])].map((body) => {
      const [first] = body.rows;
      return {
        body, cells: first.cells, text: body.textContent.toLowerCase(),
        findings: first.cells[0].textContent.split(', ').map((word) => word.replaceAll(' ', '-')).concat(body.className === 'needy' ? 'attention' : []),
      };
    });
    served = new Map(entries.map((entry, place) => [entry, place]));
  };

  const remember = (name, value) => {
    parameters.delete(name);
    if (value) parameters.set(name, value);
    history.replaceState(null, '', `?${parameters}${location.hash}`);
  };

  const show = () => {
    if (!table) return;
    const links = [...document.querySelectorAll('#summary a')];
    const words = filter.value.toLowerCase().split(/\s+/);
    const wanted = location.hash === '#problems' ? '' : location.hash.slice(1);
    let matching = 0;
    for (const { body, text, findings } of entries) {
      const matches = (!wanted || findings.includes(wanted)) && words.every((word) => text.includes(word));
      body.hidden = !matches || ++matching > maxShown;
    }
    document.getElementById('shown').textContent = `${matching} of ${entries.length}${matching > maxShown ? `, the first ${maxShown} shown` : ''}`;
    for (const link of links) link.setAttribute('aria-current', link.hash === location.hash);
  };

  // Times sort as times, although the page shows ages. The first column sorts in the served order.
  const keyOf = ({ cells }, column) => cells[column].querySelector('time')?.dateTime ?? cells[column].textContent;
  const sort = () => {
    if (!table) return;
    const [column, descending] = order;
    const keys = new Map(entries.map((entry) => [entry, keyOf(entry, column)]));
    entries.sort((a, b) => (descending ? -1 : 1) * ((column && compare(keys.get(a), keys.get(b))) || served.get(a) - served.get(b)));
    table.append(...entries.map(({ body }) => body));
    for (const head of heads) head.removeAttribute('aria-sort');
    heads[column].setAttribute('aria-sort', descending ? 'descending' : 'ascending');
  };

  const reveal = () => {
    for (const hidden of document.querySelectorAll('[data-script]')) hidden.hidden = false;
  };

  // Replaces the content of the page by a fresh one. The filter, the column heads and the scroll position stay.
  const replace = (fresh) => {
    const live = (page) => [...page.querySelectorAll('[data-live]')];
    if (!fresh || !fresh.getElementById('jobs') !== !table || live(fresh).length !== live(document).length) {
      location.reload();
      return;
    }
    const { scrollX, scrollY } = window;
    const parts = live(fresh);
    live(document).forEach((old, i) => old.replaceWith(parts[i]));
    if (table) {
      for (const body of [...table.tBodies]) body.remove();
      table.append(...fresh.getElementById('jobs').tBodies);
    }
    document.title = fresh.title;
    document.querySelector('link[rel=icon]').href = fresh.querySelector('link[rel=icon]').href;
    index();
    sort();
    show();
    reveal();
    scrollTo(scrollX, scrollY);
  };

  const interval = () => 30_000 + 20 * entries.length; // between two refreshes, longer for a large page, which costs the exporter more
  let loaded = Date.now();
  let request;
  const refresh = () => {
    if (request || document.hidden || Date.now() - loaded < interval() || String(getSelection())) return;
    request = new XMLHttpRequest();
    request.responseType = 'document';
    request.timeout = 30_000;
    request.addEventListener('loadend', () => {
      const { status, responseXML } = request;
      request = undefined;
      loaded = Date.now();
      document.getElementById('offline').hidden = status === 200;
      if (status === 200) replace(responseXML);
    });
    request.open('GET', location.pathname);
    request.send();
  };
  setInterval(refresh, 1000);
  document.addEventListener('visibilitychange', refresh);

  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    button.addEventListener('click', () => {
      order = [column, head.getAttribute('aria-sort') === 'ascending'];
      sort();
      show();
      remember('sort', column || order[1] ? (order[1] ? '-' : '') + button.textContent : '');
    });
    head.append(button);
  });

  const [, sign, name] = /^(-?)(.*)$/.exec(parameters.get('sort') ?? '');
  order = [Math.max(0, heads.findIndex((head) => head.textContent === name)), sign === '-'];
  if (filter) {
    filter.value = parameters.get('q') ?? '';
    filter.addEventListener('input', () => {
      show();
      remember('q', filter.value.trim());
    });
  }
  addEventListener('hashchange', show);
  document.addEventListener('pointerover', ({ target }) => {
    if (target.dateTime) target.title = new Date(target.dateTime).toLocaleString();
  });
  index();
  sort();
  show();
  reveal();
})();
