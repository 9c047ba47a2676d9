// Part 5: panels of one picture, all with the same window and the same time.

const PATHED = 12000; // segments of drawn paths at once: beyond, only what was passed last is drawn

class Panel {
    constructor(title, series, options = {}) {
        Object.assign(this, { title, series, density: true, ...options });
        this.still = document.createElement("canvas"); // what does not move: data and whole paths, faint
        this.stillKey = "";
    }

    layOut(left, top, side, window) {
        this.frame = new Frame(left, top, side, window);
    }

    draw(ctx, p, ratio) {
        const { frame } = this;
        ctx.save();
        ctx.beginPath();
        ctx.rect(frame.left, frame.top, frame.side, frame.side);
        ctx.clip();
        if (p.density && p.shown("density")) p.density.drawHeat(ctx, frame, p.u);
        if (p.density && p.shown("contours")) p.density.drawContours(ctx, frame, p.u, p.look);
        this.drawStill(ctx, p, ratio);
        if (p.flow && this.flow !== false && p.shown("flow")) p.flow.draw(ctx, frame, p.u, p.look);
        const visible = this.series.filter((s) => p.shown(s.id));
        for (const s of visible) this.drawTrails(ctx, s, p);
        for (const s of visible) {
            ctx.globalAlpha = p.follow === null || s.track.count === 1 ? 0.85 : 0.35;
            drawMarks(ctx, s, frame, p.u, s.track.count > SHAPED ? 2.6 : s.track.count > 60 ? 3 : 4);
        }
        ctx.globalAlpha = 1;
        if (p.follow !== null) this.drawFollowed(ctx, visible, p, p.follow);
        else if (p.shown("evaluations")) {
            for (const s of visible) {
                for (let i = 0; i < Math.min(s.track.count, p.few); i++) drawEvaluations(ctx, s, i, frame, p.u, p.head, p.look);
            }
        }
        if (p.placed) this.drawPlaced(ctx, visible, p);
        ctx.restore();
        drawAxes(ctx, frame, p.look, p.head.plane.names, this.numbered !== false);
        this.drawTitle(ctx, p);
    }

    drawTitle(ctx, p) {
        const { frame } = this;
        if (this.title) {
            ctx.font = p.look.strong;
            ctx.fillStyle = p.look.text;
            ctx.textAlign = "left";
            ctx.textBaseline = "bottom";
            ctx.fillText(fitted(ctx, this.title, frame.side), frame.left, frame.top - 6);
        }
    }

    drawStill(ctx, p, ratio) {
        const { frame } = this;
        const w = frame.window;
        const key = [frame.side, ratio, w.x, w.y, w.half, p.look.text, [...p.hidden], p.version, p.follow !== null].join();
        if (key !== this.stillKey) {
            this.stillKey = key;
            this.still.width = this.still.height = Math.max(1, Math.round(frame.side * ratio));
            const ink = this.still.getContext("2d");
            ink.scale(ratio, ratio);
            ink.translate(-frame.left, -frame.top);
            this.paintStill(ink, p);
        }
        ctx.drawImage(this.still, frame.left, frame.top, frame.side, frame.side);
    }

    paintStill(ink, p) {
        const { frame } = this;
        if (p.data && p.shown("data")) {
            ink.fillStyle = p.look.data;
            ink.beginPath();
            for (let i = 0; i < p.data.length; i += 2) ink.rect(frame.px(p.data[i]) - 1, frame.py(p.data[i + 1]) - 1, 2, 2);
            ink.fill();
        }
        if (p.reference && this.reference !== false && p.shown("reference")) {
            ink.strokeStyle = p.look.neutral;
            ink.lineWidth = 1.4;
            ink.globalAlpha = p.follow !== null ? 0.3 : 0.9;
            ink.setLineDash([5, 4]);
            ink.beginPath();
            for (let i = 0; i < Math.min(p.paths, p.reference.count); i++) trace(ink, p.reference, i, frame, 0, p.head.steps);
            ink.stroke();
            ink.setLineDash([]);
        }
        for (const s of this.series) {
            if (!p.shown(s.id)) continue;
            ink.lineWidth = 1;
            if (s.tint) {
                ink.globalAlpha = 0.3;
                this.drawTinted(ink, s, p, s.track.end);
                continue;
            }
            ink.strokeStyle = s.colour;
            ink.globalAlpha = 0.16;
            ink.beginPath();
            for (let i = 0; i < Math.min(s.paths, s.track.count); i++) trace(ink, s.track, i, frame, s.track.from, s.track.end);
            ink.stroke();
        }
    }

    drawTrails(ctx, s, p) {
        const { frame } = this;
        const whole = Math.min(s.paths, s.track.count);
        const end = Math.min(p.u, s.track.end);
        if (p.anchors) return this.drawLinks(ctx, s, p);
        if (p.u > s.track.end + 1e-9) return; // it broke off: where it was before is in the faint paths
        if (s.tint) {
            ctx.lineWidth = 1.8;
            ctx.globalAlpha = p.follow !== null ? 0.25 : 1;
            return this.drawTinted(ctx, s, p, end);
        }
        const tail = Math.max(1, p.head.steps / 10) * (p.backwards ? -1 : 1);
        ctx.strokeStyle = s.colour;
        ctx.lineJoin = "round";
        ctx.globalAlpha = p.follow !== null ? 0.15 : s.stochastic ? 0.45 : 0.85;
        ctx.lineWidth = s.stochastic ? 1 : 1.4;
        ctx.beginPath();
        const begin = whole * (end - s.track.from) * s.track.per > PATHED ? Math.max(s.track.from, end - tail) : s.track.from;
        for (let i = 0; i < whole; i++) trace(ctx, s.track, i, frame, begin, end);
        ctx.stroke();
        ctx.fillStyle = s.colour;
        if (s.track.per === 1 && begin === s.track.from && whole * end < PATHED / 4) {
            ctx.beginPath();
            for (let i = 0; i < whole; i++) drawCorners(ctx, s.track, i, frame, end, 3);
            ctx.fill();
        }
        if (whole === s.track.count || s.stochastic) return;
        ctx.globalAlpha *= 0.4;
        ctx.lineWidth = 1;
        ctx.beginPath();
        for (let i = whole; i < s.track.count; i++) trace(ctx, s.track, i, frame, Math.max(s.track.from, end - tail), end);
        ctx.stroke();
    }

    // Paths in the colours of a scale.
    drawTinted(ctx, s, p, to) {
        p.head.scale.colours.forEach((colour, k) => {
            ctx.strokeStyle = colour;
            ctx.beginPath();
            for (let i = 0; i < s.track.count; i++) traceTint(ctx, s, k, i, this.frame, to);
            ctx.stroke();
        });
    }

    // A line from where each particle came to where it is.
    drawLinks(ctx, s, p) {
        const where = s.track.at(p.u);
        if (!where) return;
        ctx.strokeStyle = s.colour;
        ctx.lineWidth = 1;
        ctx.globalAlpha = p.follow !== null ? 0.1 : 0.45;
        ctx.beginPath();
        for (let i = 0; i < s.track.count; i++) {
            const [x, y] = s.track.place(i, where);
            if (!Number.isFinite(x)) continue;
            ctx.moveTo(this.frame.px(p.anchors[2 * i]), this.frame.py(p.anchors[2 * i + 1]));
            ctx.lineTo(this.frame.px(x), this.frame.py(y));
        }
        ctx.stroke();
    }

    // One particle through all solvers, and the reference that it should have followed.
    drawFollowed(ctx, visible, p, i) {
        if (p.reference && i < p.reference.count) this.line(ctx, p.reference, i, p.look.text, 1.6, p.head.steps, [5, 4]);
        for (const s of visible) {
            if (i >= s.track.count) continue;
            this.line(ctx, s.track, i, s.colour, 2.4, p.u);
            ctx.fillStyle = s.colour;
            ctx.beginPath();
            drawCorners(ctx, s.track, i, this.frame, Math.min(p.u, s.track.end), 5);
            ctx.fill();
            if (p.shown("evaluations")) drawEvaluations(ctx, s, i, this.frame, p.u, p.head, p.look);
            this.spot(ctx, s, s.track, i, p, 6);
        }
    }

    // The paths from the point that the user placed.
    drawPlaced(ctx, visible, p) {
        const { frame } = this;
        this.line(ctx, p.placed.reference, 0, p.look.text, 1.6, p.head.steps, [5, 4]);
        for (const s of visible) {
            const one = p.placed.series[s.id];
            if (!one) continue;
            const reached = Math.max(p.u, one.track.from);
            this.line(ctx, one.track, 0, s.colour, 2.6, reached);
            ctx.fillStyle = s.colour;
            ctx.beginPath();
            drawCorners(ctx, one.track, 0, frame, Math.min(reached, one.track.end), 5);
            ctx.fill();
            if (p.shown("evaluations") && p.follow === null && p.u >= one.track.from) {
                drawEvaluations(ctx, { ...s, seen: one.seen }, 0, frame, p.u, p.head, p.look);
            }
            this.spot(ctx, s, one.track, 0, p, 6);
        }
        const [x, y] = p.placed.point;
        ctx.lineWidth = 2;
        ctx.strokeStyle = p.look.text;
        ctx.beginPath();
        ctx.arc(frame.px(x), frame.py(y), 8, 0, 2 * Math.PI);
        ctx.moveTo(frame.px(x) - 12, frame.py(y));
        ctx.lineTo(frame.px(x) + 12, frame.py(y));
        ctx.moveTo(frame.px(x), frame.py(y) - 12);
        ctx.lineTo(frame.px(x), frame.py(y) + 12);
        ctx.stroke();
    }

    line(ctx, track, i, colour, width, to, dash = []) {
        ctx.strokeStyle = colour;
        ctx.lineWidth = width;
        ctx.setLineDash(dash);
        ctx.beginPath();
        trace(ctx, track, i, this.frame, track.from, Math.min(to, track.end));
        ctx.stroke();
        ctx.setLineDash([]);
    }

    spot(ctx, s, track, i, p, radius) {
        const where = track.at(Math.max(p.u, track.from));
        if (!where) return;
        const [x, y] = track.place(i, where);
        ctx.fillStyle = s.colour;
        ctx.strokeStyle = p.look.ground;
        ctx.lineWidth = 1.5;
        ctx.beginPath();
        mark(ctx, s.marker, this.frame.px(x), this.frame.py(y), radius);
        ctx.fill();
        ctx.stroke();
    }
}

function fitted(ctx, text, width) {
    if (ctx.measureText(text).width <= width) return text;
    let cut = text;
    while (cut.length > 1 && ctx.measureText(`${cut}…`).width > width) cut = cut.slice(0, -1);
    return `${cut}…`;
}

const BINS = 36;

// Samples along the first axis as bars, below the exact density there; the axis is that of the panel above.
function drawLaw(ctx, panel, p, top, height) {
    const { law, look } = p;
    const { frame } = panel;
    const series = panel.series[0];
    if (law.array) between(law.array, law.us, p.u, law.now);
    const room = law.array ? between(law.heights, law.us, p.u, [0])[0] : 1;
    const [low, high] = law.ends;
    const width = (high - low) / BINS;
    const bottom = top + height;
    const Y = (d) => Math.max(bottom - (d / room) * (height - 4), top);
    ctx.save();
    ctx.beginPath();
    ctx.rect(frame.left, top, frame.side, height + 1);
    ctx.clip();
    const where = series.track.at(p.u);
    if (where && p.shown(series.id) && law.few) {
        ctx.fillStyle = series.colour;
        for (let i = 0; i < series.track.count; i++) {
            ctx.fillRect(frame.px(series.track.place(i, where)[0]) - 1, bottom - 22, 2, 22);
        }
    } else if (where && p.shown(series.id)) {
        const counts = new Float64Array(BINS);
        for (let i = 0; i < series.track.count; i++) {
            const k = Math.floor((series.track.place(i, where)[0] - low) / width);
            if (k >= 0 && k < BINS) counts[k]++;
        }
        ctx.fillStyle = series.colour;
        ctx.globalAlpha = 0.55;
        for (let k = 0; k < BINS; k++) {
            // over all particles, also those outside: then bars and curve mean the same
            const y = Y(counts[k] / (series.track.count * width));
            ctx.fillRect(frame.px(low + k * width) + 0.5, y, width * frame.scale - 1, bottom - y);
        }
        ctx.globalAlpha = 1;
    }
    ctx.strokeStyle = look.text;
    ctx.lineWidth = 1.6;
    ctx.beginPath();
    const n = law.array ? law.now.length : 0;
    for (let k = 0; k < n; k++) {
        ctx[k ? "lineTo" : "moveTo"](frame.px(low + (k * (high - low)) / (n - 1)), Y(law.now[k]));
    }
    ctx.stroke();
    ctx.fillStyle = look.line;
    ctx.fillRect(frame.left, bottom, frame.side, 1);
    ctx.restore();
    ctx.font = look.small;
    ctx.fillStyle = look.quiet;
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    ctx.fillText(fitted(ctx, law.title, frame.side), frame.left, bottom + 5);
}
