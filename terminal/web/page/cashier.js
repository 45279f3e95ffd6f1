// The cashier's page: it shows what the register tells (GET /v1/events) and
// passes on what the cashier presses. It decides nothing. The page holds four
// things: the register's latest view, the verdict and the notice on the screen,
// and whether the register answers; draw() makes the screen from these alone.
'use strict';

const words = JSON.parse(document.getElementById('words').textContent);
const $ = id => document.getElementById(id);

let language = localStorage.getItem('language');
if (!(language in words)) language = document.documentElement.lang;
let view = null;      // register.View, null until the register has answered
let viewSince = 0;    // performance.now() when it came
let shown = null;     // terminal.Verdict on the screen
let dismissed = '';   // face of the refusal that the cashier put away
let closed = '';      // face of the refusal that went with its sale
let notice = null;    // register.Scan that was no payment
let noticed = '';     // reason of the notice that a verdict took off the screen
let remembered = '';  // payment of the verdict last shown
let heard = '';       // face last sounded
let stream = null;    // the EventSource
let answers = true;   // the register answers
let complaint = '';   // why the last key did nothing
let asking = '';      // what the confirm step asks about
let working = false;  // a key's request is under way

const word = key => words[language][key] ?? words.ja[key] ?? '';
const filled = (key, value) => word(key).replace('{}', value);
const yen = n => n.toLocaleString('en-US') + ' ' + word('yen');
const face = v => `${v.payment} ${kind(v)}`;

// kind says how a verdict looks. An outcome of a newer release counts as unknown.
function kind(v) {
  if (v.voided) return 'voided';
  if (v.outcome === 'approved' || v.outcome === 'declined') return v.outcome;
  return v.state === 'sent' ? 'sent' : 'unknown';
}

// What the register tells.

// takeView takes the present picture, whichever event brings it.
function takeView(next) {
  const before = view;
  view = next;
  viewSince = performance.now();
  if (before && wentOn(before, view)) withdraw();
  takeNotice(view.notice);
  if (view.verdict) show(view.verdict);
  else if (view.sale || !shown || !remains(before)) show(null);
  draw();
}

// wentOn says whether what the cashier was told about a key is over.
function wentOn(before, now) {
  const step = v => JSON.stringify(v.sale && [v.sale.ref, v.sale.revision, v.sale.state]);
  return step(before) !== step(now) || (before.storage !== 'ok' && now.storage === 'ok');
}

// remains says whether the verdict stays though no sale is open. A payment that
// was undone, and a refusal told after its sale, stay until they are put away; a
// refusal that stood beside its open sale goes with it.
function remains(before) {
  const k = kind(shown);
  if (k === 'declined' && before && before.sale) {
    closed = face(shown);
    return false;
  }
  return k === 'declined' || k === 'voided';
}

function takeVerdict(v, toTell) {
  if (!view) return;
  if (v.refunds?.some(r => r.state === 'refused')) {
    complain('refund.refused'); // its payment left the screen long ago
    draw();
  }
  const current = view.sale ? v.sale === view.sale.ref : remembered === v.payment;
  const older = view.verdict && Number(v.number) < Number(view.verdict.number);
  if (!current || older) return; // news of another payment: the counters show it
  if (view.sale) view.verdict = v;
  else if (!['declined', 'voided'].includes(kind(v)) || (face(v) === closed && !toTell)) return;
  show(v);
  draw();
}

function takeScan(scan) {
  if (!view) return;
  if (scan.kind === 'connected' || scan.kind === 'disconnected') view.scanner = scan.kind;
  else if (scan.kind === 'notice') {
    notice = null; // the same once more is news as well
    noticed = '';
    takeNotice(scan);
  } else dropNotice();
  draw();
}

// takeNotice shows and sounds a notice once. A view names it until the sale goes
// on, longer than it may stand: a verdict takes it off the screen.
function takeNotice(scan) {
  if (!scan) {
    notice = null;
    noticed = '';
  } else if (scan.reason !== noticed && scan.reason !== notice?.reason) {
    notice = scan;
    sound('notice');
  }
}

function dropNotice() {
  if (notice) noticed = notice.reason;
  notice = null;
}

function show(v) {
  shown = v;
  if (!v) return;
  remembered = v.payment;
  if (face(v) === heard || v.handed_over) return;
  heard = face(v);
  dismissed = closed = '';
  withdraw();
  dropNotice();
  sound(kind(v));
}

function follow() {
  const events = stream = new EventSource('/v1/events');
  const on = (type, take) => events.addEventListener(type, e => { reached(true); take(JSON.parse(e.data)); });
  for (const type of ['sale', 'link', 'policy', 'caps']) on(type, takeView);
  on('payment', v => takeVerdict(v, false));
  on('verdict', v => takeVerdict(v, true));
  on('scanner', takeScan);
  events.onerror = () => {
    reached(false);
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 2000); // refused: the browser does not try again by itself
  };
}

// The stream may stay open while the register hangs, so it is asked as well.
async function knock() {
  try {
    const answer = await fetch('/v1/state', {signal: AbortSignal.timeout(4000)});
    if (answer.status === 401) location.reload(); // another boot's key: the page says what to do
    else if (!answer.ok) reached(false);
    else if (stream.readyState === EventSource.OPEN) reached(true);
  } catch {
    reached(false);
  }
}

function reached(yes) {
  if (answers === yes) return;
  answers = yes;
  draw();
}

// What the cashier presses.

async function press(path) {
  if (working) return;
  working = true;
  withdraw();
  draw();
  const before = heard;
  let wrong = '';
  try {
    const answer = await fetch(path, {method: 'POST', signal: AbortSignal.timeout(15000)});
    if (!answer.ok) wrong = (await answer.json()).code || 'other';
  } catch {
    wrong = 'late';
  }
  working = false;
  if (wrong && heard === before) complain(wrong); // a verdict that came meanwhile says more
  draw();
}

// complain says why a key did nothing, until something newer is known.
function complain(code) {
  complaint = code === 'storage' && verdictKind() === 'approved' ? 'storage.paid' : code;
  clearTimeout(complain.timer);
  complain.timer = setTimeout(() => { withdraw(); draw(); }, 12000);
}

function withdraw() { complaint = ''; }

const salePath = what => `/v1/sales/${encodeURIComponent(view.sale.ref)}/${what}`;
const paymentPath = what => `/v1/payments/${encodeURIComponent(shown.payment)}/${what}`;

const questions = {
  void: () => press(paymentPath('void')),
  stop: () => press(salePath('cancel')),
  cancel: () => press(salePath('cancel')),
};

function ask(what) {
  asking = what;
  draw();
  $('confirm').showModal();
  $('question').focus();
}

function answered(yes) {
  const act = questions[asking];
  asking = '';
  $('confirm').close();
  if (yes) act();
}

function putAway() {
  dismissed = face(shown);
  if (view && !view.sale) shown = null;
  draw();
}

// The screen.

function draw() {
  document.documentElement.lang = language;
  document.title = word('title');
  for (const e of document.querySelectorAll('[data-word]')) e.textContent = word(e.dataset.word);
  for (const e of document.querySelectorAll('[data-label]')) e.setAttribute('aria-label', word(e.dataset.label));
  for (const e of $('languages').children) e.setAttribute('aria-pressed', String(e.lang === language));
  if (view) {
    drawStatus();
    drawSale(view.sale);
  }
  drawNews();
  drawVerdict();
  drawLost();
  drawQuestion();
}

// put changes a text only where it differs, so that nothing is read out twice.
function put(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function status(id, text, care) {
  put(id, text);
  $(id).className = care ? 'care' : '';
}

function drawStatus() {
  status('link', line(view.link), view.link.state !== 'up');
  status('contact', view.link.state === 'up' ? '' : contact(), true);
  const ready = view.scanner === 'connected';
  status('scanner', word(ready ? 'scanner.connected' : 'scanner.disconnected'), !ready);
  status('storage', word('storage.' + view.storage), true);
  // Every item that waits to be sent belongs to one of the payments counted.
  const usual = view.sale && view.sale.state === 'paying' ? 1 : 0;
  const parked = view.parked ? filled('parked', view.parked) : '';
  status('pending', filled('pending', view.unresolved) + parked, view.unresolved > usual || view.parked > 0);
  const warnings = [
    view.stopping ? word('warning.stopping') : '', doubted(), unheard(), frozen(view.frozen ?? []),
    word('warning.storage.' + view.storage), ready ? '' : word('warning.scanner'), word('policy.' + view.policy.state),
  ].filter(Boolean);
  put('warning', warnings.join('\n▲ '));
  $('warning').hidden = !answers || warnings.length === 0;
  $('status').hidden = !answers;
}

// frozen tells that head office stopped something, not what: the verdict does.
function frozen(names) {
  if (names.includes('all')) return word('warning.frozen.all');
  return names.length ? word('warning.frozen') : '';
}

// drawNews shows what stands above every screen: a notice, and why a key did
// nothing. It pushes the screen down and covers none of it.
function drawNews() {
  put('notice-text', notice ? sentence(notice) : '');
  $('notice').hidden = !notice || !answers;
  put('error', complaint && (word('error.' + complaint) || word('error')));
  $('error').hidden = !complaint;
}

const sentence = told => told.sentence?.[language] ?? told.sentence?.ja ?? '';

// doubted tells that head office must check this till; without the line it then
// takes nothing.
function doubted() {
  if (!view.quarantine) return '';
  return view.link.state === 'down' ? word('warning.quarantine.down') : word('warning.quarantine');
}

// unheard says what to do where the line is down for longer than a short break, or
// for a reason that no waiting mends. Nobody in the store mends what head office
// ended.
function unheard() {
  if (view.link.state !== 'down' || view.quarantine) return '';
  if (['untrusted', 'refused', 'protocol'].includes(view.link.reason)) return word('warning.line.call');
  if (view.link.last_contact && sinceContact() < 60) return '';
  return view.link.reason === 'closed' ? word('warning.line.wait') : word('warning.line');
}

// line says how the line is and, where it is not up, why.
function line(link) {
  if (link.state === 'up') return word('link.up');
  const why = word('line.' + link.reason);
  return (word('link.' + link.state) || word('link.down')) + (why && ' – ' + why);
}

// contact says since when the backend was not heard.
function contact() {
  if (!view.link.last_contact) return word('contact.never');
  const s = sinceContact();
  if (s < 60) return filled('contact.seconds', s);
  if (s < 3600) return filled('contact.minutes', Math.floor(s / 60));
  return filled('contact.hours', Math.floor(s / 3600));
}

// sinceContact is how many seconds ago the backend was last heard, by the
// register's own clock.
function sinceContact() {
  return Math.max(0, Math.floor((view.time - view.link.last_contact + performance.now() - viewSince) / 1000));
}

function drawSale(sale) {
  const state = sale ? sale.state : 'none';
  put('state', word('state.' + state) || word('state.none'));
  put('amount', yen(sale ? sale.total : 0));
  drawLines(sale ? sale.lines : [], sale ? sale.total : 0);
  $('total').disabled = working || !answers || state !== 'open';
  $('cancel').disabled = working || !answers || !sale || state === 'paid';
}

function drawLines(lines, total) {
  const rows = lines.map(l => row(l.name || l.gtin, l.name ? l.gtin : '', yen(l.unit_price), String(l.quantity), yen(l.unit_price * l.quantity)));
  const less = lines.reduce((sum, l) => sum + l.unit_price * l.quantity, 0) - total;
  if (less > 0) rows.push(row(word('discount'), '', '', '', '−' + yen(less)));
  const body = document.querySelector('#lines tbody');
  const longer = rows.length > body.children.length;
  body.replaceChildren(...rows);
  if (longer) $('lines').scrollTop = $('lines').scrollHeight;
}

function row(name, gtin, ...cells) {
  const tr = document.createElement('tr');
  const first = tr.insertCell();
  first.textContent = name;
  if (gtin) first.append(Object.assign(document.createElement('small'), {textContent: gtin}));
  for (const c of cells) tr.insertCell().textContent = c;
  return tr;
}

// verdictKind is the kind of the verdict on the screen, "" where there is none.
function verdictKind() {
  return shown && !shown.handed_over && face(shown) !== dismissed ? kind(shown) : '';
}

function drawVerdict() {
  const was = !$('verdict').hidden;
  const k = verdictKind();
  $('verdict').hidden = !k;
  $('till').hidden = !!k;
  if (!k) return;
  $('verdict').className = k === 'voided' ? 'declined' : k;
  document.querySelector('#verdict use').setAttribute('href', '#icon-' + (k === 'voided' ? 'declined' : k));
  put('outcome', word(k));
  put('sentence', sentence(shown).replace(words[language]['said.' + k] ?? '', '').trim()); // what the heading says already
  put('paid', yen(shown.amount));
  drawReceipt(k);
  drawKeys(k);
  if (!was) $('outcome').focus(); // never a key: what a scanner types must press nothing
}

function drawReceipt(k) {
  const rows = [['reference', shown.number]];
  if (k === 'approved') rows.push(['approval', shown.approval_code], ['account', [shown.issuer, shown.account].filter(Boolean).join(' ')]);
  if (k === 'approved' && shown.offline) rows.push(['offline', word('offline.yes')]);
  $('receipt').replaceChildren(...rows.filter(r => r[1]).map(([key, text]) => {
    const div = document.createElement('div');
    div.append(Object.assign(document.createElement('dt'), {textContent: word(key)}), Object.assign(document.createElement('dd'), {textContent: text}));
    return div;
  }));
}

function drawKeys(k) {
  const sale = view && view.sale;
  const keys = {
    'handed-over': k === 'approved', void: k === 'approved',
    stop: (k === 'unknown' || k === 'sent') && sale,
    drop: k === 'declined' && sale, back: k === 'declined' || k === 'voided',
  };
  for (const [id, wanted] of Object.entries(keys)) {
    $(id).hidden = !wanted;
    $(id).disabled = working || (!answers && id !== 'back');
  }
  put('back', word(sale ? 'back' : 'close'));
}

function drawLost() {
  const approved = verdictKind() === 'approved';
  $('lost').className = approved ? 'strip' : '';
  put('lost-do', word(approved ? 'lost.approved' : 'lost.do'));
  $('lost').hidden = answers;
}

// drawQuestion takes the question back where its subject is gone.
function drawQuestion() {
  if (!asking) return;
  const k = verdictKind();
  const holds = {void: k === 'approved', stop: k === 'unknown' || k === 'sent', cancel: view.sale && (k === '' || k === 'declined')}[asking];
  if (!holds || !answers) answered(false);
  else put('question', word('confirm.' + asking));
}

// Sounds: two rising tones, three short low ones, a slow two-tone call, or two
// quick high beeps.

const tunes = {
  approved: {wave: 'sine', notes: [[660, 0, .12], [990, .14, .3]]},
  declined: {wave: 'square', notes: [[180, 0, .14], [180, .22, .14], [180, .44, .3]]},
  notice: {wave: 'sine', notes: [[1400, 0, .09], [1400, .15, .09]]},
  unknown: {wave: 'triangle', notes: [[740, 0, .35], [520, .4, .35], [740, .8, .35], [520, 1.2, .5]]},
};
tunes.voided = tunes.declined;
let audio = null;

function sound(k) {
  if (!(k in tunes)) return;
  audio ??= new AudioContext();
  $('sound').hidden = audio.state === 'running';
  if (audio.state !== 'running') return; // a browser lets a page sound only once it was touched
  const {wave, notes} = tunes[k];
  for (const [hertz, start, length] of notes) tone(wave, hertz, audio.currentTime + start, length);
}

function tone(wave, hertz, at, length) {
  const source = new OscillatorNode(audio, {type: wave, frequency: hertz});
  const volume = new GainNode(audio, {gain: 0});
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(wave === 'square' ? .25 : .6, at + .01);
  volume.gain.setValueAtTime(wave === 'square' ? .25 : .6, at + length - .03);
  volume.gain.linearRampToValueAtTime(0, at + length);
  source.connect(volume).connect(audio.destination);
  source.start(at);
  source.stop(at + length);
}

// A scanner that types as a keyboard ends with Enter: Enter presses nothing.
for (const type of ['keydown', 'keypress', 'keyup']) {
  document.addEventListener(type, e => { if (e.key === 'Enter') { e.preventDefault(); e.stopImmediatePropagation(); } }, true);
}

for (const b of $('languages').children) {
  b.onclick = () => { language = b.lang; localStorage.setItem('language', language); draw(); };
}
$('total').onclick = () => press(salePath('ready'));
$('cancel').onclick = () => ask('cancel');
$('drop').onclick = () => ask('cancel');
$('stop').onclick = () => ask('stop');
$('void').onclick = () => ask('void');
$('back').onclick = putAway;
$('handed-over').onclick = () => press(paymentPath('handed-over'));
$('yes').onclick = () => answered(true);
$('no').onclick = () => answered(false);
$('confirm').addEventListener('cancel', () => { asking = ''; });
// A page that has sounded before it was touched stays mute until it is let: any
// touch lets it.
document.addEventListener('click', async () => {
  if (audio?.state !== 'suspended') return;
  await audio.resume();
  $('sound').hidden = true;
}, true);
$('sound').onclick = async () => {
  await audio.resume();
  $('sound').hidden = true;
  sound(verdictKind() || 'approved');
};

setInterval(() => { if (view) drawStatus(); }, 1000);
setInterval(knock, 5000);
draw();
follow();
