#!/usr/bin/env bash
# See to it that a Chromium or Chrome is there for the browser tests; needs .venv with Playwright.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/apt.sh

found() { .venv/bin/python -m tests.browser.driver; }

# Chinese without a font is a row of boxes.
[ -n "$(fc-list :lang=zh 2>/dev/null)" ] || apt_install fonts-wqy-zenhei || echo "No Chinese font: pictures lack its letters."

found >/dev/null 2>&1 && exit 0
echo "No Chromium found."
# Fonts: without any, text in Chromium on a bare machine has no width.
apt_install chromium fonts-liberation && found && exit 0
# Ubuntu's package needs snap; Playwright brings a build of its own there, and on other systems.
echo "Trying Playwright's own Chromium"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    .venv/bin/python -m playwright install --with-deps chromium </dev/null || true
else
    .venv/bin/python -m playwright install chromium </dev/null || true
fi
found
