// Part 4: what lies under and over the particles.

// Density as colour, and as lines of equal height.
class Density {
    constructor(scene) {
        const { density } = scene.head;
        this.us = density.us;
        this.half = scene.head.plane.half;
        this.array = scene.arrays[density.array];
        this.side = this.array.shape[1];
        this.now = new Float32Array(this.side * this.side);
        this.bitmap = document.createElement("canvas");
        this.bitmap.width = this.bitmap.height = this.side;
        this.ink = this.bitmap.getContext("2d");
        this.pixels = this.ink.createImageData(this.side, this.side);
        this.drawn = null;
    }

    at(u) {
        if (this.drawn === u) return;
        this.drawn = u;
        between(this.array, this.us, u, this.now);
        const [n, p] = [this.side, this.pixels.data];
        for (let row = 0; row < n; row++) {
            for (let col = 0; col < n; col++) {
                const level = this.now[row * n + col];
                const at = 4 * ((n - 1 - row) * n + col); // rows run upwards, pixels downwards
                p[at] = 110;
                p[at + 1] = 140;
                p[at + 2] = 175;
                p[at + 3] = level < 64 ? level * 0.88 : 56 + (level - 64) * 0.71;
            }
        }
        this.ink.putImageData(this.pixels, 0, 0);
    }

    drawHeat(ctx, frame, u) {
        this.at(u);
        // The outermost nodes lie on the edge of the plane, so the picture reaches half a cell beyond it.
        const cell = (2 * this.half) / (this.side - 1);
        const reach = this.half + cell / 2;
        ctx.imageSmoothingEnabled = true;
        const width = 2 * reach * frame.scale;
        ctx.drawImage(this.bitmap, frame.px(-reach), frame.py(reach), width, width);
    }

    drawContours(ctx, frame, u, look) {
        this.at(u);
        ctx.strokeStyle = look.contour;
        ctx.lineWidth = 1;
        ctx.beginPath();
        for (const level of [26, 64, 114, 165, 216]) this.contour(ctx, frame, level);
        ctx.stroke();
    }

    // Marching squares: in each cell, lines between the edges that the level crosses.
    contour(ctx, frame, level) {
        const [n, v] = [this.side, this.now];
        const cell = (2 * this.half) / (n - 1);
        const X = (c) => frame.px(-this.half + c * cell);
        const Y = (r) => frame.py(-this.half + r * cell);
        const part = (a, b) => (level - a) / (b - a);
        for (let r = 0; r < n - 1; r++) {
            for (let c = 0; c < n - 1; c++) {
                const [a, b] = [v[r * n + c], v[r * n + c + 1]];
                const [d, e] = [v[(r + 1) * n + c], v[(r + 1) * n + c + 1]];
                const crossed = [];
                if (a > level !== b > level) crossed.push([c + part(a, b), r]);
                if (b > level !== e > level) crossed.push([c + 1, r + part(b, e)]);
                if (d > level !== e > level) crossed.push([c + part(d, e), r + 1]);
                if (a > level !== d > level) crossed.push([c, r + part(a, d)]);
                for (let k = 0; k + 1 < crossed.length; k += 2) {
                    ctx.moveTo(X(crossed[k][0]), Y(crossed[k][1]));
                    ctx.lineTo(X(crossed[k + 1][0]), Y(crossed[k + 1][1]));
                }
            }
        }
    }
}

// Arrows of the ODE's motion.
class Flow {
    constructor(scene) {
        const { flow } = scene.head;
        this.us = flow.us;
        this.places = flow.places;
        this.array = scene.arrays[flow.array];
        this.now = new Float32Array(this.array.values.length / this.array.shape[0]);
    }

    draw(ctx, frame, u, look) {
        between(this.array, this.us, u, this.now);
        ctx.strokeStyle = look.arrow;
        ctx.lineWidth = 1;
        ctx.beginPath();
        let k = 0;
        for (const y of this.places) {
            for (const x of this.places) {
                const [dx, dy] = [this.now[k] * frame.scale, -this.now[k + 1] * frame.scale];
                k += 2;
                const length = Math.hypot(dx, dy);
                if (!(length > 1)) continue;
                arrow(ctx, frame.px(x), frame.py(y), dx, dy, Math.min(4, length * 0.4));
            }
        }
        ctx.stroke();
    }
}

function arrow(ctx, x, y, dx, dy, head) {
    const length = Math.hypot(dx, dy) || 1;
    const [ex, ey] = [dx / length, dy / length];
    const [tx, ty] = [x + dx, y + dy];
    ctx.moveTo(x, y);
    ctx.lineTo(tx, ty);
    ctx.moveTo(tx - head * (ex + 0.6 * ey), ty - head * (ey - 0.6 * ex));
    ctx.lineTo(tx, ty);
    ctx.lineTo(tx - head * (ex - 0.6 * ey), ty - head * (ey + 0.6 * ex));
}

// One polyline from the first place up to the playhead (all of it without one).
function trace(ctx, track, i, frame, from, to) {
    const first = Math.max(0, Math.ceil((from - track.from) * track.per));
    const last = Math.min(track.times - 1, Math.floor((to - track.from) * track.per));
    let pen = false;
    const go = (x, y) => {
        if (!Number.isFinite(x)) pen = false;
        else if (pen) ctx.lineTo(frame.px(x), frame.py(y));
        else {
            ctx.moveTo(frame.px(x), frame.py(y));
            pen = true;
        }
    };
    const begin = track.at(from);
    if (begin) go(...track.place(i, begin));
    for (let k = first; k <= last; k++) {
        const a = 2 * (k * track.count + i);
        go(track.values[a], track.values[a + 1]);
    }
    const end = track.at(to);
    if (end) go(...track.place(i, end));
}

// The stretches of one polyline whose class is `k`, up to the playhead; each has the class of its first place.
function traceTint(ctx, { track, tint }, k, i, frame, to) {
    const reached = (to - track.from) * track.per;
    const end = track.at(Math.min(to, track.end));
    let pen = false;
    for (let j = 0; j < Math.min(track.times - 1, reached); j++) {
        if (tint[j * track.count + i] !== k) {
            pen = false;
            continue;
        }
        const a = 2 * (j * track.count + i);
        const b = a + 2 * track.count;
        const [x, y] = j + 1 > reached ? track.place(i, end) : [track.values[b], track.values[b + 1]];
        if (!pen) ctx.moveTo(frame.px(track.values[a]), frame.py(track.values[a + 1]));
        ctx.lineTo(frame.px(x), frame.py(y));
        pen = true;
    }
}

// Small marks at the ends of the steps that were taken.
function drawCorners(ctx, track, i, frame, to, size) {
    const last = Math.min(track.times - 1, Math.floor((to - track.from) * track.per));
    for (let k = 0; k <= last; k++) {
        const a = 2 * (k * track.count + i);
        if (!Number.isFinite(track.values[a])) continue;
        ctx.rect(frame.px(track.values[a]) - size / 2, frame.py(track.values[a + 1]) - size / 2, size, size);
    }
}

// Where the model is asked in the step under the playhead, with the direction of its answer; the past that a
// multistep method reuses is fainter and tied to it.
function drawEvaluations(ctx, series, i, frame, u, head, look) {
    const seen = series.seen;
    if (!seen || i >= seen.count) return;
    const step = Math.min(Math.floor(u), head.steps - 1);
    const span = head.lambda[step + 1] - head.lambda[step];
    const asked = [];
    for (let c = 0; c < seen.step.length; c++) {
        if (seen.step[c] <= step) asked.push(c);
    }
    const here = asked.filter((c) => seen.step[c] === step);
    const before = series.reuses ? asked.filter((c) => seen.step[c] < step).slice(-series.reuses) : [];
    const spot = (c) => {
        const a = 2 * (c * seen.count + i);
        return [frame.px(seen.x[a]), frame.py(seen.x[a + 1]), seen.slope[a] * span * frame.scale, -seen.slope[a + 1] * span * frame.scale];
    };
    ctx.save();
    ctx.strokeStyle = series.colour;
    for (const c of [...before, ...here]) {
        const past = seen.step[c] < step;
        const [x, y, dx, dy] = spot(c);
        if (![x, y, dx, dy].every(Number.isFinite)) continue;
        const most = frame.side / 2;
        const shrink = Math.min(1, most / (Math.hypot(dx, dy) || 1));
        ctx.globalAlpha = past ? 0.85 : 1;
        ctx.setLineDash(past ? [3, 3] : []);
        ctx.lineWidth = past ? 1.4 : 1.8;
        ctx.beginPath();
        arrow(ctx, x, y, dx * shrink, dy * shrink, 6);
        ctx.stroke();
        ctx.setLineDash([]);
        ctx.beginPath();
        ctx.arc(x, y, past ? 4.5 : 5.5, 0, 2 * Math.PI);
        ctx.fillStyle = look.ground;
        ctx.fill();
        ctx.stroke();
    }
    ctx.restore();
}
