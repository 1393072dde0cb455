"""Numbers by which compiled code knows the rules and the orders of quasi-SMC."""

__all__ = [
    "ADAPTED", "LEXICOGRAPHIC", "ORDERS", "PIVOTAL", "RULES", "SLACK", "STATE", "STRATIFIED",
    "SYSTEMATIC", "THRESHOLD", "TOKEN",
]  # fmt: skip

PIVOTAL, STRATIFIED, SYSTEMATIC, THRESHOLD, ADAPTED = range(5)
RULES = {
    "pivotal": PIVOTAL, "stratified": STRATIFIED, "systematic": SYSTEMATIC,
    "threshold": THRESHOLD, "adapted": ADAPTED,
}  # fmt: skip

LEXICOGRAPHIC, STATE, TOKEN = range(3)
ORDERS = {"lexicographic": LEXICOGRAPHIC, "state": STATE, "token": TOKEN}

# Ends of cells this close to a whole number (times N) are that number: rounding has moved them.
SLACK = 1e-12
