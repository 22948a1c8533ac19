/* Vector tiles (MVT 2.1) on a Leaflet map: polygons are decoded and drawn on the canvas of each tile. */

/** Varints of a buffer from one place to another. */
function* varints(bytes, from, to) {
  let at = from;
  while (at < to) {
    let value = 0, shift = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * shift; shift *= 128; } while (byte & 128);
    yield value;
  }
}

/** Fields of a protobuf message: [number, value or [start, end]]. */
function* fields(bytes, from, to) {
  let at = from;
  const next = () => {
    let value = 0, shift = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * shift; shift *= 128; } while (byte & 128);
    return value;
  };
  while (at < to) {
    const key = next(), kind = key % 8, number = Math.floor(key / 8);
    if (kind === 0) yield [number, next()];
    else if (kind === 2) { const length = next(); yield [number, [at, at + length]]; at += length; }
    else at += kind === 5 ? 4 : 8;
  }
}

/** Layers of a tile: name, extent, and the rings of each feature. */
export function decode(bytes) {
  const layers = [];
  for (const [number, span] of fields(bytes, 0, bytes.length)) {
    if (number !== 3) continue;
    const layer = { name: "", extent: 4096, features: [] };
    for (const [field, value] of fields(bytes, ...span)) {
      if (field === 1) layer.name = new TextDecoder().decode(bytes.subarray(...value));
      if (field === 5) layer.extent = value;
      if (field === 2) for (const [part, place] of fields(bytes, ...value)) if (part === 4) layer.features.push(rings(bytes, place));
    }
    layers.push(layer);
  }
  return layers;
}

function rings(bytes, [from, to]) {
  const found = [], numbers = varints(bytes, from, to);
  let x = 0, y = 0;
  for (let step = numbers.next(); !step.done; step = numbers.next()) {
    const command = step.value % 8, count = Math.floor(step.value / 8);
    if (command === 7) continue;
    for (let k = 0; k < count; k++) {
      const dx = numbers.next().value, dy = numbers.next().value;
      x += dx % 2 ? -(dx + 1) / 2 : dx / 2;
      y += dy % 2 ? -(dy + 1) / 2 : dy / 2;
      if (command === 1) found.push([]);
      found[found.length - 1].push(x, y);
    }
  }
  return found;
}

/** Leaflet layer of the tiles at an address with {z}, {x} and {y}; available for zoom 10 to 16, scaled up above. */
export function tileLayer(address, colour) {
  const Layer = L.GridLayer.extend({
    createTile(place, done) {
      const canvas = document.createElement("canvas"), size = this.getTileSize(), sharp = window.devicePixelRatio || 1;
      canvas.width = size.x * sharp; canvas.height = size.y * sharp;
      fetch(L.Util.template(address, { z: place.z, x: place.x, y: place.y })).then(async (answer) => {
        if (answer.status === 200) draw(canvas, decode(new Uint8Array(await answer.arrayBuffer())), colour, sharp);
        done(null, canvas);
      }).catch((error) => done(error, canvas));
      return canvas;
    },
  });
  return new Layer({ minNativeZoom: 10, maxNativeZoom: 16 });
}

function draw(canvas, layers, colour, sharp) {
  const pen = canvas.getContext("2d");
  pen.strokeStyle = colour;
  pen.fillStyle = colour;
  pen.lineWidth = sharp;
  for (const layer of layers) {
    const scale = canvas.width / layer.extent;
    for (const feature of layer.features) {
      pen.beginPath();
      for (const ring of feature) {
        pen.moveTo(ring[0] * scale, ring[1] * scale);
        for (let k = 2; k < ring.length; k += 2) pen.lineTo(ring[k] * scale, ring[k + 1] * scale);
        pen.closePath();
      }
      pen.globalAlpha = .12; pen.fill("evenodd");
      pen.globalAlpha = .9; pen.stroke();
    }
  }
}
