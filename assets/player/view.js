// Part 2: the window on the plane, shared by all panels: what part of it is seen, and where that lies in pixels.

class Window {
    constructor(half) {
        this.home = half;
        this.reset();
    }

    reset() {
        this.x = 0;
        this.y = 0;
        this.half = this.home;
    }

    get moved() {
        return this.half !== this.home || this.x !== 0 || this.y !== 0;
    }

    // Keep the place (x, y) where it is on screen while the picture grows by `factor`.
    zoom(factor, x = this.x, y = this.y) {
        const half = Math.min(Math.max(this.half / factor, this.home / 200), this.home * 4);
        const share = half / this.half;
        this.x = x + (this.x - x) * share;
        this.y = y + (this.y - y) * share;
        this.half = half;
    }

    pan(dx, dy) {
        const far = 3 * this.home;
        this.x = Math.min(Math.max(this.x + dx, -far), far);
        this.y = Math.min(Math.max(this.y + dy, -far), far);
    }
}

// A square of the canvas that shows the window: {left, top, side} in CSS pixels.
class Frame {
    constructor(left, top, side, window) {
        Object.assign(this, { left, top, side, window });
        this.scale = side / (2 * window.half);
    }

    px(x) {
        return this.left + this.side / 2 + (x - this.window.x) * this.scale;
    }

    py(y) {
        return this.top + this.side / 2 - (y - this.window.y) * this.scale;
    }

    world(px, py) {
        const w = this.window;
        const [cx, cy] = [this.left + this.side / 2, this.top + this.side / 2];
        return [w.x + (px - cx) / this.scale, w.y - (py - cy) / this.scale];
    }

    holds(px, py) {
        return px >= this.left && px <= this.left + this.side && py >= this.top && py <= this.top + this.side;
    }
}

// Round numbers from low to high, about `most` of them.
function ticks(low, high, most) {
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(k * step);
    return { found, digits: Math.max(0, -Math.floor(Math.log10(step))) };
}

const numeral = (value, digits) => value.toFixed(digits).replace("-", "−");

// Numbers along the left and the lower edge, and the frame.
function drawAxes(ctx, frame, look, names, numbered) {
    const { left, top, side } = frame;
    ctx.strokeStyle = look.line;
    ctx.lineWidth = 1;
    ctx.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
    ctx.font = look.small;
    ctx.fillStyle = look.quiet;
    const most = Math.max(2, Math.floor(side / 90));
    const [x0, y0] = frame.world(left, top + side);
    const [x1, y1] = frame.world(left + side, top);
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    const across = ticks(x0, x1, most);
    for (const x of across.found) {
        ctx.fillRect(frame.px(x), top + side, 1, 4);
        if (Math.abs(frame.px(x) - left) > 8) ctx.fillText(numeral(x, across.digits), frame.px(x), top + side + 6);
    }
    if (!numbered) return;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    const up = ticks(y0, y1, most);
    for (const y of up.found) {
        ctx.fillRect(left - 4, frame.py(y), 4, 1);
        ctx.fillText(numeral(y, up.digits), left - 7, frame.py(y));
    }
    ctx.textAlign = "right";
    ctx.textBaseline = "bottom";
    ctx.fillText(names[0], left + side - 6, top + side - 4);
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    ctx.fillText(names[1], left + 6, top + 5);
}
