"""Sphinx extension: equations as MathML, which browsers draw by themselves. The site then needs no script and no network.

Reads the part of LaTeX that docs/*.md use. A command that it does not know is an error, so that no equation goes wrong unseen.
An equation with \\tag{2.3} gets the number at its right and the anchor eq-2-3."""

import html
import re

from docutils import nodes

IDENTIFIERS = {name: chr(code) for name, code in {
    "alpha": 0x3B1, "beta": 0x3B2, "gamma": 0x3B3, "epsilon": 0x3B5, "eta": 0x3B7, "theta": 0x3B8, "lambda": 0x3BB, "mu": 0x3BC, "kappa": 0x3BA, "psi": 0x3C8,
    "xi": 0x3BE, "pi": 0x3C0, "rho": 0x3C1, "sigma": 0x3C3, "tau": 0x3C4, "phi": 0x3C6, "omega": 0x3C9, "infty": 0x221E,
    "ldots": 0x2026}.items()}
UPRIGHT = {"Delta": "\u0394", "Phi": "\u03a6", "#": "#"}
OPERATORS = {
    "cdot": "\u22c5", "cdots": "\u22ef", "le": "\u2264", "ge": "\u2265", "sim": "\u223c", "approx": "\u2248", "to": "\u2192", "leftarrow": "\u2190", "times": "\u00d7", "pm": "\u00b1",
    "in": "\u2208", "mid": "\u2223", "partial": "\u2202", "nabla": "\u2207"}
FENCES = {"{": "{", "}": "}", "lvert": "|", "rvert": "|", "lVert": "\u2016", "rVert": "\u2016", "lfloor": "\u230a", "rfloor": "\u230b",
          "langle": "\u27e8", "rangle": "\u27e9"}
LARGE = {"sum": "\u2211", "prod": "\u220f"}
INTEGRAL = {"int": "\u222b"}
FUNCTIONS = ("log", "exp", "cos", "sin", "cosh", "sinh")
LIMITS = ("min", "max", "sup")
SPACES = {",": "0.17em", ";": "0.28em", " ": "0.25em", "quad": "1em", "qquad": "2em"}
ACCENTS = {"hat": "^", "bar": "\u00af"}
SIZES = {"big": "1.3em", "Big": "1.8em"}
TOKEN = re.compile(r"\\([A-Za-z]+|.)|([0-9]+(?:\.[0-9]+)?)|(\s+)|(.)", re.DOTALL)


class MathError(ValueError):
    pass


class Parser:
    """Recursive descent over tokens (kind, text): c a command, n a number, t any other sign."""

    def __init__(self, text, is_display):
        self.text, self.is_display, self.place = text, is_display, 0
        self.tokens = []
        for command, number, space, sign in TOKEN.findall(text):
            if command:
                self.tokens.append(("c", command))
            elif number:
                self.tokens.append(("n", number))
            elif sign:
                self.tokens.append(("t", sign))

    def peek(self):
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")

    def take(self):
        token = self.peek()
        if token[0] == "end":
            raise MathError("ends too early")
        self.place += 1
        return token

    def row(self, end):
        """Up to the token `end`, which is taken too."""
        parts = []
        while self.peek() != end:
            parts.append(self.scripted())
        if end[0] != "end":
            self.take()
        return parts[0] if len(parts) == 1 else "<mrow>" + "".join(parts) + "</mrow>"

    def argument(self):
        kind, text = self.peek()
        if (kind, text) == ("t", "{"):
            self.take()
            return self.row(("t", "}"))
        if kind == "n" and len(text) > 1:  # \\tfrac12: one digit is the argument
            self.tokens[self.place:self.place + 1] = [("n", text[0]), ("n", text[1:])]
        return self.atom()[0]

    def raw_group(self):
        """Plain text between braces; spaces are those of the source."""
        if self.take() != ("t", "{"):
            raise MathError("a group in braces is expected")
        depth, parts = 1, []
        while True:
            kind, text = self.take()
            depth += (text == "{") - (text == "}") if kind == "t" else 0
            if depth == 0:
                return "".join(parts)
            parts.append(text)

    def scripted(self):
        base, has_limits = self.atom()
        below = above = None
        primes = 0
        while True:
            if self.peek() == ("t", "_") and below is None:
                self.take()
                below = self.argument()
            elif self.peek() == ("t", "^") and above is None:
                self.take()
                above = self.argument()
            elif self.peek() == ("t", "'"):
                self.take()
                primes += 1
            else:
                break
        if primes:
            marks = "<mo>" + "\u2032" * primes + "</mo>"
            above = marks if above is None else f"<mrow>{marks}{above}</mrow>"
        under, over, both = ("munder", "mover", "munderover") if has_limits else ("msub", "msup", "msubsup")
        if below is not None and above is not None:
            return f"<{both}>{base}{below}{above}</{both}>"
        if below is not None:
            return f"<{under}>{base}{below}</{under}>"
        return base if above is None else f"<{over}>{base}{above}</{over}>"

    def fence(self, size=None):
        kind, text = self.take()
        sign = FENCES.get(text) if kind == "c" else text
        if sign is None:
            raise MathError(f"\\{text} is no delimiter")
        extent = f' stretchy="true" symmetric="true" minsize="{size}" maxsize="{size}"' if size else ' stretchy="false" lspace="0" rspace="0"'
        return f"<mo{extent}>{html.escape(sign)}</mo>"

    def atom(self):
        """MathML of one thing, and whether scripts stand below and above it."""
        kind, text = self.take()
        if kind == "n":
            return f"<mn>{text}</mn>", False
        if kind == "t":
            if text == "{":
                return self.row(("t", "}")), False
            if text.isalpha():
                return f"<mi>{text}</mi>", False
            if text in "}^_&$%~":
                raise MathError(f"'{text}' is not expected")
            if text in "()[]|/":
                return f'<mo stretchy="false" lspace="0" rspace="0">{text}</mo>', False
            return f"<mo>{html.escape({'-': chr(0x2212), '*': chr(0x2217)}.get(text, text))}</mo>", False
        if text in IDENTIFIERS:
            return f"<mi>{IDENTIFIERS[text]}</mi>", False
        if text in UPRIGHT:
            return f'<mi mathvariant="normal">{UPRIGHT[text]}</mi>', False
        if text in OPERATORS:
            spaced = ' lspace="0" rspace="0"' if text in ("partial", "nabla") else ""
            return f"<mo{spaced}>{OPERATORS[text]}</mo>", False
        if text in FENCES:
            self.place -= 1
            return self.fence(), False
        if text in SIZES:
            return self.fence(SIZES[text]), False
        if text in LARGE:
            return f"<mo>{LARGE[text]}</mo>", self.is_display
        if text in INTEGRAL:
            return f"<mo>{INTEGRAL[text]}</mo>", False
        if text in LIMITS:
            return f'<mo lspace="0.17em" rspace="0.17em">{text}</mo>', self.is_display
        if text in FUNCTIONS:
            return f'<mo lspace="0.17em" rspace="0.17em">{text}</mo>', False
        if text in SPACES:
            return f'<mspace width="{SPACES[text]}"/>', False
        if text in ACCENTS:
            return f'<mover accent="true">{self.argument()}<mo stretchy="false">{ACCENTS[text]}</mo></mover>', False
        if text in ("frac", "tfrac"):
            fraction = f"<mfrac>{self.argument()}{self.argument()}</mfrac>"
            return fraction if text == "frac" else f'<mstyle displaystyle="false">{fraction}</mstyle>', False
        if text == "sqrt":
            return f"<msqrt>{self.argument()}</msqrt>", False
        if text == "text":
            return f"<mtext>{html.escape(self.plain_text())}</mtext>", False
        if text == "textstyle":
            self.is_display = False
            return "", False
        raise MathError(f"\\{text} is not known (docs/site/mathml.py)")

    def plain_text(self):
        """The group of a \\text, with its spaces: found again in the source, where tokens have lost them."""
        seen = sum(1 for token in self.tokens[:self.place] if token == ("c", "text"))
        self.raw_group()
        return re.findall(r"\\text\s*\{([^{}]*)\}", self.text)[seen - 1].replace(" ", "\u00a0")


def convert(text, is_display):
    parser = Parser(text, is_display)
    return f'<math display="{"block" if is_display else "inline"}">{parser.row(("end", ""))}</math>'


def visit_math(translator, node, is_display):
    text = node.astext().strip()
    tag = re.search(r"\\tag\{([^{}]*)\}", text)
    if tag:
        text = text.replace(tag.group(0), "").strip()
    try:
        found = convert(text, is_display)
    except MathError as error:
        raise MathError(f"equation '{text}': {error}") from None
    if not is_display:
        translator.body.append(found)
    elif tag:
        number = tag.group(1)
        anchor = "eq-" + number.replace(".", "-")
        translator.body.append(f'<div class="equation" id="{anchor}">{found}'
                               f'<a class="equation-number" href="#{anchor}">({number})</a></div>')
    else:
        translator.body.append(f'<div class="equation">{found}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (lambda self, node: visit_math(self, node, False), None),
                               (lambda self, node: visit_math(self, node, True), None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
