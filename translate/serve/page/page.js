// The tab that paints: what is chosen, what is waiting, what is done.

import { chosen, dropped, openCamera, pasted, pictures } from './gather.js';
import { hide, show } from './stage.js';
import { watch } from './trainings.js';

const find = id => document.getElementById(id);
const options = find('options'), gallery = find('gallery');
const mostBytes = Number(document.body.dataset.mostBytes);
const AT_ONCE = 2;  // one is uploaded while another is painted

let album = null;  // where the server keeps what is painted; null: not begun
let mask = null;  // a file
let maskNumber = null;  // of the same in the album
let all = [];  // pictures: { file, name, tile, result, place, error }
let waiting = [];
let working = 0, begun = 0, done = 0, total = 0;
let stopping = new AbortController();
let current = null;

async function ask(address, how = {}) {
  let answer;
  try {
    answer = await fetch(address, how);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('The server does not answer. Is `translate demo` still running?');
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

function say(words, isBad = false) {
  find('message').textContent = words;
  find('message').classList.toggle('alarm', isBad);
}

// What is chosen

const model = () => options.querySelector('[name=model]:checked');

function words() {
  const { value, dataset } = model(), chosenNow = new FormData(options), said = { model: value };
  for (const name of ['strength', 'take', 'size', 'metadata']) said[name] = chosenNow.get(name);
  if (dataset.targets) said.to = chosenNow.get('to');
  if (dataset.attributes) said.to = chosenNow.get('attributes');
  if (dataset.scale !== '1' && chosenNow.get('enlarge')) said.enlarge = '1';
  if (dataset.fills && chosenNow.get('fill')) said.fill = '1';
  if (said.enlarge) said.size = 'auto';
  if (said.fill) [said.strength, said.take] = ['1', 'all'];
  if (maskNumber) said.mask = maskNumber;
  return said;
}

const quoted = word => (/^[\w./=,:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function command() {
  const said = words(), input = all.length === 1 ? all[0].name : 'PHOTOS', { dataset } = model();
  const parts = ['translate', 'apply', quoted(said.model), quoted(input), '--out', 'painted'];
  if (said.to && said.to !== dataset.default) parts.push('--to', quoted(said.to));
  if (said.strength !== '1') parts.push('--strength', said.strength);
  if (said.take !== 'all') parts.push(said.take === 'lightness' ? '--keep-colour' : '--colour-only');
  if (said.size !== 'auto') parts.push('--size', said.size);
  if (said.metadata !== 'date') parts.push('--keep-metadata', said.metadata);
  if (said.enlarge) parts.push('--enlarge', dataset.scale);
  if (said.fill) parts.push('--fill');
  if (mask) parts.push('--mask', quoted(mask.name));
  return parts.join(' ');
}

function choose() {
  const { value, dataset } = model(), row = name => options.querySelector(`[data-row=${name}]`);
  for (const remark of options.querySelectorAll('.remark')) remark.hidden = remark.dataset.of !== value;
  const targets = dataset.targets ? dataset.targets.split(',') : [], to = options.elements.to;
  row('to').hidden = !targets.length;
  if ([...to.options].map(one => one.value).join() !== targets.join()) {
    to.replaceChildren(...targets.map(name => new Option(name, name, false, name === dataset.default)));
  }
  row('attributes').hidden = !dataset.attributes;
  find('attributes-help').textContent = `Such as Young=0; it knows ${dataset.attributes}.`;
  row('enlarge').hidden = dataset.scale === '1';
  find('scale').textContent = dataset.scale;
  row('fill').hidden = !dataset.fills;
  find('strength-shown').textContent = options.elements.strength.value;
  find('command').textContent = command();
}

function chooseMask(file) {
  mask = file, maskNumber = null;
  find('mask-words').textContent = file ? `Mask: ${file.name}` : 'Mask: none, all of the photo is painted';
  find('drop-mask').hidden = !file;
  choose();
}

// What is waiting and done

function add(found, isFolder = false) {
  const taken = isFolder ? pictures(found) : found;
  const left = found.length - taken.length;
  say(left ? `${left} ${left === 1 ? 'file is no picture and is' : 'files are no pictures and are'} left out.` : '');
  if (!taken.length) return;
  enqueue(taken.map(one => ({ ...one, tile: newTile(one.name) })));
}

function enqueue(more) {
  if (!working) [begun, done, total, stopping] = [Date.now(), 0, 0, new AbortController()];
  all.push(...more);
  waiting.push(...more);
  total += more.length;
  gallery.append(...more.map(picture => picture.tile));
  for (const picture of more) picture.tile.firstChild.onclick = () => select(picture);
  find('drop').classList.add('small');
  find('command-box').hidden = find('actions').hidden = false;
  choose();
  while (working < AT_ONCE && waiting.length) work();
  tell();
}

function newTile(name) {
  const item = document.createElement('li'), tile = document.createElement('button');
  const frame = document.createElement('span'), caption = document.createElement('span');
  [tile.type, tile.className, tile.title] = ['button', 'tile', name];
  [frame.className, frame.textContent] = ['frame', 'waiting'];
  [caption.className, caption.textContent] = ['name', name];
  tile.append(frame, caption);
  item.append(tile);
  return item;
}

async function work() {
  working += 1;
  while (waiting.length) {
    const picture = waiting.shift();
    try {
      await paint(picture);
      succeed(picture);
    } catch (error) {
      fail(picture, error.name === 'AbortError' ? 'stopped' : error.message);
    }
    done += 1;
    tell();
  }
  working -= 1;
  tell();
}

let beginning = null;  // so that two uploads begin one album

async function begin() {
  beginning ??= ask('albums', { method: 'POST' });
  try {
    album = (await beginning).album;
  } finally {
    beginning = null;
  }
}

async function paint(picture) {
  if (picture.file.size > mostBytes) throw new Error(`${picture.name} has more than ${mostBytes >> 20} MiB, which this page takes.`);
  if (!album) await begin();
  const { signal } = stopping;
  while (mask && !maskNumber) {
    const sent = mask, told = await ask(`albums/${album}/masks`, { method: 'POST', body: sent, signal });
    if (sent === mask) maskNumber = told.mask;  // else another one was chosen meanwhile
  }
  picture.tile.querySelector('.frame').textContent = 'painting…';
  const query = new URLSearchParams({ ...words(), name: picture.name });
  picture.result = await ask(`albums/${album}/pictures?${query}`, { method: 'POST', body: picture.file, signal });
  picture.place = `albums/${album}/pictures/${picture.result.number}`;
}

function succeed(picture) {
  const image = document.createElement('img');
  [image.loading, image.alt, image.src] = ['lazy', '', `${picture.place}/after`];
  picture.tile.querySelector('.frame').replaceChildren(image);
  find('archive').href = `albums/${album}/results.zip`;
  if (!current) select(picture);
}

function fail(picture, sentence) {
  picture.error = sentence;
  picture.tile.firstChild.classList.add('failed');
  picture.tile.querySelector('.frame').textContent = sentence;
  if (all.length === 1) say(sentence, true);
}

function select(picture) {
  if (picture.error) return say(picture.error, true);
  if (!picture.result) return undefined;
  current = picture;
  for (const tile of gallery.querySelectorAll('.tile')) tile.setAttribute('aria-current', tile === picture.tile.firstChild);
  return show(picture);
}

function tell() {
  const isBusy = working > 0, failed = all.filter(picture => picture.error).length;
  find('progress').hidden = !isBusy;
  for (const name of ['again', 'clear']) find(name).disabled = isBusy;
  find('archive').hidden = isBusy || all.length - failed < 2;
  find('bar').value = total ? done / total : 0;
  const seconds = done ? Math.round((Date.now() - begun) / 1000 / done * (total - done)) : 0;
  find('progress-words').textContent = `${done} of ${total}${seconds > 1 ? `, about ${seconds} s left` : ''}`;
  if (!isBusy && all.length > 1) say(`${all.length - failed} painted${failed ? `, ${failed} failed` : ''}.`, failed > 0);
  document.body.dataset.busy = isBusy ? '1' : '';
}

async function restart(files) {
  const before = album;
  [all, waiting, album, maskNumber, current] = [[], [], null, null, null];
  gallery.replaceChildren();
  say('');
  hide();
  if (before) await ask(`albums/${before}`, { method: 'DELETE' }).catch(() => {});
  if (files.length) return enqueue(files.map(one => ({ ...one, tile: newTile(one.name) })));
  find('drop').classList.remove('small');
  find('command-box').hidden = find('actions').hidden = true;
  return undefined;
}

// What the user does

options.addEventListener('input', choose);
options.addEventListener('submit', event => event.preventDefault());
for (const [button, input] of [['choose-files', 'files'], ['choose-folder', 'folder'], ['choose-mask', 'mask']]) {
  find(button).onclick = () => find(input).click();
}
find('files').onchange = event => add(chosen(event.target));
find('folder').onchange = event => add(chosen(event.target), true);
find('mask').onchange = event => chooseMask(chosen(event.target)[0]?.file ?? null);
find('drop-mask').onclick = () => chooseMask(null);
find('open-camera').onclick = () =>
  openCamera(find('camera'), photo => add([photo])).catch(error => say(`There is no camera: ${error.message}`, true));
find('stop').onclick = () => {
  for (const picture of waiting.splice(0)) fail(picture, 'stopped');
  stopping.abort();
};
find('again').onclick = () => restart(all.map(({ file, name }) => ({ file, name })));
find('clear').onclick = () => restart([]);
document.addEventListener('paste', event => { if (!find('paint').hidden) add(pasted(event.clipboardData)); });
for (const kind of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  document.addEventListener(kind, event => {
    event.preventDefault();
    document.body.classList.toggle('dragging', kind === 'dragover' || kind === 'dragenter');
  });
}
document.addEventListener('drop', async event => { if (!find('paint').hidden) add(await dropped(event.dataTransfer)); });

const tabs = [...document.querySelectorAll('[role=tab]')];
function open(tab) {
  for (const one of tabs) {
    one.setAttribute('aria-selected', one === tab);
    one.tabIndex = one === tab ? 0 : -1;
    find(one.getAttribute('aria-controls')).hidden = one !== tab;
  }
  watch(tab.id === 'tab-trainings', ask);
}
for (const [number, tab] of tabs.entries()) {
  tab.onclick = () => open(tab);
  tab.onkeydown = event => {
    if (!['ArrowLeft', 'ArrowRight'].includes(event.key)) return;
    const next = tabs[(number + (event.key === 'ArrowRight' ? 1 : tabs.length - 1)) % tabs.length];
    open(next);
    next.focus();
  };
}
choose();
