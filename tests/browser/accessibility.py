"""What axe-core, the usual judge of accessibility (WCAG 2, levels A and AA), objects to on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical", "moderate")
_AXE = Axe()


def violations(page: Page) -> list[str]:
    """One line for each rule that the page breaks, with its first places; minor remarks are left out."""
    found = _AXE.run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: "
        + "; ".join(node["html"][:120] for node in rule["nodes"][:3])
        for rule in found
        if rule["impact"] in GRAVE
    ]
