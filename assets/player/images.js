// Part 6: images under the same playhead: film strips of one image, or sheets of all of them.

class Pictures {
    constructor(player, arrays) {
        const { images } = player.head;
        this.player = player;
        this.us = images.us;
        this.sheet = images.sheet;
        this.rows = images.rows.map((row) => this.row(row, arrays));
        player.strips.className = `sp-strips${this.sheet ? " sp-sheets" : ""}`;
        player.strips.replaceChildren(...this.rows.map((row) => row.box));
    }

    row({ id, label, colour, films }, arrays) {
        const box = document.createElement("section");
        const title = document.createElement("h2");
        const dot = document.createElement("i");
        dot.style.background = colour;
        title.append(dot, label);
        const body = document.createElement("div");
        body.className = "sp-films";
        box.append(title, body);
        const made = films.map((film) => this.film(film, arrays, body));
        return { id, box, films: made };
    }

    film({ array, label, holds }, arrays, body) {
        const { shape, values } = arrays[array];
        const frames = shape[0];
        const [height, width] = [shape[1], shape[2]];
        const pictures = [];
        for (let k = 0; k < frames; k++) pictures.push(bitmap(values, k, shape));
        const now = canvasOf(width, height, "sp-now");
        const words = document.createElement("figcaption");
        words.textContent = label;
        const part = document.createElement("figure");
        part.append(now, words);
        now.setAttribute("role", "img");
        now.setAttribute("aria-label", label);
        body.append(part);
        const made = { pictures, now, strip: null, width, height, holds };
        if (!this.sheet) {
            made.strip = document.createElement("canvas");
            made.strip.className = "sp-strip";
            made.strip.setAttribute("aria-hidden", "true"); // the same images as in `now`, one after the other
            made.strip.addEventListener("click", (event) => {
                const box = made.strip.getBoundingClientRect();
                this.player.seek(((event.clientX - box.left) / box.width) * this.player.head.steps);
            });
            const rail = document.createElement("div");
            rail.className = "sp-rail";
            rail.append(made.strip);
            part.append(rail);
        }
        return made;
    }

    // Which picture is there at the playhead: the one of the last time reached.
    index(count, holds) {
        let k = 0;
        while (k + 1 < this.us.length && this.us[k + 1] <= this.player.u + 1e-6) k++;
        if (holds) k = Math.min(k, count - 1); // the last prediction is what the last step went by
        return k >= 0 && k < count ? k : null; // null: the run broke off before
    }

    resize() {
        for (const row of this.rows) {
            for (const { strip, pictures, width, height } of row.films) {
                if (!strip) continue;
                const wide = strip.clientWidth;
                if (!wide) continue;
                const { ratio } = this.player;
                const count = Math.max(2, Math.min(this.us.length, Math.floor(wide / 51)));
                const side = Math.min(72, wide / count - 3);
                strip.style.height = `${(side * height) / width}px`;
                strip.width = Math.round(wide * ratio);
                strip.height = Math.round(((side * height) / width) * ratio);
                const ink = strip.getContext("2d");
                ink.scale(ratio, ratio);
                ink.imageSmoothingEnabled = false;
                for (let c = 0; c < count; c++) {
                    const k = Math.round((c / (count - 1)) * (this.us.length - 1));
                    const left = (c / (count - 1)) * (wide - side);
                    if (k < pictures.length) ink.drawImage(pictures[k], left, 0, side, (side * height) / width);
                }
            }
        }
    }

    draw() {
        for (const row of this.rows) {
            row.box.hidden = !this.player.shown(row.id);
            for (const { pictures, now, strip, width, height, holds } of row.films) {
                const k = this.index(pictures.length, holds);
                const ink = now.getContext("2d");
                ink.clearRect(0, 0, width, height);
                if (k !== null) ink.drawImage(pictures[k], 0, 0);
                if (!strip) continue;
                strip.parentElement.style.setProperty("--at", `${(100 * this.player.u) / this.player.head.steps}%`);
            }
        }
    }
}

function canvasOf(width, height, cls) {
    return Object.assign(document.createElement("canvas"), { width, height, className: cls });
}

// Frame k of (F, H, W, 1 or 3) bytes as a canvas of that size; a mosaic keeps its pixels when it is stretched.
function bitmap(values, k, [, height, width, channels]) {
    const made = canvasOf(width, height, "");
    const ink = made.getContext("2d");
    const image = ink.createImageData(width, height);
    const start = k * height * width * channels;
    for (let i = 0; i < width * height; i++) {
        for (let c = 0; c < 3; c++) image.data[4 * i + c] = values[start + i * channels + (channels === 3 ? c : 0)];
        image.data[4 * i + 3] = 255;
    }
    ink.putImageData(image, 0, 0);
    return made;
}
