// Part 3: marks by solver, so that colour is never the only difference; all of one kind go into one path.

const CORNERS = {
    square: [4, 45],
    diamond: [4, 0],
    "triangle-up": [3, -90],
    "triangle-down": [3, 90],
    pentagon: [5, -90],
    hexagon: [6, 0],
    star: [5, -90],
    hexagram: [6, -90],
};

function mark(path, kind, x, y, r) {
    if (kind.startsWith("circle")) {
        path.moveTo(x + r, y);
        path.arc(x, y, r, 0, 2 * Math.PI);
    } else if (kind === "cross") {
        path.rect(x - r, y - r / 3, 2 * r, (2 * r) / 3);
        path.rect(x - r / 3, y - r, (2 * r) / 3, 2 * r);
    } else if (kind === "x") {
        const s = r / 3;
        for (const way of [1, -1]) {
            path.moveTo(x - r - s * 0.2, y - way * (r - s));
            path.lineTo(x - r + s, y - way * (r + s * 0.2));
            path.lineTo(x + r + s * 0.2, y + way * (r - s));
            path.lineTo(x + r - s, y + way * (r + s * 0.2));
            path.closePath();
        }
    } else {
        const [corners, turn] = CORNERS[kind] ?? CORNERS.square;
        const starred = kind === "star" || kind === "hexagram";
        const count = starred ? 2 * corners : corners;
        for (let k = 0; k < count; k++) {
            const a = ((turn + (360 * k) / count) * Math.PI) / 180;
            const far = r * (starred && k % 2 ? 0.55 : 1.2);
            path[k ? "lineTo" : "moveTo"](x + far * Math.cos(a), y + far * Math.sin(a));
        }
        path.closePath();
    }
}

// Up to this many, each is drawn in its solver's shape; beyond, shapes are not seen and squares are fast.
const SHAPED = 400;

function drawMarks(ctx, series, frame, u, radius) {
    const where = series.track.at(u);
    if (!where) return;
    ctx.fillStyle = series.colour;
    const n = series.track.count;
    const [left, right] = [frame.left - 8, frame.left + frame.side + 8];
    const [top, bottom] = [frame.top - 8, frame.top + frame.side + 8];
    ctx.beginPath();
    for (let i = 0; i < n; i++) {
        const [x, y] = series.track.place(i, where);
        const [px, py] = [frame.px(x), frame.py(y)];
        if (!(px > left && px < right && py > top && py < bottom)) continue; // NaN as well
        if (n <= SHAPED) mark(ctx, series.marker, px, py, radius);
        else ctx.rect(px - radius * 0.7, py - radius * 0.7, radius * 1.4, radius * 1.4);
    }
    ctx.fill();
}
