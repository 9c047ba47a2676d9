"""Pictures as one HTML page that needs no network: for a single picture that is saved, and for a whole board."""

import html
from dataclasses import dataclass

import plotly.graph_objects as go

from core.figures.scene import PAGE, Scene, player_script
from core.language import current, tr
from core.references import bibtex, listed_html

MEASURE = """
main { max-width: 72rem; margin: 0 auto; }
header p, figcaption, .said { max-width: 46rem; line-height: 1.5; }
figure { margin: 0 0 2.5rem; break-inside: avoid; }
figure h2 { margin: 0 0 0.5rem; font-size: 1.25rem; }
.board { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); }
.board.one { grid-template-columns: minmax(0, 1fr); }
.board.three { grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
.board > figure { min-width: 0; }
.wide { grid-column: 1 / -1; }
details { margin: 0.5rem 0; }
pre { overflow-x: auto; padding: 0.75rem; background: var(--st-secondary-background-color); font-size: 0.8rem; }
a { color: light-dark(#0067a3, #7cc6f0); }
.js-plotly-plot { width: 100%; }
@media print { details { display: none; } body { max-width: none; } }
"""
COLUMNS = {1: "one", 3: "three"}
# A chart is drawn as soon as it is read, when its neighbours are not there yet and it has all the room; and its letters
# are grey, to be read on light and dark: here they take the colour of the page, on paper black.
FIT = """<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const fit = (ink) => document.querySelectorAll(".js-plotly-plot").forEach((chart) => {
    Plotly.relayout(chart, {"font.color": ink}).then(() => Plotly.Plots.resize(chart));
});
const show = () => fit(getComputedStyle(document.body).color);
addEventListener("load", show);
addEventListener("afterprint", show);
dark.addEventListener("change", show);
addEventListener("beforeprint", () => fit("black"));
</script>"""


@dataclass(frozen=True)
class Entry:
    """One picture of a report. Every text is plain and is escaped here.

    Attributes
    ----------
    title, caption, alt : caption may be empty.
    figure : a chart or a scene.
    facts : one line on the settings.
    settings : the specification as JSON.
    link : address of the picture in the app, http or https; empty if it has none.
    notes : how the numbers were obtained.
    wide : whether it takes the whole width.
    works : keys of ``core.references`` of what it stands on.
    """

    title: str
    figure: go.Figure | Scene
    alt: str
    facts: str
    settings: str
    caption: str = ""
    link: str = ""
    notes: tuple[str, ...] = ()
    wide: bool = False
    works: tuple[str, ...] = ()


def report_html(title: str, introduction: str, entries: list[Entry], columns: int = 2) -> str:
    """A whole page: title, introduction, pictures, references.

    Parameters
    ----------
    columns : 1 puts pictures one below the other; otherwise as many side by side as the window has room for.
    """
    works = tuple(dict.fromkeys(key for entry in entries for key in entry.works))
    charts = any(isinstance(entry.figure, go.Figure) for entry in entries)
    scenes = any(isinstance(entry.figure, Scene) for entry in entries)
    script = f"{_plotly()}{FIT}" if charts else ""
    pictures = "".join(_figure(entry, number) for number, entry in enumerate(entries))
    said = "".join(f"<p>{html.escape(part)}</p>" for part in introduction.split("\n") if part.strip())
    made = html.escape(tr("Made with Solverscope; every number was computed from the settings under its picture."))
    return (
        f'<!doctype html><html lang="{current()}"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{PAGE}{MEASURE}</style>{script}'
        f"<body><main><header><h1>{html.escape(title)}</h1>{said}</header>"
        f'<div class="board {COLUMNS.get(columns, "")}">{pictures}</div>'
        f"<h2>{html.escape(tr('References'))}</h2>{listed_html(works)}"
        f"<details><summary>BibTeX</summary><pre>{html.escape(bibtex(works))}</pre></details><p>{made}</p></main>"
        f"{player_script() if scenes else ''}</body></html>"
    )


def _figure(entry: Entry, number: int) -> str:
    title, alt = html.escape(entry.title), html.escape(entry.alt, quote=True)
    if isinstance(entry.figure, Scene):
        drawn = entry.figure.to_html(full_html=False)
    else:
        chart = go.Figure(entry.figure)
        chart.update_layout(autosize=True)
        drawn = chart.to_html(
            include_plotlyjs=False, full_html=False, div_id=f"picture-{number}", config={"responsive": True}
        )
        drawn = f'<div role="img" aria-label="{alt}">{drawn}</div>'
    caption = "".join(f"<p>{html.escape(part)}</p>" for part in entry.caption.split("\n") if part.strip())
    link = f'<a href="{html.escape(entry.link, quote=True)}">{html.escape(tr("Open in the app"))}</a>'
    link = link if entry.link.startswith(("http://", "https://")) else ""
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in entry.notes)
    in_words, settings = html.escape(tr("What it shows, in words")), html.escape(tr("Settings"))
    return (
        f"<figure{' class=wide' if entry.wide else ''}><h2>{title}</h2>{drawn}<figcaption>{caption}"
        f"<p>{html.escape(entry.facts)} {link}</p></figcaption>"
        f'<details><summary>{in_words}</summary><p class="said">{alt}</p>{notes}</details>'
        f"<details><summary>{settings}</summary><pre>{html.escape(entry.settings)}</pre></details></figure>"
    )


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>"
