// Part 10: how the player gets on screen: sizes, colours, the loop, and the time in words.

Object.assign(Player.prototype, {
    colours() {
        const style = getComputedStyle(this.box);
        const at = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
        const family = style.fontFamily;
        return {
            text: style.color,
            ground: at("--st-background-color", "#ffffff"),
            line: at("--st-border-color", "#c5ccd4"),
            neutral: "#8592a0",
            quiet: "#7a8593",
            data: "rgba(133, 146, 160, 0.45)",
            arrow: "rgba(122, 133, 147, 0.6)",
            contour: "rgba(90, 120, 155, 0.75)",
            small: `${13 * this.grown()}px ${family}`,
            strong: `600 ${14 * this.grown()}px ${family}`,
        };
    },

    // By how much type is larger than at a desk: on a slide the page's own type is.
    grown() {
        return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
    },

    resize() {
        const width = this.stage.clientWidth;
        if (!width) return;
        this.ratio = Math.min(window.devicePixelRatio || 1, 2);
        const narrow = width < 520;
        const grown = this.grown();
        const left = narrow ? 30 : 40 * grown;
        const below = 26 * grown;
        const title = this.panels.some((one) => one.title) ? 26 * grown : 4;
        const { flat } = this.head;
        const law = !this.law ? 0 : flat ? 200 : 96;
        const columns = Math.min(this.panels.length, narrow ? 2 : width < 820 ? 2 : this.panels.length < 4 ? 3 : Math.ceil(this.panels.length / 2));
        const gap = 14;
        // The controls below stay in sight.
        const { tall = 620, beside } = this.head; // beside: what stands above and below it, where all must be on one screen
        const room = Math.max(beside ? 200 : 340, window.innerHeight - (beside * grown || 390) - (beside ? law : 0));
        const most = columns === 1 || beside ? Math.min(tall, room) : Infinity;
        const side = Math.max(120, Math.min((width - left - gap * (columns - 1) - 4) / columns, most));
        const plane = flat ? 0 : side + below;
        const cell = title + plane + (law ? law + below + 4 : 0);
        const rows = Math.ceil(this.panels.length / columns);
        this.panels.forEach((panel, k) => {
            const x = left + (k % columns) * (side + gap);
            const y = Math.floor(k / columns) * cell + title;
            panel.layOut(x, y, side, this.window);
            panel.numbered = k % columns === 0;
        });
        this.tip.style.top = `${this.panels[0].frame.top + 8}px`; // below the titles
        this.lawHeight = law;
        const height = rows * cell;
        this.lawTop = plane ? plane + 4 : 0;
        this.canvas.style.height = `${height}px`;
        this.canvas.width = Math.round(width * this.ratio);
        this.canvas.height = Math.round(height * this.ratio);
        this.pictures?.resize();
        this.draw();
    },

    // Ask for a picture; however often, there is one a frame.
    paint() {
        if (this.asked) return;
        this.asked = requestAnimationFrame((now) => {
            this.asked = null;
            if (this.playing) this.advance(now);
            this.draw();
            if (this.playing) this.paint();
        });
    },

    draw() {
        if (!this.panels?.[0]?.frame) return;
        const began = performance.now();
        this.look = this.colours();
        const ctx = this.canvas.getContext("2d");
        ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
        ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
        for (const panel of this.panels) {
            if (!this.head.flat) panel.draw(ctx, this, this.ratio);
            else panel.drawTitle(ctx, this);
            if (this.lawHeight) drawLaw(ctx, panel, this, panel.frame.top + this.lawTop, this.lawHeight);
        }
        this.pictures?.draw();
        this.range.value = this.u;
        this.readout.textContent = this.clock();
        this.range.setAttribute("aria-valuetext", this.readout.textContent);
        this.range.style.setProperty("--done", `${(100 * this.u) / this.head.steps}%`);
        this.label();
        this.frames++;
        this.spent = performance.now() - began;
        this.onDraw?.();
    },

    clock() {
        const { head, u } = this;
        const k = Math.min(Math.floor(u + 1e-6), head.steps);
        return filled(head.words.clock, {
            step: k,
            steps: head.steps,
            t: short(along(head.t, u)),
            lambda: numeral(along(head.lambda, u), 2),
        });
    },

    // For those who cannot see it: where time stands, said once it stands still.
    tell() {
        this.said.textContent = this.follow === null ? this.clock() : `${this.clock()}. ${this.places().map((row) => row.text).join("; ")}`;
    },

    places() {
        const words = this.head.words;
        const here = this.reference && this.follow < this.reference.count && this.reference.at(this.u);
        const truth = here && this.reference.place(this.follow, here);
        return this.series.filter((s) => this.shown(s.id) && this.follow < s.track.count).map((s) => {
            const where = s.track.at(this.u);
            if (!where) return { colour: s.colour, text: `${s.label}: ${words.gone}` };
            const [x, y] = s.track.place(this.follow, where);
            const far = truth && !s.stochastic ? filled(words.off, { distance: short(Math.hypot(x - truth[0], y - truth[1])) }) : "";
            return { colour: s.colour, text: `${s.label}: (${numeral(x, 2)}, ${numeral(y, 2)})${far}` };
        });
    },

    // The followed particle, in a box that stays inside the picture.
    label() {
        const asks = this.follow === null && this.asking; // where to press, to whom no pointer says it
        this.tip.hidden = this.follow === null && !asks;
        if (asks) this.tip.replaceChildren(this.head.words.press);
        if (this.follow === null) return;
        const title = document.createElement("strong");
        title.textContent = filled(this.head.words.particle, { number: this.follow + 1 });
        const rows = this.places().map(({ colour, text }) => {
            const row = document.createElement("div");
            const dot = document.createElement("i");
            dot.style.background = colour;
            row.append(dot, text);
            return row;
        });
        this.tip.replaceChildren(title, ...rows);
    },
});

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const short = (value) => String(Number(value.toPrecision(3)));

const icon = (path) => `<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="${path}" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/></svg>`;

const ICONS = {
    play: icon("M8 5v14l11-7z"),
    pause: icon("M8 5v14M16 5v14"),
    back: icon("M18 6l-8 6 8 6zM6 6v12"),
    next: icon("M6 6l8 6-8 6zM18 6v12"),
    loop: icon("M17 3l3 3-3 3M4 12V9a3 3 0 0 1 3-3h13M7 21l-3-3 3-3M20 12v3a3 3 0 0 1-3 3H4"),
    apart: icon("M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z"),
    place: icon("M12 3v5M12 16v5M3 12h5M16 12h5M12 12h.01"),
    remove: icon("M6 6l12 12M18 6L6 18"),
    bigger: icon("M12 6v12M6 12h12"),
    smaller: icon("M6 12h12"),
    home: icon("M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"),
    camera: icon("M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z"),
    film: icon("M4 5h16v14H4zM8 5v14M16 5v14M4 9h4M4 15h4M16 9h4M16 15h4"),
};
