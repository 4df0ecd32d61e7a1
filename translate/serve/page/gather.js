// Pictures from a dialog, a folder, a drop, the clipboard or the camera: each a file and its name, with its folders.

const suffixes = document.body.dataset.suffixes.split(',');

const isHidden = name => name.split('/').some(part => part.startsWith('.') || part === '__MACOSX');
const isPicture = name => suffixes.some(suffix => name.toLowerCase().endsWith(suffix)) && !isHidden(name);

export function chosen(input) {
  const found = [...input.files].map(file => ({ file, name: file.webkitRelativePath || file.name }));
  input.value = '';
  return found;
}

export const pictures = found => found.filter(({ name }) => isPicture(name));

export async function dropped(transfer) {
  const items = [...transfer.items].filter(item => item.kind === 'file');
  const moved = items.map(item => [item.webkitGetAsEntry(), item.getAsFile()]);  // both are gone after a wait
  const found = [];
  for (const [entry, file] of moved) {
    if (entry) await walk(entry, '', found, entry.isFile);
    else if (file) found.push({ file, name: file.name });
  }
  return found;
}

async function walk(entry, place, found, named) {
  const name = place + entry.name;
  if (entry.isFile) {
    if (named || isPicture(name)) found.push({ file: await new Promise((done, fail) => entry.file(done, fail)), name });
    return;
  }
  const reader = entry.createReader();
  for (;;) {  // a browser returns some of them at a time
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return;
    for (const one of some.sort((a, b) => (a.name < b.name ? -1 : 1))) await walk(one, `${name}/`, found, false);
  }
}

export function pasted(transfer) {
  const files = [...transfer.files].filter(file => file.type.startsWith('image/'));
  return files.map(file => ({ file, name: file.name || 'pasted.png' }));
}

// Shows the camera in a dialog; calls `take` with each photo.
export async function openCamera(dialog, take) {
  if (!navigator.mediaDevices) throw new Error('Browsers give the camera to pages of this machine and of https only.');
  const video = dialog.querySelector('video');
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } }, audio: false });
  video.srcObject = stream;
  dialog.querySelector('#take').onclick = () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext('2d').drawImage(video, 0, 0);
    const now = new Date(), two = number => String(number).padStart(2, '0');
    const name = `camera-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.png`;
    canvas.toBlob(blob => { dialog.close(); take({ file: new File([blob], name, { type: 'image/png' }), name }); });
  };
  dialog.querySelector('#close-camera').onclick = () => dialog.close();
  dialog.onclose = () => { for (const track of stream.getTracks()) track.stop(); };
  dialog.showModal();
}
