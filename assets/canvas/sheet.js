// Part 1 of the drawing canvas: what is drawn, and the text that stands for it (core/data/drawing.py reads it).

const SIDE = 32;
const LEVELS = 15;
const HALF = 3;
const MOST_BLOBS = 12;

class Sheet {
    constructor(text = "") {
        this.paint = new Float32Array(SIDE * SIDE); // 0 to LEVELS, row 0 on top
        this.blobs = [];
        this.read(text);
    }

    read(text) {
        this.paint.fill(0);
        const [runs, listed = ""] = text.split("~");
        let at = 0;
        for (const [, letter, count] of runs.matchAll(/([a-p])(\d*)/g)) {
            const many = count === "" ? 1 : Number(count);
            this.paint.fill(letter.charCodeAt(0) - 97, at, at + many);
            at += many;
        }
        this.blobs = listed.split("_").filter(Boolean).map((one) => {
            const [weight, x, y, length, width, degrees] = one.split(":").map(Number);
            return { weight, x, y, length, width, degrees };
        });
    }

    text() {
        const levels = Array.from(this.paint, (value) => Math.round(value));
        let runs = "";
        if (levels.some(Boolean)) {
            for (let start = 0; start < levels.length; ) {
                let stop = start;
                while (stop < levels.length && levels[stop] === levels[start]) stop++;
                runs += String.fromCharCode(97 + levels[start]) + (stop - start > 1 ? stop - start : "");
                start = stop;
            }
        }
        const number = (value) => String(Number(value.toPrecision(4)));
        const listed = this.blobs.map((b) => [b.weight, b.x, b.y, b.length, b.width, b.degrees].map(number).join(":"));
        return `${runs}~${listed.join("_")}`;
    }

    get empty() {
        return this.text() === "~";
    }

    // Soft paint around (x, y); a negative strength takes it away.
    dab(x, y, radius, strength) {
        const cell = (2 * HALF) / SIDE;
        for (let row = 0; row < SIDE; row++) {
            for (let col = 0; col < SIDE; col++) {
                const dx = (col + 0.5) * cell - HALF - x;
                const dy = HALF - (row + 0.5) * cell - y;
                const share = Math.exp((-2 * (dx * dx + dy * dy)) / (radius * radius));
                if (share < 0.05) continue;
                const i = row * SIDE + col;
                this.paint[i] = Math.min(Math.max(this.paint[i] + strength * share * LEVELS, 0), LEVELS);
            }
        }
    }

    // Grey values of a picture (SIDE x SIDE, 0 to 1 for nothing to full) in place of the paint.
    stamp(values) {
        for (let i = 0; i < values.length; i++) this.paint[i] = Math.round(values[i] * LEVELS);
    }
}

// A word as large as the sheet allows, in the reader's own fonts, so in any script.
function lettered(text) {
    const scale = 8;
    const big = Object.assign(document.createElement("canvas"), { width: SIDE * scale, height: SIDE * scale });
    const ink = big.getContext("2d");
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    let size = SIDE * scale * 0.95;
    do {
        ink.font = `700 ${size}px system-ui, sans-serif`;
        size *= 0.93;
    } while (ink.measureText(text).width > SIDE * scale * 0.94 && size > 10);
    ink.fillText(text, big.width / 2, big.height / 2);
    return shrunk(big, (r, g, b, a) => a / 255);
}

// A picture file as a density: dark on light counts as ink, unless most of it is dark.
async function pictured(file) {
    const image = await createImageBitmap(file);
    const side = SIDE * 8;
    const big = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const ink = big.getContext("2d");
    ink.fillStyle = "#ffffff";
    ink.fillRect(0, 0, side, side);
    const factor = side / Math.max(image.width, image.height);
    const [w, h] = [image.width * factor, image.height * factor];
    ink.drawImage(image, (side - w) / 2, (side - h) / 2, w, h);
    const grey = shrunk(big, (r, g, b) => 1 - (0.299 * r + 0.587 * g + 0.114 * b) / 255);
    const dark = grey.reduce((a, b) => a + b, 0) / grey.length;
    const values = dark > 0.5 ? grey.map((v) => 1 - v) : grey;
    const most = Math.max(...values);
    if (most < 0.05) return null; // one plain colour: nothing to draw
    return values.map((v) => (v / most < 0.08 ? 0 : v / most)); // paper is never quite white
}

function shrunk(big, value) {
    const scale = big.width / SIDE;
    const { data } = big.getContext("2d").getImageData(0, 0, big.width, big.height);
    const cells = new Float32Array(SIDE * SIDE);
    for (let y = 0; y < big.height; y++) {
        for (let x = 0; x < big.width; x++) {
            const at = 4 * (y * big.width + x);
            const cell = Math.floor(y / scale) * SIDE + Math.floor(x / scale);
            cells[cell] += value(data[at], data[at + 1], data[at + 2], data[at + 3]) / (scale * scale);
        }
    }
    return cells;
}
