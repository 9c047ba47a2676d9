// What a style sheet cannot say: whatever is wider than its box can be scrolled with the keyboard as well, and the
// menu, whose list Streamlit divides by boxes that no list may hold, is read as plain links.
if (!window.solverscopeReach) {
    const boxes = ".katex-display, pre, [class*='st-key-wide-'] > *, [data-testid='stTable'], [data-testid='stTable'] div";
    let waiting = false;
    window.solverscopeReach = () => {
        waiting = false;
        for (const box of document.querySelectorAll(boxes)) {
            const wide = box.scrollWidth > box.clientWidth + 1;
            if (wide && !box.querySelector("a, button, input, [tabindex]")) box.tabIndex = 0;
        }
        for (const box of document.querySelectorAll("[class*='st-key-wide-']")) {
            box.onscroll = () => box.toggleAttribute("data-more", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
            box.onscroll();
        }
        for (const list of document.querySelectorAll("[data-testid='stSidebarNavItems']")) {
            list.setAttribute("role", "group");
            for (const item of list.querySelectorAll("li")) item.setAttribute("role", "none");
        }
    };
    const later = () => {
        if (waiting) return;
        waiting = true;
        setTimeout(window.solverscopeReach, 250);
    };
    new MutationObserver(later).observe(document.body, { childList: true, subtree: true });
    window.addEventListener("resize", later);
    // On a narrow screen the menu lies over the page: who has chosen one wants to see it.
    document.addEventListener("click", (event) => {
        if (window.innerWidth >= 768 || !event.target.closest?.("[data-testid='stSidebarNavItems'] a")) return;
        setTimeout(() => document.querySelector("[data-testid='stSidebarCollapseButton'] button")?.click(), 200);
    });
    later();
}
