// Pictures of the console for the documentation: docs/console/*.png. Into another folder, where one is given, all pages.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { browser, root, stage } from './stage.mjs';

const into = process.argv[2] ?? join(root, 'docs/console');
const everything = process.argv.length > 2;
const DOCUMENTED = ['overview', 'overview-phone', 'call', 'call-refused', 'policies', 'alerts'];
mkdirSync(into, { recursive: true });
// Who is woken: it takes every message.
const pager = createServer((request, response) => { request.resume().on('end', () => response.writeHead(204).end()); });
await new Promise((done) => pager.listen(0, '127.0.0.1', done));
const to = `to = { webhook = "http://127.0.0.1:${pager.address().port}/sandgate" }`;
const gateway = await stage({
  more: `
[[alerts]]
name = "refusals"
on = ["refusals"]
more-than = 3
within = "5m"
${to}
[[alerts]]
name = "servers"
on = ["fault"]
servers = ["tickets"]
within = "5m"
${to}
[[alerts]]
name = "on-call"
on = ["stop", "audit", "pin"]
${to}
`,
});
// Where there is a font that is made for screens, it is the system's.
writeFileSync(join(gateway.folder, 'fonts.conf'), `<?xml version="1.0"?><fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include>
${['system-ui', 'sans-serif'].map((name) => `<match target="pattern"><test name="family"><string>${name}</string></test><edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>`).join('')}</fontconfig>`);
process.env.FONTCONFIG_FILE = join(gateway.folder, 'fonts.conf');
const chromium = await browser();
try {
  const desk = await gateway.client('support-desk', 'Support Desk', 'crm');
  const build = await gateway.client('build-agent', 'Build Agent', 'files');
  const ada = await gateway.client('ada', 'Claude Code', 'tickets');
  const adaCrm = await gateway.client('ada', 'Claude Code', 'crm');
  const seconds = Number(process.env.SECONDS ?? 100);
  const end = Date.now() + seconds * 1000;
  for (let n = 0; Date.now() < end; n += 1) {
    gateway.crm.sessions.delay = 3 + (n % 17);
    const wave = 1 + Math.round(2.5 * (1 + Math.sin(n / 9)));
    const calls = [];
    for (let one = 0; one < wave; one += 1) {
      calls.push(desk(one % 2 ? 'read_customer' : 'search_customers', { id: `c${n}` }), build('read_file', { id: 'notes.md' }), ada('lookup', { id: '7' }));
    }
    if (n % 4 === 0) calls.push(desk('update_customer', { id: '7' }));
    if (n % 7 === 0) calls.push(build('read_file', { id: '../../etc/passwd' }));
    if (n % 9 === 0) calls.push(adaCrm('delete_all'));
    gateway.tickets.sessions.broken = n % 40 === 39;
    await Promise.all(calls);
    await new Promise((done) => setTimeout(done, 180));
  }
  gateway.tickets.sessions.broken = false;
  await ada('lookup', { id: '7' });
  await desk('update_customer', { id: '7' });
  await gateway.verb('stop', 'tool', 'crm/delete_*', '--why', 'asked for by legal', '--for', '8h');
  const shoot = async (name, path, { dark = false, width = 1440, height = 900, before } = {}) => {
    if (!everything && !DOCUMENTED.includes(name)) return;
    const context = await chromium.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', deviceScaleFactor: 1 });
    const page = await context.newPage();
    await page.goto(await gateway.link());
    await page.goto(new URL(path, page.url()).href);
    if (before) await before(page);
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(into, `${name}.png`) });
    await context.close();
  };
  const refused = gateway.records().findLast((one) => one.decision === 'refused' && one.trail.entries.length > 0);
  const changed = gateway.records().findLast((one) => one.decision === 'forwarded' && one.trail.entries.some((entry) => entry.decision === 'edit' && entry.applied));
  await shoot('overview', '/');
  await shoot('overview-dark', '/', { dark: true });
  await shoot('overview-phone', '/', { width: 360, height: 780 });
  await shoot('calls', '/calls');
  await shoot('calls-phone', '/calls', { width: 360, height: 780, dark: true });
  await shoot('call', `/call/${changed.id}`);
  await shoot('call-refused', `/call/${refused.id}`, { dark: true });
  await shoot('servers', '/servers');
  await shoot('policies', '/policies', { before: (page) => page.locator('.candidate').evaluate((one) => one.scrollIntoView({ block: 'end' })) });
  await shoot('clients', '/clients', { before: (page) => page.locator('li', { hasText: 'support-desk' }).locator('text=See as').click() });
  await shoot('alerts', '/alerts');
  await shoot('stops', '/stops?kind=server&name=crm');
  await shoot('audit', '/audit/verify');
} finally {
  await chromium.close();
  await gateway.stop();
  pager.close();
}
