// What the page does in a real Chromium. browser_test.go runs this and sets the environment:
//   PAGE        the page of the demo organization
//   HOSTILE     the same with a project and a pipeline whose names are markup: see browser_test.go
//   LARGE       the page of an organization of 1050 clusters
//   MODULES     the directory in which npm installed playwright-core
//   CHROMIUM    the program
//   SCREENSHOT  the file for a picture of the demo; none is taken when it is empty
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

const { PAGE, HOSTILE, LARGE, MODULES, CHROMIUM, SCREENSHOT } = process.env;
const { chromium } = createRequire(`${MODULES}/`)('playwright-core');
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
});
after(() => browser?.close());

// open opens a page that must neither complain nor ask for anything but itself.
async function open(t, url, options = {}) {
  const { clock, complains, ...rest } = options; // complains: what is tested makes the browser complain
  const context = await browser.newContext({ viewport: desktop, ...rest });
  const page = await context.newPage();
  if (clock) await page.clock.install();
  const complaints = [];
  const wrong = (what) => complaints.push(what);
  page.on('console', (message) => wrong(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong(`error: ${error}`));
  page.on('request', (request) => {
    const asked = new URL(request.url());
    const isPage = asked.origin === new URL(url).origin && asked.pathname === '/';
    if (!isPage && !asked.href.startsWith('data:image/svg+xml,')) wrong(`request: ${asked}`); // the icon
  });
  page.on('dialog', (dialog) => wrong(`dialog: ${dialog.message()}`));
  if (options.javaScriptEnabled !== false) {
    await page.exposeFunction('violated', (what) => wrong(`policy: ${what}`));
    await page.addInitScript(() => addEventListener('securitypolicyviolation', (event) => window.violated(`${event.violatedDirective} ${event.blockedURI}`)));
  }
  const response = await page.goto(url, { waitUntil: 'load' });
  assert.equal(response.status(), 200);
  t.after(async () => {
    await context.close();
    if (!complains) assert.deepEqual(complaints, []);
  });
  return page;
}

// choose follows a link of the summary, and waits until the page shows what it chose: a script hears of the fragment later.
async function choose(page, text) {
  await page.click(`#summary a:has-text("${text}")`);
  await page.waitForSelector(`#summary a[aria-current="true"]:has-text("${text}")`);
}

// visible lists the shown entries, each as the cells of its first row.
const visible = (page) => page.$$eval('#jobs tbody', (bodies) =>
  bodies.filter((body) => body.getClientRects().length).map((body) => [...body.rows[0].cells].map((cell) => cell.textContent.trim())));
const textOf = (page, name) => page.locator('#jobs tbody', { has: page.locator('th', { hasText: name }) }).innerText();

test('shows the organization, what needs attention first', async (t) => {
  const page = await open(t, PAGE);
  if (SCREENSHOT) await page.screenshot({ path: SCREENSHOT });
  const rows = await visible(page);
  const order = [...new Set(rows.map(([standing]) => standing.split(', ')[0]))];
  const known = ['overdue', 'failed', 'stuck', 'fine', 'off', 'unsupported'];
  assert.deepEqual(order.filter((word) => known.includes(word)), known);
  for (const name of ['payments-prod-us', 'refunds#eu', 'platform-sessions', 'payments-ledger', 'embeddings', 'sandbox-free']) {
    assert.ok(rows.some((row) => row[2] === name), `no entry of ${name}`);
  }
  assert.match(await textOf(page, 'payments-prod-us'), /export ✓+✘.*failed.*EXPORT_BUCKET_ACCESS_DENIED/s);
  assert.match(await page.textContent('#summary'), /\d+ need attention\s+\d+ overdue/);
  assert.equal((await page.$$('#projects tbody tr')).length, await page.$$eval('#jobs tbody td:nth-child(2):not([colspan])', (cells) => new Set(cells.map((cell) => cell.textContent)).size));
  assert.equal(await page.textContent('#shown'), `${rows.length} of ${rows.length}`);
});

test('links to Atlas and to the runbooks', async (t) => {
  const page = await open(t, PAGE);
  const entry = page.locator('#jobs tbody', { has: page.locator('th', { hasText: 'refunds#eu' }) });
  assert.match(await entry.locator('th a').getAttribute('href'), /^https:\/\/cloud\.mongodb\.com\/v2\/[0-9a-f]{24}$/); // a pipeline
  const cluster = page.locator('#jobs tbody', { has: page.locator('th', { hasText: 'payments-prod-us' }) });
  assert.match(await cluster.locator('th a').getAttribute('href'), /^https:\/\/cloud\.mongodb\.com\/v2\/[0-9a-f]{24}#\/clusters\/detail\/payments-prod-us$/);
  const runbooks = await cluster.locator('a', { hasText: 'runbook' }).evaluateAll((links) => links.map((link) => link.hash));
  assert.deepEqual(runbooks, ['#mongodbatlasbackupexportfailed', '#mongodbatlasbackuprestorefailed']);
});

test('filters by words and by finding, and remembers both', async (t) => {
  const page = await open(t, PAGE);
  const all = (await visible(page)).length;
  await choose(page, 'need attention');
  const needy = await visible(page);
  assert.ok(needy.length > 0 && needy.length < all);
  assert.equal(`${needy.length} need attention`, await page.locator('#summary a').first().textContent());
  await choose(page, 'show all');
  await page.fill('#filter', 'PAYMENTS restore');
  let rows = await visible(page);
  assert.ok(rows.length > 0 && rows.length < all);
  await choose(page, 'failed');
  rows = await visible(page);
  assert.deepEqual(rows.map((row) => [row[0], row[2]]), [['failed', 'payments-prod-us']]);
  await page.reload();
  assert.deepEqual((await visible(page)).map((row) => row[2]), ['payments-prod-us']);
  await choose(page, 'show all');
  await page.fill('#filter', '');
  assert.equal((await visible(page)).length, all);
  await page.fill('#filter', 'no such thing');
  assert.equal((await visible(page)).length, 0);
});

test('sorts by a column, times as times', async (t) => {
  const page = await open(t, PAGE);
  const asServed = await visible(page);
  const head = (name) => page.locator('#jobs thead th', { hasText: name });
  assert.equal(await head('Status').getAttribute('aria-sort'), 'ascending');
  await head('Exported').locator('button').click();
  assert.equal(await head('Exported').getAttribute('aria-sort'), 'ascending');
  assert.equal(await head('Status').getAttribute('aria-sort'), null);
  const times = () => page.$$eval('#jobs tbody', (bodies) => bodies.map((body) => body.rows[0].cells[4].querySelector('time')?.dateTime).filter(Boolean));
  const ascending = await times();
  assert.ok(ascending.length > 10);
  assert.deepEqual(ascending, [...ascending].sort());
  await head('Exported').locator('button').press('Enter');
  assert.equal(await head('Exported').getAttribute('aria-sort'), 'descending');
  assert.deepEqual(await times(), [...ascending].sort().reverse());
  await page.reload();
  assert.equal(await head('Exported').getAttribute('aria-sort'), 'descending');
  await head('Cluster').locator('button').click();
  const names = (await visible(page)).map((row) => row[2]);
  assert.deepEqual(names, [...names].sort(new Intl.Collator('en', { numeric: true }).compare));
  await head('Status').locator('button').click();
  assert.deepEqual((await visible(page)).map((row) => row.slice(0, 3)), asServed.map((row) => row.slice(0, 3)));
});

test('shows only as many entries as a browser handles quickly, and finds the others', async (t) => {
  const page = await open(t, LARGE);
  assert.equal((await visible(page)).length, 400);
  assert.equal(await page.textContent('#shown'), '1050 of 1050, the first 400 shown');
  await page.fill('#filter', 'project-041 cluster-24');
  assert.deepEqual((await visible(page)).map((row) => row.slice(1, 3)), [['project-041', 'cluster-24']]);
});

test('refreshes itself, and keeps filter, order and place', async (t) => {
  const page = await open(t, PAGE, { clock: true });
  await page.locator('#jobs thead button', { hasText: 'Cluster' }).click();
  await page.fill('#filter', 'p');
  await page.evaluate(() => scrollTo(0, 300));
  const before = await visible(page);
  await page.evaluate(() => { for (const old of document.querySelectorAll('#jobs tbody, .about time')) old.dataset.old = 'yes'; });
  await page.clock.fastForward(45_000);
  await page.waitForFunction(() => document.querySelector('.about time') && !document.querySelector('[data-old]'));
  assert.deepEqual((await visible(page)).map((row) => row[2]), before.map((row) => row[2]));
  assert.equal(await page.inputValue('#filter'), 'p');
  assert.equal(await page.locator('#jobs thead th', { hasText: 'Cluster' }).getAttribute('aria-sort'), 'ascending');
  assert.equal(await page.evaluate(() => scrollY), 300);
  assert.equal(await page.locator('[data-script][hidden]').count(), 0);
});

test('says that it could not be refreshed', async (t) => {
  const page = await open(t, PAGE, { clock: true, complains: true });
  assert.equal(await page.isVisible('#offline'), false);
  await page.route('**/', (route) => route.abort());
  await page.clock.fastForward(45_000);
  await page.locator('#offline').waitFor({ state: 'visible' });
  assert.ok((await visible(page)).length > 0);
  await page.unroute('**/');
  await page.clock.fastForward(45_000);
  await page.locator('#offline').waitFor({ state: 'hidden' });
});

test('is of use without a script', async (t) => {
  const page = await open(t, PAGE, { javaScriptEnabled: false });
  assert.equal(await page.isVisible('#filter'), false);
  assert.ok((await page.locator('#jobs tbody tr:visible').count()) > 20);
  await page.click('#summary a:has-text("stuck")');
  assert.ok(page.url().endsWith('#stuck'));
  assert.match(await page.locator('td:has(a#stuck)').textContent(), /stuck/);
  assert.equal(await page.locator('td:has(a#attention)').count(), 1);
});

for (const width of [320, phone.width, 768, 1125, desktop.width]) {
  test(`fits a screen that is ${width} wide`, async (t) => {
    const page = await open(t, HOSTILE, { viewport: { width, height: 800 } });
    const [wide, room] = await page.evaluate(() => [document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]);
    assert.equal(wide, room);
    await page.locator('#jobs thead button', { hasText: 'Restored' }).click();
    assert.equal(await page.locator('#jobs thead th', { hasText: 'Restored' }).getAttribute('aria-sort'), 'ascending');
  });
}

test('opens without complaint on a phone and in the dark', async (t) => {
  await open(t, PAGE, { viewport: phone });
  await open(t, PAGE, { colorScheme: 'dark' });
});

test('takes names for names', async (t) => {
  const page = await open(t, HOSTILE);
  const rows = await visible(page);
  const project = `<img src=x onerror="document.title='owned'">'"&amp;`;
  assert.ok(rows.some((row) => row[1] === project && row[2] === 'orders<script>alert(1)<!--'), `the names are not there as they are: ${rows.map((row) => row.slice(1, 3)).join('; ')}`);
  assert.equal(await page.locator('#projects tbody th').filter({ hasText: project }).count(), 1);
  assert.equal(await page.locator('img, svg, iframe, object').count(), 0);
  assert.equal(await page.locator('script').count(), 1);
  assert.match(await page.title(), /MongoDB Atlas backups$/);
});

for (const colorScheme of ['light', 'dark']) {
  test(`has enough contrast when it is ${colorScheme}`, async (t) => {
    const page = await open(t, PAGE, { colorScheme });
    const faint = await page.evaluate(() => {
      const channels = (color) => color.match(/[\d.]+/g).map(Number);
      const luminance = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = (element) => {
        for (; element; element = element.parentElement) {
          const color = channels(getComputedStyle(element).backgroundColor);
          if (color.length === 3 || color[3] > 0) return color;
        }
        return [255, 255, 255];
      };
      const texts = [...document.querySelectorAll('body *')].filter((element) => element.tagName !== 'SCRIPT' &&
        [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()));
      return texts.map((element) => {
        const [light, dark] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => b - a);
        return [(light + 0.05) / (dark + 0.05), element.outerHTML.slice(0, 80)];
      }).filter(([ratio]) => ratio < 4.5);
    });
    assert.deepEqual(faint, []);
  });
}

test('tells what its parts are', async (t) => {
  const page = await open(t, PAGE);
  assert.equal(await page.locator('th:not([scope])').count(), 0);
  assert.equal(await page.getByRole('searchbox', { name: 'Filter' }).count(), 1);
  assert.equal(await page.getByRole('columnheader').count(), 7 + 3);
  assert.ok((await page.getByRole('rowheader', { name: 'payments-ledger' }).count()) > 0);
  assert.equal(await page.locator('html[lang]').count(), 1);
});
