"""What a reader of an HTML page sees, and formulas in it that are not mathematics."""

import re
from html.parser import HTMLParser

UNSEEN = {"code", "pre", "script", "style", "math", "title", "head"}
PLAIN = re.compile(
    r"pi_ref|pi\*|\bpi\^|[VWZ]\^|\bV\*|nu\^|chi2|<=|>=|\w_\{|\)_\+|\^-?\w|\bD_TV\b|sqrt|\bsum_"
)


class Words(HTMLParser):
    """Collects texts outside of code and mathematics."""

    def __init__(self):
        super().__init__()
        self.open, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        if tag in UNSEEN or "sig" in dict(attrs).get("class", "").split():
            self.open.append(tag)
        elif tag in self.open:
            self.open.append(tag)  # nested in one that is not read

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data):
        if not self.open:
            self.texts.append(data)


def plain_formulas(page):
    """List the texts of a page in which a formula stands as it is typed in a docstring."""
    words = Words()
    words.feed(page)
    return [text.strip() for text in words.texts if PLAIN.search(text)]


def too_wide(browser, address, *widths):
    """Tell by how many pixels a page is wider than each window, once it is laid out."""
    page = browser.new_page()
    try:
        page.goto(address)
        over = []
        for width in widths:
            page.set_viewport_size({"width": width, "height": 800})
            over.append(page.evaluate("w => document.documentElement.scrollWidth - w", width))
        return over
    finally:
        page.close()
