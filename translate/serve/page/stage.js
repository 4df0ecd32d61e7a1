// The picture that is shown large, before and after, with a line to move between them.

const find = id => document.getElementById(id);
const stage = document.querySelector('.stage'), slider = find('slider');
let address = '';  // of the picture in the browser, to be freed

slider.addEventListener('input', () => stage.style.setProperty('--at', `${slider.value}%`));

export function show(picture) {
  const { file, result, place } = picture;
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(file);
  const before = find('before'), after = find('after');
  before.onerror = () => { before.onerror = null; before.src = `${place}/before?large`; };
  before.src = address;
  after.src = result.shown ? `${place}?shown` : `${place}/after?large`;
  before.alt = `before: ${picture.name}`;
  after.alt = `after: ${picture.name}`;
  find('shown-name').textContent = result.name;
  const facts = [`${result.size[1]} × ${result.size[0]} pixels`, `${result.seconds.toFixed(1)} s`, ...result.notes];
  find('shown-facts').textContent = facts.join(' · ');
  find('download').href = find('full').href = place;
  find('download').setAttribute('download', result.name.split('/').pop());
  find('full').href = result.shown ? `${place}?shown` : `${place}/after?large`;
  find('viewer').hidden = false;
}

export function hide() {
  find('viewer').hidden = true;
}
