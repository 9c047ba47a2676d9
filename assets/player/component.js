// Part 11, only in the app: the player as a component; it lives as long as its place on the page.

const HOMES = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
    const root = parentElement.querySelector(".solverscope-player");
    if (!HOMES.has(root)) {
        const place = (start) => setTriggerValue("start", start === null ? "" : start.map((v) => Number(v.toPrecision(6))).join(","));
        HOMES.set(root, new Player(root, root.dataset.alone === undefined ? { place } : {}));
        root.player = HOMES.get(root);
    }
    if (data instanceof Uint8Array) HOMES.get(root).show(data);
}
