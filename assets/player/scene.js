// Part 1 of the player: a scene from its bytes (core/figures/scene.py says how they are packed).

const LOST = -32768;

async function readScene(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = view.getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    const packed = new Blob([bytes.subarray(4 + length)]);
    const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
    const plain = new Uint8Array(await new Response(stream).arrayBuffer());
    const arrays = {};
    let at = 0;
    for (const { name, type, shape, bytes: size } of head.arrays) {
        const part = plain.slice(at, at + size); // a copy starts at an even address, as typed arrays must
        at += size;
        arrays[name] = { shape, values: READ[type](part, shape) };
    }
    for (const { name, type } of head.arrays) {
        if (type === "i2") arrays[name].values = inUnits(arrays[name], arrays[`${name}.scale`].values);
    }
    return { head, arrays, bytes: bytes.byteLength };
}

const READ = {
    f4: (part) => new Float32Array(part.buffer),
    u1: (part, shape) => summed(part, shape),
    i2: (part, shape) => {
        const count = part.length / 2;
        const values = new Int16Array(count);
        for (let i = 0; i < count; i++) values[i] = part[i] | (part[count + i] << 8);
        return summed(values, shape);
    },
};

// Differences along the first axis, summed up again; typed arrays wrap around as the packing did.
function summed(values, shape) {
    const stride = shape.slice(1).reduce((a, b) => a * b, 1);
    for (let i = stride; i < values.length; i++) values[i] += values[i - stride];
    return values;
}

function inUnits({ values, shape }, scale) {
    const stride = shape[1] * shape[2];
    const places = new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) {
        places[i] = values[i] === LOST ? NaN : values[i] * scale[Math.floor(i / stride)];
    }
    return places;
}

// Places of one thing that moves: `per` of them a step of the grid, beginning at step `from`.
class Track {
    constructor(array, per = 1, from = 0) {
        [this.times, this.count] = array.shape;
        this.values = array.values;
        this.per = per;
        this.from = from;
        this.end = from + (this.times - 1) / per; // the playhead at its last place
    }

    // Where to read at playhead u: index of the place before, and how far on to the next; null outside.
    at(u) {
        if (u < this.from || u > this.end + 1e-9) return null;
        const x = Math.min((u - this.from) * this.per, this.times - 1);
        const k = Math.min(Math.floor(x), Math.max(this.times - 2, 0));
        return { k, f: this.times > 1 ? x - k : 0 };
    }

    place(i, where) {
        const a = 2 * (where.k * this.count + i);
        const b = this.times > 1 ? a + 2 * this.count : a;
        const v = this.values;
        return [v[a] + (v[b] - v[a]) * where.f, v[a + 1] + (v[b + 1] - v[a + 1]) * where.f];
    }
}

// A frame between two frames of bytes or numbers (F, ...), at the frame times `us`; into `out`.
function between(array, us, u, out) {
    const stride = array.values.length / array.shape[0];
    let k = 0;
    while (k < us.length - 2 && us[k + 1] <= u) k++;
    const next = Math.min(k + 1, us.length - 1);
    const span = us[next] - us[k];
    const f = span > 0 ? Math.min(Math.max((u - us[k]) / span, 0), 1) : 0;
    const [a, b] = [k * stride, next * stride];
    for (let i = 0; i < stride; i++) out[i] = array.values[a + i] * (1 - f) + array.values[b + i] * f;
    return out;
}

// One of a row of numbers at playhead u, linear between them.
function along(row, u) {
    const k = Math.min(Math.floor(u), row.length - 2);
    return row.length < 2 ? row[0] : row[k] + (row[k + 1] - row[k]) * (u - k);
}
