// Part 9: the player itself. It never asks the server while time moves, and never starts by itself.

const TURN = 6; // seconds from noise to data at normal speed
const SPEEDS = [0.25, 0.5, 1, 2, 4];

class Player {
    constructor(root, hooks = {}) {
        this.root = root;
        this.hooks = hooks;
        this.u = null;
        this.speed = 1;
        this.looping = false;
        this.playing = false;
        this.hidden = new Set(["contours"]);
        this.follow = null;
        this.held = null; // the particle that stays followed when the pointer leaves
        this.version = 0;
        this.frames = 0;
        this.onDraw = null;
        this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        this.apart = false;
    }

    async show(bytes) {
        delete this.root.dataset.ready;
        const turn = (this.turn = (this.turn ?? 0) + 1);
        const scene = await readScene(bytes);
        if (turn !== this.turn) return; // a later one came while this was unpacked
        const share = this.u === null ? scene.head.opens ?? 1 : this.u / this.head.steps;
        const opening = !this.head;
        const before = this.head && JSON.stringify(this.head.words);
        this.head = scene.head;
        this.scene = scene;
        this.name = `solverscope-${scene.head.name}`;
        if (opening || before !== JSON.stringify(this.head.words)) this.build();
        if (opening) for (const id of this.head.hidden) this.hidden.add(id);
        this.version++;
        this.take(scene);
        this.u = Math.min(share, 1) * this.head.steps;
        if (this.head.flat) this.follow = this.held = null;
        if (this.follow !== null && this.follow >= this.most) this.follow = this.held = null;
        this.legend();
        this.range.max = this.head.steps;
        this.range.setAttribute("aria-label", this.head.words.time);
        this.canvas.setAttribute("aria-label", this.head.alt);
        this.resize();
        this.root.dataset.ready = this.version;
    }

    take({ head, arrays }) {
        const track = (one) => new Track(arrays[one.array], one.per ?? 1, one.from ?? 0);
        const seen = (one) => one && {
            step: one.step,
            count: arrays[one.x].shape[1],
            x: arrays[one.x].values,
            slope: arrays[one.slope].values,
        };
        this.series = head.series.map((one) => ({ ...one, track: track(one.track), seen: seen(one.seen), tint: one.tint && arrays[one.tint].values }));
        this.most = Math.max(...this.series.map((one) => one.track.count));
        this.reference = head.reference && track(head.reference.track);
        this.paths = head.reference?.paths ?? 0;
        this.few = head.few ?? 0;
        this.backwards = Boolean(head.backwards);
        this.density = head.density ? new Density({ head, arrays }) : null;
        this.flow = head.flow ? new Flow({ head, arrays }) : null;
        this.data = head.data ? arrays[head.data].values : null;
        this.anchors = head.anchors ? arrays[head.anchors].values : null;
        this.law = head.law && { ...head.law };
        if (head.law?.array) {
            const array = arrays[head.law.array];
            const heights = { shape: [head.law.tops.length], values: head.law.tops };
            Object.assign(this.law, { array, heights, now: new Float32Array(array.shape[1]) });
        }
        this.placed = head.placed && {
            ...head.placed,
            reference: track(head.placed.reference),
            series: Object.fromEntries(head.placed.series.map((one) => [one.id, { track: track(one.track), seen: seen(one.seen) }])),
        };
        this.pictures = head.images ? new Pictures(this, arrays) : null;
        this.view.classList.toggle("sp-split-row", Boolean(head.images && !head.images.sheet && !head.flat));
        this.canvas.hidden = Boolean(head.flat && !head.law);
        if (!this.window || this.window.home !== head.plane.half) this.window = new Window(head.plane.half);
        this.arrange();
    }

    // One panel for all, one for each solver, or those that the picture asks for.
    arrange() {
        const by = Object.fromEntries(this.series.map((one) => [one.id, one]));
        if (this.head.panels) {
            this.panels = this.head.panels.map((one, k) => new Panel(one.title, one.series.map((id) => by[id]), { ...one.options, numbered: k === 0 }));
        } else if (this.apart && this.series.length > 1) {
            this.panels = this.series.map((one) => new Panel(one.label, [one], {}));
        } else {
            this.panels = [new Panel("", this.series)];
        }
    }

    // ---- document

    build() {
        const words = this.head.words;
        const make = (tag, cls, more = {}) => Object.assign(document.createElement(tag), { className: cls, ...more });
        const button = (cls, icon, title, act) => {
            const made = make("button", cls, { type: "button", title, innerHTML: ICONS[icon] });
            made.setAttribute("aria-label", title);
            made.addEventListener("click", act);
            return made;
        };
        this.root.replaceChildren();
        this.box = make("div", "sp");
        this.box.setAttribute("role", "group");
        this.box.setAttribute("aria-label", words.player);
        this.stage = make("div", "sp-stage");
        this.canvas = make("canvas", "sp-canvas", { tabIndex: 0 });
        this.canvas.setAttribute("role", "img");
        this.tip = make("div", "sp-tip", { hidden: true });
        this.stage.append(this.canvas, this.tip);
        this.strips = make("div", "sp-strips");
        this.playButton = button("sp-play", "play", words.play, () => this.toggle());
        this.range = make("input", "sp-range", { type: "range", min: 0, step: "any" });
        this.range.addEventListener("input", () => this.seek(Number(this.range.value)));
        this.readout = make("output", "sp-readout");
        this.loopButton = button("sp-loop", "loop", words.loop, () => this.setLoop(!this.looping));
        this.loopButton.setAttribute("aria-pressed", "false");
        this.speedBox = make("select", "sp-speed", { title: words.speed });
        this.speedBox.setAttribute("aria-label", words.speed);
        for (const speed of SPEEDS) this.speedBox.append(make("option", "", { value: speed, textContent: `${speed}×` }));
        this.speedBox.value = "1";
        this.speedBox.addEventListener("change", () => (this.speed = Number(this.speedBox.value)));
        this.layoutButton = button("sp-apart", "apart", words.apart, () => this.setApart(!this.apart));
        this.layoutButton.setAttribute("aria-pressed", "false");
        this.placeButton = button("sp-place", "place", words.place, () => this.setPlacing(!this.placing, true));
        this.removeButton = button("sp-remove", "remove", words.remove, () => this.hooks.place(null));
        const tools = make("div", "sp-tools");
        tools.append(
            this.layoutButton,
            this.placeButton,
            this.removeButton,
            button("sp-in", "bigger", words.bigger, () => this.magnify(1.25)),
            button("sp-out", "smaller", words.smaller, () => this.magnify(0.8)),
            button("sp-home", "home", words.whole, () => this.magnify(0)),
            button("sp-png", "camera", words.picture, () => savePicture(this)),
            (this.filmButton = button("sp-webm", "film", words.film, () => this.makeFilm())),
        );
        this.filmButton.hidden = !canFilm();
        const bar = make("div", "sp-bar");
        const steps = make("div", "sp-steps");
        steps.append(
            this.playButton,
            button("sp-back", "back", words.back, () => this.step(-1)),
            button("sp-next", "next", words.next, () => this.step(1)),
        );
        const rest = make("div", "sp-rest");
        rest.append(this.speedBox, this.loopButton);
        bar.append(steps, this.range, rest);
        const below = make("div", "sp-below");
        below.append(this.readout, tools);
        this.keyBox = make("div", "sp-legend");
        this.keyBox.setAttribute("role", "group");
        this.keyBox.setAttribute("aria-label", words.shown);
        this.said = make("div", "sp-said");
        this.said.setAttribute("aria-live", "polite");
        this.view = make("div", "sp-view");
        this.view.append(this.stage, this.strips);
        this.box.append(this.view, bar, below, this.keyBox, this.said);
        this.root.append(this.box);
        this.setPlacing(Boolean(this.hooks.place) && matchMedia("(hover: hover)").matches);
        this.watch?.disconnect();
        this.watch = new ResizeObserver(() => this.resize());
        this.watch.observe(this.stage);
        listen(this);
    }

    legend() {
        const { words, layers } = this.head;
        const entry = (id, text, colour, marker) => {
            const made = document.createElement("button");
            made.type = "button";
            made.className = "sp-key";
            made.dataset.id = id;
            made.setAttribute("aria-pressed", String(!this.hidden.has(id)));
            const icon = document.createElement("canvas");
            icon.className = "sp-mark";
            icon.width = icon.height = 28;
            const ink = icon.getContext("2d");
            ink.scale(2, 2);
            ink.fillStyle = ink.strokeStyle = colour;
            ink.beginPath();
            if (marker === "line") ink.rect(0, 6, 14, 2);
            else mark(ink, marker, 7, 7, 4.5);
            ink.fill();
            const label = document.createElement("span");
            label.textContent = text;
            made.append(icon, label);
            made.addEventListener("click", () => {
                if (!this.hidden.delete(id)) this.hidden.add(id);
                made.setAttribute("aria-pressed", String(!this.hidden.has(id)));
                this.paint();
            });
            return made;
        };
        this.keyBox.replaceChildren(
            ...this.series.map((one) => entry(one.id, one.legend, one.colour, one.marker)),
            ...layers.map((id) => entry(id, words[id], "#8592a0", id === "data" || id === "evaluations" ? "circle" : id === "density" ? "square" : "line")),
        );
        if (this.head.scale) this.keyBox.append(scaleBox(this.head.scale));
        for (const name of ["sp-in", "sp-out", "sp-home"]) this.box.querySelector(`.${name}`).hidden = Boolean(this.head.flat);
        this.layoutButton.hidden = Boolean(this.head.images) || Boolean(this.head.panels) || this.series.length < 2;
        this.placeButton.hidden = !this.hooks.place || !this.head.placing;
        this.removeButton.hidden = this.placeButton.hidden || !this.placed;
    }

    shown(id) {
        return !this.hidden.has(id);
    }

    // ---- time

    toggle() {
        if (this.playing) this.pause();
        else this.play();
    }

    play() {
        if (this.u >= this.head.steps - 1e-6) this.u = 0;
        this.run = this.u; // where time is; who asked for little motion sees it from step to step
        this.playing = true;
        this.last = null;
        this.playButton.innerHTML = ICONS.pause;
        this.playButton.setAttribute("aria-label", this.head.words.pause);
        this.playButton.title = this.head.words.pause;
        this.paint();
    }

    pause() {
        this.playing = false;
        this.playButton.innerHTML = ICONS.play;
        this.playButton.setAttribute("aria-label", this.head.words.play);
        this.playButton.title = this.head.words.play;
        this.ended?.();
        this.ended = null;
        this.tell();
    }

    playOnce() {
        const looping = this.looping;
        this.setLoop(false);
        this.u = 0;
        this.play();
        return new Promise((done) => (this.ended = done)).then(() => this.setLoop(looping));
    }

    advance(now) {
        if (this.last !== null) {
            const seconds = Math.min((now - this.last) / 1000, 0.1); // a hidden tab does not jump ahead
            this.run += (seconds * this.speed * this.head.steps) / TURN;
        }
        this.last = now;
        if (this.run >= this.head.steps && this.looping) this.run = 0;
        this.u = Math.min(this.calm ? Math.floor(this.run) : this.run, this.head.steps);
        if (this.run >= this.head.steps) this.pause();
    }

    seek(u) {
        if (this.playing) this.pause();
        this.u = Math.min(Math.max(u, 0), this.head.steps);
        this.paint();
    }

    step(way) {
        const next = way > 0 ? Math.floor(this.u + 1e-6) + 1 : Math.ceil(this.u - 1e-6) - 1;
        this.seek(next);
        this.tell();
    }

    setLoop(on) {
        this.looping = on;
        this.loopButton.setAttribute("aria-pressed", String(on));
    }

    setApart(on) {
        this.apart = on;
        this.layoutButton.setAttribute("aria-pressed", String(on));
        this.arrange();
        this.resize();
    }

    setPlacing(on, asked = false) {
        this.placing = on;
        this.asking = on && asked;
        this.placeButton.setAttribute("aria-pressed", String(on));
        this.canvas.classList.toggle("sp-placing", on);
        if (asked) this.paint();
    }

    // ---- pointer and keys

    point(at) {
        const found = at && !this.head.flat ? nearest(this, at) : null;
        const follow = found ?? this.held;
        if (follow !== this.follow || found !== null) {
            this.follow = follow;
            this.paint();
        }
    }

    tap(at, mouse) {
        const panel = this.panels.find((one) => one.frame?.holds(...at));
        if (!panel || this.head.flat) return;
        if (this.placing && this.hooks.place && this.head.placing) {
            this.asking = false;
            const [x, y] = panel.frame.world(...at);
            const step = Math.min(Math.floor(this.u + 1e-6), this.head.steps - 1);
            // At the end nothing is left to do: a start there is meant as a start from noise.
            this.hooks.place([x, y, this.u >= this.head.steps - 1e-6 ? 0 : step]);
            if (this.u >= this.head.steps - 1e-6) this.startOver = true;
            return;
        }
        this.held = nearest(this, at);
        this.follow = this.held;
        if (mouse || this.held !== null) this.paint();
    }

    followNext(way) {
        if (way === 0) this.held = null;
        else if (!this.head.flat) this.held = this.held === null ? 0 : (this.held + way + this.most) % this.most;
        this.follow = this.held;
        this.paint();
        this.tell();
    }

    zoomAt([px, py], factor, [dx, dy]) {
        const panel = this.panels.find((one) => one.frame?.holds(px, py)) ?? this.panels[0];
        const [x, y] = panel.frame.world(px, py);
        this.window.zoom(factor, x, y);
        this.window.pan(-dx / panel.frame.scale, dy / panel.frame.scale);
        this.resize();
    }

    magnify(factor) {
        if (factor) this.window.zoom(factor);
        else this.window.reset();
        this.resize();
    }

    async makeFilm() {
        this.filmButton.disabled = true;
        this.said.textContent = this.head.words.filming;
        const made = await film(this);
        offer(made, `${this.name}.${made.type.split("/")[1]}`);
        this.filmed = made.size;
        this.said.textContent = "";
        this.filmButton.disabled = false;
    }
}

// What the colours along paths mean: classes, and the numbers between them.
function scaleBox({ title, colours, edges }) {
    const box = document.createElement("div");
    box.className = "sp-scale";
    const name = document.createElement("span");
    name.textContent = title;
    const row = document.createElement("ol");
    colours.forEach((colour, k) => {
        const cell = document.createElement("li");
        cell.style.setProperty("--colour", colour);
        const number = document.createElement("b"); // at the border to the next
        number.textContent = edges[k] ?? "\u00a0";
        cell.append(number);
        row.append(cell);
    });
    box.append(name, row);
    return box;
}
