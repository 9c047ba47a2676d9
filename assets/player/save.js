// Part 8: the picture as a PNG file, and one run of the time as a film: WebM, or MP4 where that is all there is.

function offer(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The canvas on its background, with the legend and the time below it.
function still(player, into) {
    const { canvas, look, ratio } = player;
    const rows = legendRows(player, canvas.width / ratio - 32);
    const below = 34 + 20 * rows.length;
    const height = canvas.height + below * ratio;
    if (into.width !== canvas.width || into.height !== height) {
        into.width = canvas.width;
        into.height = height;
    }
    const ink = into.getContext("2d");
    ink.setTransform(1, 0, 0, 1, 0, 0);
    ink.fillStyle = look.ground;
    ink.fillRect(0, 0, into.width, into.height);
    ink.drawImage(canvas, 0, 0);
    ink.scale(ratio, ratio);
    ink.font = look.small;
    ink.textBaseline = "middle";
    ink.textAlign = "left";
    let y = canvas.height / ratio + 14;
    for (const row of rows) {
        let x = 16;
        for (const { text, colour, marker, width } of row) {
            ink.fillStyle = colour;
            ink.beginPath();
            mark(ink, marker, x + 5, y, 4);
            ink.fill();
            ink.fillStyle = look.text;
            ink.fillText(text, x + 15, y);
            x += width;
        }
        y += 20;
    }
    ink.fillStyle = look.quiet;
    ink.fillText(player.readout.textContent, 16, y);
    return into;
}

function legendRows(player, width) {
    const ink = player.canvas.getContext("2d");
    ink.font = player.look.small;
    const rows = [[]];
    let used = 0;
    for (const s of player.series.filter((one) => player.shown(one.id))) {
        const wide = ink.measureText(s.legend).width + 32;
        if (used + wide > width && used > 0) {
            rows.push([]);
            used = 0;
        }
        rows.at(-1).push({ text: s.legend, colour: s.colour, marker: s.marker, width: wide });
        used += wide;
    }
    const { scale } = player.head;
    if (scale) {
        const cells = scale.colours.map((colour, k) => ({ text: scale.edges[k] ?? "", colour, marker: "square", width: 58 }));
        rows.push([{ text: scale.title, colour: "transparent", marker: "square", width: ink.measureText(scale.title).width + 28 }, ...cells]);
    }
    return rows;
}

function savePicture(player) {
    player.draw();
    still(player, document.createElement("canvas")).toBlob((blob) => offer(blob, `${player.name}.png`), "image/png");
}

const FILM = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"]; // the last where Safari records

const canFilm = () => typeof MediaRecorder !== "undefined" && FILM.some((type) => MediaRecorder.isTypeSupported(type));

// Plays once from start to end at the chosen speed while recording; resolves with the film.
async function film(player) {
    const sheet = still(player, document.createElement("canvas"));
    const mimeType = FILM.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(sheet.captureStream(30), { mimeType, videoBitsPerSecond: 6e6 });
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const over = new Promise((done) => (recorder.onstop = done));
    player.onDraw = () => still(player, sheet);
    recorder.start(200);
    await player.playOnce();
    await new Promise((done) => setTimeout(done, 400)); // the last picture stands for a moment
    recorder.stop();
    await over;
    player.onDraw = null;
    return new Blob(parts, { type: mimeType.split(";")[0] });
}
