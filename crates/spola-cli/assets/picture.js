// Pictures, made small enough for one Socket.IO packet on any transport.

// Base64 on long-polling adds a third, and servers take 1 000 000 bytes at once.
const MAX_BYTES = 700_000;
const MAX_SIDE = 1600;

// Raster formats only: an SVG opened from a blob URL could run scripts in this origin.
const SHOWN = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif'];

export const canShow = (type) => SHOWN.includes(type);

/** The first picture among dropped or pasted items, if any. */
export function pictureIn(transfer) {
  return [...(transfer?.files ?? [])].find((file) => file.type.startsWith('image/'));
}

/**
 * Resolves with `{name, type, data: Blob}` below the limit, drawn anew (which also strips what cameras note,
 * such as the place) unless it is a small PNG, GIF or WebP. Rejects if the browser cannot read the file.
 */
export async function prepare(file) {
  const image = await load(file);
  const name = file.name || 'picture';
  const side = Math.max(image.naturalWidth, image.naturalHeight);
  const keeps = ['image/png', 'image/gif', 'image/webp'].includes(file.type);
  if (keeps && file.size <= MAX_BYTES && side <= MAX_SIDE) return { name, type: file.type, data: file };
  for (let scale = Math.min(1, MAX_SIDE / side); scale * side >= 64; scale *= 0.75) {
    for (const quality of [0.86, 0.7]) {
      const data = await draw(image, scale, quality);
      if (data && data.size <= MAX_BYTES) return { name: name.replace(/\.\w+$/, '') + '.jpg', type: data.type, data };
    }
  }
  throw new Error('too large');
}

async function load(file) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function draw(image, scale, quality) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round((image.naturalWidth || MAX_SIDE) * scale));
  canvas.height = Math.max(1, Math.round((image.naturalHeight || MAX_SIDE) * scale));
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
}
