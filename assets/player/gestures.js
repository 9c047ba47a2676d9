// Part 7: mouse, touch and pen on the picture. One finger scrolls the page and taps; two fingers zoom and move.

const NEAR = 16; // pixels between the pointer and the particle that it means

function listen(player) {
    const { canvas } = player;
    const fingers = new Map();
    let pressed = null;
    let spread = null;

    const spot = (event) => {
        const box = canvas.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
    };

    canvas.addEventListener("pointerdown", (event) => {
        fingers.set(event.pointerId, spot(event));
        pressed = { at: spot(event), moved: false };
        if (event.pointerType === "mouse") canvas.setPointerCapture(event.pointerId);
    });

    canvas.addEventListener("pointermove", (event) => {
        const at = spot(event);
        if (!fingers.has(event.pointerId)) {
            if (event.pointerType === "mouse") player.point(at);
            return;
        }
        const before = fingers.get(event.pointerId);
        fingers.set(event.pointerId, at);
        if (Math.hypot(at[0] - pressed.at[0], at[1] - pressed.at[1]) > 4) pressed.moved = true;
        if (fingers.size === 2) {
            const [a, b] = [...fingers.values()];
            const now = { far: Math.hypot(a[0] - b[0], a[1] - b[1]), x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 };
            if (spread) player.zoomAt([now.x, now.y], now.far / spread.far, [now.x - spread.x, now.y - spread.y]);
            spread = now;
            pressed.moved = true;
        } else if (event.pointerType === "mouse" && player.window.moved && pressed.moved) {
            player.zoomAt(at, 1, [at[0] - before[0], at[1] - before[1]]);
        }
    });

    const lift = (event) => {
        const known = fingers.delete(event.pointerId);
        spread = null;
        if (event.type === "pointerup" && known && pressed && !pressed.moved && fingers.size === 0) {
            player.tap(spot(event), event.pointerType === "mouse");
        }
    };
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
    canvas.addEventListener("pointerleave", (event) => {
        if (event.pointerType === "mouse") player.point(null);
    });

    // The wheel alone scrolls the page; with Ctrl, or as a pinch of the touch pad, it zooms.
    canvas.addEventListener(
        "wheel",
        (event) => {
            if (!event.ctrlKey && !event.metaKey) return;
            event.preventDefault();
            player.zoomAt(spot(event), Math.exp(-event.deltaY / 300), [0, 0]);
        },
        { passive: false },
    );

    player.box.addEventListener("keydown", (event) => {
        const inControl = event.composedPath()[0].closest?.("button, input, select");
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        const act = KEYS[event.key];
        if (!act) return;
        if (inControl?.matches("button, select") && (event.key === " " || event.key.startsWith("Arrow"))) {
            if (inControl.matches("select") || event.key === " ") return; // theirs
        }
        event.preventDefault();
        event.stopPropagation(); // the page has keys of its own
        act(player);
    });
}

const KEYS = {
    " ": (p) => p.toggle(),
    ArrowLeft: (p) => p.step(-1),
    ArrowRight: (p) => p.step(1),
    ArrowDown: (p) => p.seek(p.u - 0.1),
    ArrowUp: (p) => p.seek(p.u + 0.1),
    Home: (p) => p.seek(0),
    End: (p) => p.seek(Infinity),
    "+": (p) => p.magnify(1.25),
    "-": (p) => p.magnify(0.8),
    0: (p) => p.magnify(0),
    n: (p) => p.followNext(1),
    p: (p) => p.followNext(-1),
    Escape: (p) => p.followNext(0),
};

// The particle under the pointer: of the shown solvers the nearest place, or null.
function nearest(player, at) {
    const panel = player.panels.find((one) => one.frame?.holds(...at));
    if (!panel) return null;
    let [best, found] = [NEAR ** 2, null];
    for (const s of panel.series) {
        const where = player.shown(s.id) && s.track.at(player.u);
        if (!where) continue;
        for (let i = 0; i < s.track.count; i++) {
            const [x, y] = s.track.place(i, where);
            const away = (panel.frame.px(x) - at[0]) ** 2 + (panel.frame.py(y) - at[1]) ** 2;
            if (away < best) [best, found] = [away, i];
        }
    }
    return found;
}
