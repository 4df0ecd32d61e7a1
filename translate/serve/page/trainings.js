// The tab of trainings: what runs and what is done, renewed while it is looked at.

const find = id => document.getElementById(id);
const RENEWED_MS = 4000;
let timer = 0, ask = null, chosen = null, shownGrid = '', folders = '';

export function watch(isOpen, askServer) {
  ask = askServer;
  clearTimeout(timer);
  if (isOpen) renew();
}

async function renew() {
  clearTimeout(timer);
  try {
    const told = await ask('trainings');
    list(told.runs);
    if (told.folders) offer(told.folders);
    const run = told.runs.find(one => one.name === chosen);
    if (run) show(run);
  } catch (error) {
    find('run-message').textContent = error.message;
  }
  timer = setTimeout(renew, RENEWED_MS);
}

const inWords = run => {
  const steps = run.steps ? `${run.step.toLocaleString()} of ${run.steps.toLocaleString()} steps` : 'no step yet';
  if (run.state === 'finished') return `finished, ${steps}`;
  return `${run.state === 'running' ? 'running' : 'stopped'}, ${steps}`;
};

function list(runs) {
  find('no-runs').hidden = runs.length > 0;
  const items = runs.map(run => {
    const item = document.createElement('li'), button = document.createElement('button');
    const words = document.createElement('small');
    words.textContent = inWords(run);
    button.append(run.name, words);
    button.type = 'button';
    button.setAttribute('aria-current', run.name === chosen);
    button.onclick = () => { [chosen, shownGrid] = [run.name, '']; renew(); };
    item.append(button);
    return item;
  });
  const focused = [...find('runs').querySelectorAll('button')].indexOf(document.activeElement);
  find('runs').replaceChildren(...items);
  if (focused >= 0) find('runs').querySelectorAll('button')[focused]?.focus();
}

function show(run) {
  const place = `trainings/${encodeURIComponent(run.name)}`;
  find('no-run').hidden = true;
  find('run').hidden = false;
  find('run-name').textContent = run.name;
  const state = `${inWords(run)}${run.alarms ? `; alarms: ${run.alarms}` : ''}.`;
  find('run-state').textContent = `${run.about} ${state[0].toUpperCase()}${state.slice(1)}`.trim();
  find('run-bar').value = run.steps ? run.step / run.steps : 0;
  find('run-stop').hidden = !run.ours || run.state !== 'running';
  find('run-continue').hidden = !run.continues || run.state !== 'stopped';
  find('run-report').hidden = !run.report;
  find('run-report').href = `${place}/report`;
  find('run-message').textContent = run.message;
  find('run-message').classList.toggle('alarm', run.failed);
  find('run-command').textContent = run.command;
  showGrids(place, run.grids);
  find('run-losses').hidden = !run.curves;
  if (run.curves) find('run-curves').src = `${place}/curves?${run.step}`;
  find('run-stop').onclick = () => act(`${place}/stop`);
  find('run-continue').onclick = () => act(`${place}/continue`);
}

function showGrids(place, grids) {
  const slider = find('run-slider'), wasLast = slider.value === slider.max || !shownGrid;
  find('run-grids').hidden = !grids.length;
  slider.max = Math.max(grids.length - 1, 0);
  if (wasLast) slider.value = slider.max;
  slider.oninput = () => {
    const step = grids[slider.value];
    if (step === undefined || shownGrid === `${place} ${step}`) return;
    shownGrid = `${place} ${step}`;
    find('run-grid').src = `${place}/grids/${step}`;
    find('run-step').textContent = step.toLocaleString();
  };
  slider.oninput();
}

async function act(address, body = undefined) {
  const how = { method: 'POST', body: body === undefined ? undefined : JSON.stringify(body) };
  try {
    const told = await ask(address, how);
    if (told.name) [chosen, shownGrid] = [told.name, ''];
    find('run-message').textContent = '';
    await renew();
    return '';
  } catch (error) {
    find('run-message').textContent = error.message;
    return error.message;
  }
}

// The form that begins one

function offer(found) {
  if (!find('begin') || found.join('\n') === folders) return;
  folders = found.join('\n');
  for (const name of ['source', 'aim']) {
    const select = find('begin').elements[name], before = select.value;
    select.replaceChildren(...found.map(folder => new Option(folder, folder)));
    if (found.includes(before)) select.value = before;
    else select.selectedIndex = Math.min(name === 'aim' ? 1 : 0, found.length - 1);
  }
  find('begin').querySelector('button').disabled = found.length < 2;
  find('begin-message').textContent = found.length < 2 ? 'There are no two folders of pictures here.' : '';
}

if (find('begin')) {
  find('begin').onsubmit = async event => {
    event.preventDefault();
    const { source, aim } = event.target.elements;
    find('begin-message').textContent = await act('trainings', { source: source.value, aim: aim.value });
  };
}
