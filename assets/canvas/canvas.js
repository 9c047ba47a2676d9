// Part 2: the canvas with its tools. Each finished stroke or move is told to the page, which draws the new picture.

const RADII = [0.2, 0.4, 0.8];
const GRIP = 9; // pixels

class Canvas {
    constructor(root, tell) {
        this.root = root;
        this.tell = tell;
        this.tool = "brush";
        this.size = 1;
        this.chosen = null; // the Gaussian with handles
        this.past = [];
        this.cursor = null; // of the keyboard
        this.told = null;
    }

    show({ drawing, words, problem }) {
        this.words = words;
        if (!this.box) this.build();
        // What this canvas itself told last comes back; anything else (a link, an example) replaces what is drawn.
        if (drawing !== this.told) {
            this.sheet = new Sheet(drawing);
            this.told = drawing;
            this.chosen = this.sheet.blobs.length ? 0 : null;
            if (this.chosen !== null) this.choose("gauss");
        }
        this.problem.textContent = problem ?? "";
        this.draw();
    }

    build() {
        const { words } = this;
        const make = (tag, cls, more = {}) => Object.assign(document.createElement(tag), { className: cls, ...more });
        const button = (cls, text, act) => {
            const made = make("button", cls, { type: "button", textContent: text });
            made.addEventListener("click", act);
            return made;
        };
        this.box = make("div", "dc");
        this.tools = make("div", "dc-tools");
        this.tools.setAttribute("role", "group");
        this.tools.setAttribute("aria-label", words.tools);
        this.buttons = {};
        for (const tool of ["brush", "eraser", "gauss"]) {
            this.buttons[tool] = button("dc-tool", words[tool], () => this.choose(tool));
            this.tools.append(this.buttons[tool]);
        }
        this.sizes = make("select", "dc-size");
        this.sizes.setAttribute("aria-label", words.size);
        RADII.forEach((_, k) => this.sizes.append(make("option", "", { value: k, textContent: words.sizes[k] })));
        this.sizes.value = this.size;
        this.sizes.addEventListener("change", () => (this.size = Number(this.sizes.value)));
        this.tools.append(this.sizes);
        this.canvas = make("canvas", "dc-canvas", { tabIndex: 0 });
        this.canvas.setAttribute("role", "application");
        this.canvas.setAttribute("aria-label", words.canvas);
        this.problem = make("div", "dc-problem");
        this.problem.setAttribute("role", "status");
        this.hint = make("div", "dc-hint");
        const actions = make("div", "dc-tools");
        this.weight = make("input", "dc-weight", { type: "range", min: -1.5, max: 1.5, step: 0.1 });
        const weight = make("label", "dc-labelled", { textContent: words.weight });
        weight.append(this.weight);
        this.weight.addEventListener("change", () => {
            const blob = this.sheet.blobs[this.chosen];
            if (blob) this.change(() => (blob.weight = Number((10 ** Number(this.weight.value)).toPrecision(3))));
        });
        this.removeButton = button("dc-action", words.remove, () => this.removeBlob());
        actions.append(
            button("dc-action", words.undo, () => this.undo()),
            button("dc-action", words.clear, () => this.change(() => {
                this.sheet.paint.fill(0);
                this.sheet.blobs = [];
                this.chosen = null;
            })),
            this.removeButton,
            weight,
        );
        const more = make("div", "dc-tools dc-more");
        this.word = make("input", "dc-word", { type: "text", maxLength: 12, placeholder: words.text });
        this.word.setAttribute("aria-label", words.text);
        const write = () => {
            const text = this.word.value.trim();
            if (text) this.change(() => this.sheet.stamp(lettered(text)));
        };
        this.word.addEventListener("keydown", (event) => event.key === "Enter" && write());
        this.file = make("input", "dc-file", { type: "file", accept: "image/*", id: "dc-file" });
        this.file.setAttribute("aria-label", words.image);
        this.file.addEventListener("change", () => this.file.files[0] && this.take(this.file.files[0]));
        const pick = make("label", "dc-action dc-pick", { textContent: words.image });
        pick.append(this.file);
        more.append(this.word, button("dc-action", words.write, write), pick);
        this.box.append(this.tools, this.canvas, this.hint, actions, more, this.problem);
        this.root.replaceChildren(this.box);
        this.sheet = new Sheet();
        this.choose("brush");
        this.listen();
        new ResizeObserver(() => this.draw()).observe(this.canvas);
    }

    async take(file) {
        try {
            const values = await pictured(file);
            if (values) this.change(() => this.sheet.stamp(values));
            else this.problem.textContent = this.words.plain;
        } catch {
            this.problem.textContent = this.words.unreadable;
        }
        this.file.value = "";
    }

    choose(tool) {
        this.tool = tool;
        for (const [name, made] of Object.entries(this.buttons)) made.setAttribute("aria-pressed", String(name === tool));
        this.sizes.disabled = tool === "gauss"; // stays where it is: nothing below may jump
        this.hint.textContent = this.words.hints[tool];
        this.draw();
    }

    // Do something that can be undone, and tell.
    change(act) {
        this.past.push(this.sheet.text());
        if (this.past.length > 50) this.past.shift();
        act();
        this.finish();
    }

    finish() {
        const text = this.sheet.text();
        this.draw();
        if (text === this.told) return;
        this.told = text;
        this.tell(text);
    }

    undo() {
        if (!this.past.length) return;
        this.sheet.read(this.past.pop());
        if (this.chosen >= this.sheet.blobs.length) this.chosen = null;
        this.finish();
    }

    removeBlob() {
        if (this.chosen === null) return;
        this.change(() => {
            this.sheet.blobs.splice(this.chosen, 1);
            this.chosen = null;
        });
    }

    // ---- places

    get scale() {
        return this.canvas.clientWidth / (2 * HALF);
    }

    px(x) {
        return (x + HALF) * this.scale;
    }

    py(y) {
        return (HALF - y) * this.scale;
    }

    world(event) {
        const box = this.canvas.getBoundingClientRect();
        const clip = (v) => Math.min(Math.max(v, -HALF), HALF);
        return [clip((event.clientX - box.left) / this.scale - HALF), clip(HALF - (event.clientY - box.top) / this.scale)];
    }

    handles(b) {
        const a = (b.degrees * Math.PI) / 180;
        return {
            along: [b.x + 2 * b.length * Math.cos(a), b.y + 2 * b.length * Math.sin(a)],
            across: [b.x - 2 * b.width * Math.sin(a), b.y + 2 * b.width * Math.cos(a)],
        };
    }

    // ---- pointer and keys

    listen() {
        const { canvas } = this;
        let stroke = null;
        canvas.addEventListener("pointerdown", (event) => {
            if (event.button > 0) return;
            canvas.setPointerCapture(event.pointerId);
            this.cursor = null;
            this.past.push(this.sheet.text());
            stroke = this.tool === "gauss" ? this.grab(this.world(event)) : { last: null };
            this.move(stroke, this.world(event));
        });
        canvas.addEventListener("pointermove", (event) => {
            if (!stroke) return;
            for (const one of event.getCoalescedEvents?.() ?? [event]) this.move(stroke, this.world(one));
        });
        const end = () => {
            if (!stroke) return;
            stroke = null;
            this.finish();
        };
        canvas.addEventListener("pointerup", end);
        canvas.addEventListener("pointercancel", end);
        canvas.addEventListener("keydown", (event) => this.key(event));
        canvas.addEventListener("dragover", (event) => event.preventDefault());
        canvas.addEventListener("drop", (event) => {
            event.preventDefault();
            if (event.dataTransfer.files[0]) this.take(event.dataTransfer.files[0]);
        });
    }

    move(stroke, [x, y]) {
        if (stroke.part) this.drag(stroke, x, y);
        else if (this.tool !== "gauss") {
            const radius = RADII[this.size];
            const [x0, y0] = stroke.last ?? [x, y];
            const dabs = Math.max(1, Math.ceil(Math.hypot(x - x0, y - y0) / (radius / 3)));
            for (let k = 1; k <= dabs; k++) {
                const f = k / dabs;
                this.sheet.dab(x0 + (x - x0) * f, y0 + (y - y0) * f, radius, this.tool === "brush" ? 0.3 : -0.6);
            }
            stroke.last = [x, y];
        }
        this.draw();
    }

    // A handle of the chosen Gaussian, another Gaussian, or a new one.
    grab([x, y]) {
        const near = ([hx, hy]) => Math.hypot(hx - x, hy - y) * this.scale < GRIP * 1.6;
        const chosen = this.sheet.blobs[this.chosen];
        if (chosen) {
            const { along, across } = this.handles(chosen);
            if (near(along)) return { part: "along" };
            if (near(across)) return { part: "across" };
        }
        const inside = (b) => {
            const a = (b.degrees * Math.PI) / 180;
            const [dx, dy] = [x - b.x, y - b.y];
            const [u, v] = [dx * Math.cos(a) + dy * Math.sin(a), -dx * Math.sin(a) + dy * Math.cos(a)];
            return Math.hypot(u / (2 * b.length), v / (2 * b.width)) < 1 || near([b.x, b.y]);
        };
        const found = this.sheet.blobs.findIndex(inside);
        if (found >= 0) this.chosen = found;
        else if (this.sheet.blobs.length < MOST_BLOBS) {
            this.sheet.blobs.push({ weight: 1, x, y, length: 0.45, width: 0.3, degrees: 0 });
            this.chosen = this.sheet.blobs.length - 1;
        } else {
            this.problem.textContent = this.words.full;
            return {};
        }
        const b = this.sheet.blobs[this.chosen];
        return { part: "middle", dx: b.x - x, dy: b.y - y };
    }

    drag(stroke, x, y) {
        const b = this.sheet.blobs[this.chosen];
        const wide = (value) => Math.min(Math.max(value / 2, 0.03), 3);
        if (stroke.part === "middle") {
            b.x = Math.min(Math.max(x + stroke.dx, -HALF), HALF);
            b.y = Math.min(Math.max(y + stroke.dy, -HALF), HALF);
        } else if (stroke.part === "along") {
            b.length = wide(Math.hypot(x - b.x, y - b.y));
            b.degrees = Math.round((Math.atan2(y - b.y, x - b.x) * 180) / Math.PI);
        } else {
            b.width = wide(Math.hypot(x - b.x, y - b.y));
        }
    }

    // Without a pointer: arrows move the chosen Gaussian or a cursor that space paints with.
    key(event) {
        const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
        if (event.altKey || event.metaKey) return;
        if (event.ctrlKey) {
            if (event.key === "z") {
                event.preventDefault();
                this.undo();
            }
            return;
        }
        const step = event.shiftKey ? 0.5 : 0.1;
        const blob = this.tool === "gauss" ? this.sheet.blobs[this.chosen] : null;
        const act = () => {
            if (arrow && blob) {
                return this.change(() => {
                    blob.x = Math.min(Math.max(blob.x + step * arrow[0], -HALF), HALF);
                    blob.y = Math.min(Math.max(blob.y + step * arrow[1], -HALF), HALF);
                });
            }
            if (arrow) {
                const [x, y] = this.cursor ?? [0, 0];
                this.cursor = [x + step * arrow[0], y + step * arrow[1]].map((v) => Math.min(Math.max(v, -HALF), HALF));
                return this.draw();
            }
            if (event.key === " " || event.key === "Enter") {
                const at = this.cursor ?? [0, 0];
                return this.change(() => {
                    if (this.tool === "gauss") this.grab(at);
                    else this.sheet.dab(...at, RADII[this.size], this.tool === "brush" ? 0.5 : -0.6);
                });
            }
            if (event.key === "Delete" || event.key === "Backspace") return this.removeBlob();
            if (event.key === "n" && this.sheet.blobs.length) {
                this.choose("gauss");
                this.chosen = ((this.chosen ?? -1) + 1) % this.sheet.blobs.length;
                return this.draw();
            }
            if (!blob) return false;
            const bend = { "+": ["length", 1.1], "-": ["length", 1 / 1.1], ">": ["width", 1.1], "<": ["width", 1 / 1.1] }[event.key];
            if (bend) return this.change(() => (blob[bend[0]] = Math.min(Math.max(blob[bend[0]] * bend[1], 0.03), 3)));
            if (event.key === "r") return this.change(() => (blob.degrees = ((blob.degrees + 15 + 180) % 360) - 180));
            return false;
        };
        if (act() === false) return;
        event.preventDefault();
        event.stopPropagation(); // the page has keys of its own
    }

    // ---- picture

    draw() {
        const wide = this.canvas?.clientWidth;
        if (!wide || !this.sheet) return;
        const ratio = Math.min(window.devicePixelRatio || 1, 2);
        if (this.canvas.width !== Math.round(wide * ratio)) this.canvas.width = this.canvas.height = Math.round(wide * ratio);
        const style = getComputedStyle(this.box);
        const ink = this.canvas.getContext("2d");
        ink.setTransform(ratio, 0, 0, ratio, 0, 0);
        ink.clearRect(0, 0, wide, wide);
        const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
        const image = new ImageData(SIDE, SIDE);
        this.sheet.paint.forEach((level, i) => image.data.set([86, 130, 190, (255 * level) / LEVELS], 4 * i));
        small.getContext("2d").putImageData(image, 0, 0);
        ink.drawImage(small, 0, 0, wide, wide);
        ink.strokeStyle = style.getPropertyValue("--st-border-color") || "#ccc";
        ink.lineWidth = 1;
        ink.beginPath();
        for (let k = -2; k <= 2; k++) {
            ink.moveTo(this.px(k), 0);
            ink.lineTo(this.px(k), wide);
            ink.moveTo(0, this.py(k));
            ink.lineTo(wide, this.py(k));
        }
        ink.globalAlpha = 0.5;
        ink.stroke();
        ink.globalAlpha = 1;
        this.sheet.blobs.forEach((b, k) => this.drawBlob(ink, b, k === this.chosen && this.tool === "gauss", style.color));
        if (this.cursor) {
            ink.strokeStyle = style.color;
            ink.beginPath();
            ink.arc(this.px(this.cursor[0]), this.py(this.cursor[1]), RADII[this.size] * this.scale * 0.7, 0, 2 * Math.PI);
            ink.stroke();
        }
        const blob = this.sheet.blobs[this.chosen];
        const shown = this.tool === "gauss" && blob;
        this.weight.disabled = this.removeButton.disabled = !shown;
        if (shown) this.weight.value = Math.log10(blob.weight);
    }

    drawBlob(ink, b, chosen, colour) {
        const angle = (-b.degrees * Math.PI) / 180;
        const strength = Math.min(0.85, 0.18 + 0.1 * (b.weight / (b.length * b.width)) ** 0.5);
        for (const [size, alpha] of [[2, 0.35], [1.3, 0.6], [0.7, 1]]) {
            ink.globalAlpha = alpha * strength;
            ink.fillStyle = "#5682be";
            ink.beginPath();
            ink.ellipse(this.px(b.x), this.py(b.y), size * b.length * this.scale, size * b.width * this.scale, angle, 0, 2 * Math.PI);
            ink.fill();
        }
        ink.globalAlpha = 1;
        ink.strokeStyle = colour;
        ink.lineWidth = chosen ? 2 : 1;
        ink.beginPath();
        ink.ellipse(this.px(b.x), this.py(b.y), 2 * b.length * this.scale, 2 * b.width * this.scale, angle, 0, 2 * Math.PI);
        ink.stroke();
        if (!chosen) return;
        const { along, across } = this.handles(b);
        ink.fillStyle = colour;
        for (const [x, y] of [along, across, [b.x, b.y]]) {
            ink.beginPath();
            ink.arc(this.px(x), this.py(y), 5, 0, 2 * Math.PI);
            ink.fill();
        }
    }
}

const HOMES = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
    const root = parentElement.querySelector(".solverscope-canvas");
    if (!HOMES.has(root)) {
        HOMES.set(root, new Canvas(root, (text) => setTriggerValue("drawing", text)));
        root.canvas = HOMES.get(root);
    }
    HOMES.get(root).show(data);
}
