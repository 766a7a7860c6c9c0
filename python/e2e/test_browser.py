"""Through the page itself, in Chromium: what a person sees after a reload is what was there before."""

import os
import pathlib
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from conftest import chosen
from harness.person import Person
from test_app import turns_done

# The flags keep Chromium from calling home, and let it run as root and without a graphics card.
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage""".split()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        assert path, "no chromium; test.sh installs it"
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, app):
    page = browser.new_page(base_url=app.url, viewport={"width": 1200, "height": 900}, locale="en-US")
    page.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)
    yield page
    page.context.close()


def snapshot(page, name):
    """A picture to look at, when a folder for it is named."""
    if folder := os.environ.get("E2E_PICTURES"):
        page.screenshot(path=pathlib.Path(folder) / f"{name}.png")


def sign_in(page, name):
    page.goto("/")
    page.fill("#email", name)
    page.fill("#password", f"{name}-password")
    page.click("button[type=submit]")
    expect(page.get_by_text("Hello! Ask me anything.")).to_be_visible()


def ask(page, text):
    page.locator("#chat-input").click()
    page.keyboard.type(text)
    page.click("#chat-submit")
    expect(page.get_by_text(f"Echo: {text}", exact=True)).to_be_visible()


SHOWN = """name => {
  const picture = document.querySelector(`img[alt="${name}"]`)
  picture?.scrollIntoView()  // the page loads pictures when they come into view
  return picture?.complete && picture.naturalWidth
}"""


def expect_picture(page, name, width):
    """A picture of the conversation that the browser has really loaded; a broken one has no width."""
    assert page.wait_for_function(SHOWN, arg=name).json_value() == width


@pytest.mark.parametrize("backend", chosen()[-1:], indirect=True)
def test_a_conversation_is_found_again_in_the_page(app, page, tmp_path, png):
    (tmp_path / "mud.png").write_bytes(png)
    sign_in(page, "alice")
    page.set_input_files("#upload-button-input", tmp_path / "mud.png")
    ask(page, "what do you see in the browser?")
    expect_picture(page, "mud.png", 32)
    page.locator(".negative-feedback-off").last.click()
    page.get_by_role("dialog").get_by_role("textbox").fill("too muddy")
    page.click("#submit-feedback")
    expect(page.locator(".negative-feedback-on")).to_have_count(1)
    snapshot(page, "1-asked")

    page.goto("/")
    thread = page.locator("#thread-history a", has_text="what do you see in the browser?")
    expect(thread).to_have_count(1)
    thread.click()
    expect(page.get_by_text("Echo: what do you see in the browser?", exact=True)).to_be_visible()
    expect_picture(page, "mud.png", 32)
    expect(page.locator(".negative-feedback-on")).to_have_count(1)
    expect(page.get_by_text("look_up")).to_be_visible()
    snapshot(page, "2-opened-from-the-sidebar")

    ask(page, "notes and goodbye")
    expect(page.get_by_text("zweite Zeile: é")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Echo: notes and goodbye", exact=True)).to_be_visible()
    expect(page.get_by_text("zweite Zeile: é")).to_be_visible()
    snapshot(page, "3-reloaded")


@pytest.mark.parametrize("backend", chosen()[-1:], indirect=True)
def test_another_user_does_not_see_it(app, page):
    alice = Person(app, "alice")
    chat = alice.open_chat()
    chat.wait_for_greeting()
    chat.say("for my eyes only")
    thread_id = chat.thread_id
    alice.thread_when(thread_id, turns_done, "the turn is complete")
    chat.close()
    sign_in(page, "bob")
    page.goto(f"/thread/{thread_id}")
    expect(page.get_by_text("Hello! Ask me anything.").or_(page.get_by_text("Could not reach the server")).first).to_be_visible()
    expect(page.get_by_text("for my eyes only")).to_have_count(0)
    snapshot(page, "4-refused")
