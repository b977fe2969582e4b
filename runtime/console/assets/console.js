// Makes pages live and quick to use. Every page works without it. Whatever comes from the gateway is put into the page as
// text or as an attribute of a drawing, never as markup.
'use strict';

const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const node = (name, kind, text) => {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
};

// A row of the list of calls, of the cells that the gateway sends.
function row([id, [day, time, who, server, method, target, decision, cause, took]]) {
  const whole = node('div', 'row');
  whole.setAttribute('role', 'row');
  const cell = (made) => { made.setAttribute('role', 'cell'); whole.append(made); return made; };
  cell(node('time', '', time)).title = day + ' UTC';
  cell(node('span', '', who));
  cell(node('span', '', server));
  const what = cell(node('span', 'what'));
  const link = node('a', 'open', target || method);
  link.href = '/call/' + encodeURIComponent(id);
  what.append(link);
  if (target) what.append(' ', node('small', '', method));
  const outcome = cell(node('span', 'outcome'));
  outcome.append(node('span', 'badge ' + decision, decision), ' ', node('small', '', cause));
  cell(node('span', 'number', took));
  return whole;
}

// Live figures, while the page is looked at.
function live(place) {
  const mark = document.querySelector('.title .live');
  let source = null;
  const show = (event) => {
    const told = JSON.parse(event.data);
    for (const [key, text] of Object.entries(told.texts)) {
      all('[data-live]', place).filter((one) => one.dataset.live === key).forEach((one) => put(one, text));
    }
    for (const [key, path] of Object.entries(told.paths)) {
      all('[data-path]', place).filter((one) => one.dataset.path === key).forEach((one) => one.setAttribute('d', path));
    }
    all('[data-state]', place).forEach((one) => {
      const [kind, word] = told.states[one.dataset.state] || ['idle', 'gone'];
      one.className = 'state ' + kind;
      put(one, word);
    });
    wrong(place.querySelector('[data-wrong]'), told.wrong);
    rows(place.querySelector('[data-rows="calls"]'), told.rows);
    mark.hidden = false;
  };
  const begin = () => {
    if (source || document.hidden) return;
    source = new EventSource(place.dataset.stream);
    source.onmessage = show;
    source.onerror = () => { mark.hidden = true; };
  };
  const end = () => {
    if (source) source.close();
    source = null;
    mark.hidden = true;
  };
  document.addEventListener('visibilitychange', () => (document.hidden ? end() : begin()));
  addEventListener('pagehide', end);
  addEventListener('pageshow', begin);
  begin();
}

let wrongNow = null;
function wrong(place, list) {
  const now = JSON.stringify(list);
  if (!place || now === wrongNow) return;
  const first = wrongNow === null;
  wrongNow = now;
  // What the server drew is the same.
  if (first && all('li', place).length === list.length) return;
  if (list.length === 0) {
    const well = node('p', 'well');
    well.append(node('span', 'state well', 'Nothing is wrong.'));
    place.replaceChildren(well);
    return;
  }
  const items = node('ul');
  for (const [kind, what, why, path] of list) {
    const item = node('li', kind);
    const link = node('a', '', what);
    link.href = path;
    item.append(link, ' ', node('span', '', why));
    items.append(item);
  }
  place.replaceChildren(items);
}

// New rows come in at the top; what is focused or looked at stays.
function rows(place, list) {
  const chunk = place && place.querySelector('.chunk');
  if (!chunk || !list.length || chunk.contains(document.activeElement)) return;
  const newest = chunk.querySelector('a');
  if (newest && newest.pathname === '/call/' + list[0][0]) return;
  all('.empty', place).forEach((one) => one.remove());
  chunk.replaceChildren(...list.map(row));
}

// Older calls are fetched before the end is reached. Each hundred is a chunk that the browser leaves out while it is not
// in sight. Beyond the most, the link leads to a page of its own.
const MOST_CHUNKS = 150;
function scroll(more) {
  const list = document.querySelector('.calls');
  let busy = false;
  const fetchMore = async () => {
    if (busy || !more.dataset.more || all('.chunk', list).length >= MOST_CHUNKS) return;
    busy = true;
    try {
      const answer = await fetch(more.dataset.more, { headers: { accept: 'application/json' } });
      if (!answer.ok) return;
      const told = await answer.json();
      const chunk = node('div', 'chunk');
      chunk.setAttribute('role', 'rowgroup');
      chunk.append(...told.rows.map(row));
      list.append(chunk);
      if (!told.next) {
        more.replaceWith(node('p', 'aside', 'These are all.'));
        watch.disconnect();
        return;
      }
      for (const [name, path] of [['href', '/calls'], ['data-more', '/calls.json']]) {
        const query = new URLSearchParams(more.search);
        query.set('after', told.next);
        if (name === 'href') more.href = path + '?' + query; else more.dataset.more = path + '?' + query;
      }
    } catch {
      // The link still leads on.
    } finally {
      busy = false;
    }
    if (more.isConnected && more.getBoundingClientRect().top < innerHeight + 1500) fetchMore();
  };
  const watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && fetchMore(), { rootMargin: '1500px' });
  watch.observe(more);
}

// Keys. None is taken away from a field, or from a key that is held with another.
function keys() {
  const help = document.getElementById('help');
  let leading = false;
  const step = (by) => {
    const links = all('a.open, .card header h2 a, .card footer a:first-child, .servers a');
    const at = links.indexOf(document.activeElement);
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: 'nearest' });
    }
  };
  addEventListener('keydown', (event) => {
    const target = event.target;
    const typing = target instanceof Element && target.matches('input, select, textarea');
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' && typing) return target.blur();
    if (typing || (help && help.open)) return;
    if (leading) {
      leading = false;
      const to = all('nav a').find((one) => one.dataset.key === event.key);
      if (to) to.click();
      return;
    }
    const does = {
      j: () => step(1),
      k: () => step(-1),
      g: () => { leading = true; setTimeout(() => { leading = false; }, 1500); },
      '/': () => { const field = document.querySelector('[data-filter]'); if (field) { field.focus(); field.select(); } else location.assign('/calls'); },
      '?': () => help && help.showModal(),
    }[event.key];
    if (does) {
      event.preventDefault();
      does();
    }
  });
}

const streamed = document.querySelector('[data-stream]');
if (streamed) live(streamed);
const older = document.querySelector('[data-more]');
if (older) scroll(older);
keys();
