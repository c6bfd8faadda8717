"""Headless Chromium: where it is, and what tests do with a page in it."""

import shutil
import time

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


def wait_until(driver, script, seconds=60):
    end = time.monotonic() + seconds
    while not driver.execute_script(f"return {script}"):
        assert time.monotonic() < end, f"never true: {script}"
        time.sleep(0.05)


def open_page(driver, path, width=1200):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(path.as_uri())
    wait_until(driver, "document.body.dataset.ready === 'true'")


def choose(driver, name, text):
    """Choose an option of a filter by what it shows, and wait until the list has followed."""
    driver.execute_script(
        "const s = document.getElementById(arguments[0]);"
        "s.value = [...s.options].find(o => o.textContent === arguments[1]).value;"
        "s.dispatchEvent(new Event('input', {bubbles: true}))",
        name,
        text,
    )
    time.sleep(0.4)


def count(driver):
    return int(driver.execute_script("return byId('browser-count').textContent").split()[0].replace(",", ""))


def column(driver, place):
    script = (
        "return [...document.querySelectorAll('#table tbody tr')].map(r => r.cells[arguments[0]].textContent)"
    )
    return driver.execute_script(script, place)
